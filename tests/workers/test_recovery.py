"""What a dead worker leaves behind on the disk, taken up by the next one."""

import os
import threading
from decimal import Decimal

import pytest
from sqlalchemy import text

from core import attempts, decisions, disk_room, runs
from core.ids import new_id
from core.models import AssetKind, Job
from core.restore import after_restore
from core.spending import Charge
from core.stages import Outcome, Stage
from tests.model import rows
from tests.workers.conftest import billed, fault, look_now
from tests.workers.left_behind import (
    V1,
    claimed,
    detail_of,
    die,
    forget,
    intended,
    limits,
    spooled_answer,
    stage_of,
    video_request,
)
from tests.workers.processes import until
from workers import edits, recovery, sweep

pytestmark = pytest.mark.usefixtures("quick_videos")


def test_an_answer_on_the_disk_is_stored(services, hands, kim, file_edit, settle, openai_simulator):
    job = file_edit()
    attempt = intended(services, claimed(hands))
    spooled_answer(services, hands, attempt, job)
    die(services, job)

    assert recovery.recover(hands) == 1
    assert settle(job).stage is Stage.STORED
    assert len(billed(openai_simulator)) == 1


def test_a_whole_body_that_nobody_marked_is_an_answer_too(services, hands, kim, file_edit, settle):
    job = file_edit()
    attempt = intended(services, claimed(hands))
    spooled_answer(services, hands, attempt, job)
    (services.settings.spool_dir / f"{attempt.id}.json").unlink()
    die(services, job)

    assert recovery.recover(hands) == 1
    assert settle(job).stage is Stage.STORED


def test_a_body_that_broke_off_is_set_aside(services, hands, kim, file_edit):
    job = file_edit()
    attempt = intended(services, claimed(hands))
    hands.spool.body(attempt.id).write_bytes(b'{"data": [{"b64_json": "iVBORw0')
    die(services, job)

    assert recovery.recover(hands) == 0
    assert [path.suffix for path in services.settings.spool_dir.glob(f"{attempt.id}*")] == [".cut"]


def test_what_broke_off_keeps_no_more_room_than_it_has(services, hands, kim, file_edit):
    job = file_edit()
    attempt = intended(services, claimed(hands))
    body = hands.spool.body(attempt.id)
    with body.open("wb") as file:
        disk_room.reserve(file, 2**20)  # and its worker is killed
        file.write(b'{"data": [{')
    die(services, job)
    recovery.recover(hands)

    assert body.with_suffix(".cut").read_bytes() == b'{"data": [{'
    assert body.with_suffix(".cut").stat().st_blocks * 512 < 2**20


def test_a_body_that_a_paused_worker_may_still_write_is_left_to_it(
    services, hands, kim, file_edit, settle
):
    """Its lease is over, and the rest of what was paid for is on its way."""
    job = file_edit()
    attempt = intended(services, claimed(hands))
    body = hands.spool.body(attempt.id)
    with body.open("wb") as arriving:
        die(services, job)
        held = hands.spool.locks.hold("dead")

        assert recovery.recover(hands) == 0
        arriving.write(rows.answer(useless=False))
    hands.spool.locks.leave("dead", held)  # it ends before it can mark the answer

    assert recovery.recover(hands) == 1
    assert settle(job).stage is Stage.STORED


def test_an_answer_in_a_living_workers_hands_is_left_alone(services, hands, kim, file_edit):
    job = file_edit()
    attempt = intended(services, claimed(hands))
    spooled_answer(services, hands, attempt, job)

    assert recovery.recover(hands) == 0
    assert stage_of(services, kim, job) is Stage.SUBMITTING


def test_a_late_answer_of_a_request_that_was_sent_again_is_kept_beside_it(
    services, hands, kim, file_edit, settle
):
    job = file_edit()
    attempt = intended(services, claimed(hands), send_s=-services.settings.settle_s - 1)
    die(services, job)
    sweep.sweep(hands)
    with services.sessions.begin() as session:
        decisions.send_again(session, kim, job.id)
    assert settle(job).stage is Stage.STORED

    spooled_answer(services, hands, attempt, job)  # the dead worker's host comes back
    assert recovery.keep_late(hands) == 1
    detail = detail_of(services, kim, job)

    assert len(detail.of_kind(AssetKind.RESULT)) == 2
    assert hands.spool.answered() == []


def test_a_late_answer_of_a_job_that_was_given_up_is_kept(services, hands, kim, file_edit):
    job = file_edit()
    attempt = intended(services, claimed(hands), send_s=-services.settings.settle_s - 1)
    die(services, job)
    sweep.sweep(hands)
    with services.sessions.begin() as session:
        decisions.give_up(session, kim, job.id)

    spooled_answer(services, hands, attempt, job)
    assert recovery.keep_late(hands) == 1
    detail = detail_of(services, kim, job)

    assert detail.stage is Stage.ABANDONED
    assert len(detail.of_kind(AssetKind.RESULT)) == 1
    assert detail.job.cost_usd > 0


def test_a_late_answer_is_kept_by_one_worker_at_a_time(
    services, hands, kim, file_edit, monkeypatch
):
    job = file_edit()
    attempt = intended(services, claimed(hands), send_s=-services.settings.settle_s - 1)
    die(services, job)
    sweep.sweep(hands)
    with services.sessions.begin() as session:
        decisions.give_up(session, kim, job.id)
    spooled_answer(services, hands, attempt, job)
    really, kept_by_others = edits.store_late, []

    def store_late(*args):
        monkeypatch.setattr(edits, "store_late", really)
        kept_by_others.append(recovery.keep_late(hands))
        really(*args)

    monkeypatch.setattr(edits, "store_late", store_late)

    assert recovery.keep_late(hands) == 1
    assert kept_by_others == [0]
    assert hands.spool.answered() == []


def test_a_bucket_that_hangs_keeps_no_orphan_waiting(services, hands, kim, file_edit, monkeypatch):
    """A late answer is copied there, minutes long; `recover` goes on to the next one."""
    late = file_edit()
    attempt = intended(services, claimed(hands), send_s=-services.settings.settle_s - 1)
    die(services, late)
    sweep.sweep(hands)
    with services.sessions.begin() as session:
        decisions.give_up(session, kim, late.id)
    spooled_answer(services, hands, attempt, late)
    job = file_edit()
    spooled_answer(services, hands, intended(services, claimed(hands)), job)
    die(services, job)

    def hanging(*_args, **_kwargs):
        pytest.fail("It waits for the bucket.")

    with monkeypatch.context() as patched:
        patched.setattr(services.bucket, "put_file", hanging)
        assert recovery.recover(hands) == 1
    assert stage_of(services, kim, job) is Stage.STORING
    assert recovery.keep_late(hands) == 1


def test_a_late_answer_that_comes_while_its_job_stores_another_is_counted_beside_it(
    services, hands, kim, file_edit
):
    job = file_edit()
    attempt = intended(services, claimed(hands))
    spooled_answer(services, hands, attempt, job)
    late = threading.Thread(target=edits.store_late, args=(hands, hands.spool.get(attempt.id)))
    with services.sessions.begin() as session:
        runs.locked(session, job.id)
        stored = session.get_one(Job, job.id)
        late.start()
        late.join(2)
        runs.add_cost(stored, Decimal("0.30"), "v")
    late.join()
    detail = detail_of(services, kim, job)

    assert len(detail.of_kind(AssetKind.RESULT)) == 1
    assert detail.job.cost_usd > Decimal("0.30")


def test_a_late_answer_that_holds_nothing_is_kept_and_told_of(
    services, hands, kim, file_edit, openai_simulator
):
    job = file_edit()
    attempt = intended(services, claimed(hands), send_s=-services.settings.settle_s - 1)
    die(services, job)
    sweep.sweep(hands)
    with services.sessions.begin() as session:
        decisions.give_up(session, kim, job.id)

    fault(openai_simulator, "b64_html", times=1)
    spooled_answer(services, hands, attempt, job)
    assert recovery.keep_late(hands) == 1
    detail = detail_of(services, kim, job)

    assert len(detail.of_kind(AssetKind.RAW)) == 1
    told = [event.detail for event in detail.events if event.kind == "late_result_missing"]
    assert told == [{"code": "not_an_image"}]


def test_a_noted_task_is_taken_up(services, hands, kim, file_video, settle, minimax_simulator):
    job = file_video(*V1)
    attempt = intended(services, claimed(hands))
    taken = services.videos["minimax_v1"].submit(video_request(services, job), limits=limits())
    hands.spool.note_task(attempt.id, job.id, taken)
    assert recovery.recover(hands) == 0  # still in its worker's hands
    die(services, job)

    assert recovery.recover(hands) == 1
    sweep.sweep(hands)
    assert settle(job).stage is Stage.STORED
    assert len(billed(minimax_simulator)) == 1
    assert hands.spool.noted() == []


def test_an_uncertain_job_whose_task_was_noted_goes_on(services, hands, kim, file_video, settle):
    job = file_video(*V1)
    attempt = intended(services, claimed(hands), send_s=-services.settings.settle_s - 1)
    taken = services.videos["minimax_v1"].submit(video_request(services, job), limits=limits())
    hands.spool.note_task(attempt.id, job.id, taken)
    die(services, job)
    sweep.sweep(hands)
    assert stage_of(services, kim, job) is Stage.UNCERTAIN

    assert recovery.recover(hands) == 1
    assert settle(job).stage is Stage.STORED


def test_one_damaged_file_keeps_no_other_answer_waiting(services, hands, kim, file_edit):
    folder = services.settings.spool_dir
    (folder / "nonsense.json").write_text("{}")
    (folder / f"{'0' * 8}-0000-7000-8000-{'0' * 12}.json").write_text("{")
    job = file_edit()
    attempt = intended(services, claimed(hands))
    spooled_answer(services, hands, attempt, job)
    die(services, job)

    assert recovery.recover(hands) == 1


@pytest.mark.parametrize("suffix", ["json", "task"])
@pytest.mark.parametrize("content", [None, '{"job_id": "x"}', '{"another": "release"}', "["])
def test_one_unreadable_file_keeps_no_other_answer_waiting(
    services, hands, kim, file_edit, suffix, content
):
    """The disk refuses it, say, or a newer release has written it."""
    path = services.settings.spool_dir / f"{'0' * 8}-0000-7000-8000-{'0' * 12}.{suffix}"
    if suffix == "json":
        path.with_suffix(".body").write_bytes(b"{")
    if content is None:
        path.mkdir()  # it can be read by nobody
    else:
        path.write_text(content)
    job = file_edit()
    attempt = intended(services, claimed(hands))
    spooled_answer(services, hands, attempt, job)
    die(services, job)

    assert recovery.recover(hands) == 1


@pytest.fixture(params=["edit", "video"])
def forgotten(request, services, hands, file_edit, file_video):
    """A job that was sent and paid, and its attempt, of which only the disk knows any more."""
    job = file_edit() if request.param == "edit" else file_video(*V1)
    attempt = intended(services, claimed(hands))
    if request.param == "edit":
        spooled_answer(services, hands, attempt, job)
    else:
        taken = services.videos["minimax_v1"].submit(video_request(services, job), limits=limits())
        hands.spool.note_task(attempt.id, job.id, taken)
    forget(services, attempt)
    return job, attempt


@pytest.fixture
def all_billed(openai_simulator, minimax_simulator):
    return lambda: len(billed(openai_simulator)) + len(billed(minimax_simulator))


@pytest.mark.parametrize("told", [False, True], ids=["unaware", "after-restore"])
def test_what_the_database_has_forgotten_is_not_sent_again(
    services, hands, kim, forgotten, settle, all_billed, told
):
    job, attempt = forgotten
    if told:
        with services.sessions.begin() as session:
            assert after_restore(session) == 1

    assert recovery.recover(hands) == 1
    detail = settle(job)

    assert detail.stage is Stage.STORED
    assert [(it.id, it.n, it.outcome) for it in detail.attempts] == [(attempt.id, 1, "accepted")]
    assert all_billed() == 1
    assert [*hands.spool.answered(), *hands.spool.noted()] == []
    assert not (services.settings.spool_dir / "strangers").exists()


def test_it_is_not_sent_again_either_by_whoever_claims_it_first(
    services, kim, forgotten, settle, all_billed
):
    """A database that fails over while its workers live: they claim at once."""
    job, attempt = forgotten
    until(lambda: settle(job).stage is Stage.STORED)

    assert [it.id for it in detail_of(services, kim, job).attempts] == [attempt.id]
    assert all_billed() == 1


def test_what_was_forgotten_and_sent_again_is_kept_beside_it(
    services, hands, kim, forgotten, settle, all_billed
):
    """On another host, say, which cannot see this disk."""
    job, attempt = forgotten
    elsewhere = services.settings.spool_dir.with_name("elsewhere")
    services.settings.spool_dir.rename(elsewhere)
    services.settings.spool_dir.mkdir()
    assert settle(job).stage is Stage.STORED
    for path in elsewhere.glob(f"{attempt.id}.*"):
        path.rename(services.settings.spool_dir / path.name)

    recovery.recover(hands)
    recovery.keep_late(hands)
    until(lambda: looked_and_kept(services, hands, kim, job, 2))

    detail = detail_of(services, kim, job)
    assert detail.stage is Stage.STORED
    outcomes = [(it.id == attempt.id, it.outcome) for it in detail.attempts]
    assert outcomes == [(False, "accepted"), (True, "superseded")]
    assert detail.charges == [Charge.COUNTED, Charge.COUNTED]
    assert [*hands.spool.answered(), *hands.spool.noted()] == []


def looked_and_kept(services, hands, kim, job, count) -> bool:
    look_now(hands)
    return len(detail_of(services, kim, job).of_kind(AssetKind.RESULT)) == count


def test_while_another_request_is_under_way_what_was_forgotten_waits(
    services, hands, kim, forgotten, settle, all_billed
):
    job, _ = forgotten
    another = intended(services, claimed(hands))
    assert recovery.recover(hands) == 0

    with services.sessions.begin() as session:  # it turns out that nobody took it
        attempts.settled(session, another.id, Outcome.NOT_SENT)
        runs.freed(session, runs.locked(session, job.id), by="dead")
    until(lambda: settle(job).stage is Stage.STORED)
    assert all_billed() == 1


def test_what_turns_up_after_a_person_has_given_up_is_kept(services, hands, kim, forgotten):
    job, attempt = forgotten
    with services.sessions.begin() as session:
        after_restore(session)
    with services.sessions.begin() as session:
        decisions.give_up(session, kim, job.id)

    recovery.recover(hands)
    recovery.keep_late(hands)
    until(lambda: looked_and_kept(services, hands, kim, job, 1))

    assert [it.id for it in detail_of(services, kim, job).attempts] == [attempt.id]


@pytest.mark.parametrize("noticed_by", ["the sweep", "the sender"])
def test_what_turns_up_before_it_is_sent_again_takes_the_place_of_that(
    services, hands, kim, forgotten, settle, all_billed, noticed_by
):
    job, attempt = forgotten
    with services.sessions.begin() as session:
        after_restore(session)
    with services.sessions.begin() as session:
        decisions.send_again(session, kim, job.id)

    if noticed_by == "the sweep":
        recovery.recover(hands)
    until(lambda: settle(job).stage is Stage.STORED)

    detail = detail_of(services, kim, job)
    assert [(it.id, it.outcome) for it in detail.attempts] == [(attempt.id, Outcome.ACCEPTED)]
    assert all_billed() == 1


def test_what_belongs_to_no_job_is_put_by_and_holds_up_no_other(
    services, hands, kim, file_edit, settle
):
    """After an older database was restored: the disk remembers what the rows do not."""
    job, nobodys = file_edit(), new_id()
    attempt = intended(services, claimed(hands))
    spooled_answer(services, hands, attempt, job)
    whole = hands.spool.get(attempt.id)
    hands.spool.body(nobodys).write_bytes(whole.body.read_bytes())
    hands.spool.complete(nobodys, new_id(), whole.answer)
    die(services, job)

    assert recovery.recover(hands) == 1

    strangers = services.settings.spool_dir / "strangers"
    assert {path.suffix for path in strangers.glob(f"{nobodys}.*")} == {".body", ".json"}
    assert settle(job).stage is Stage.STORED


def test_an_unknown_body_is_left_to_its_sender_until_it_can_be_at_it_no_more(services, hands):
    body = hands.spool.body(new_id())
    body.write_bytes(b"{")
    recovery.recover(hands)
    assert body.exists()

    os.utime(body, (0, 0))
    recovery.recover(hands)
    assert (services.settings.spool_dir / "strangers" / body.name).exists()


def test_an_answer_whose_mark_is_damaged_is_found_by_its_body(
    services, hands, kim, file_edit, settle
):
    job = file_edit()
    attempt = intended(services, claimed(hands))
    spooled_answer(services, hands, attempt, job)
    die(services, job)
    assert recovery.recover(hands) == 1
    (services.settings.spool_dir / f"{attempt.id}.json").write_text("damaged")

    assert settle(job).stage is Stage.STORED


def test_an_answer_that_comes_back_after_its_job_was_given_up_for_lost_is_kept(
    services, hands, kim, file_edit
):
    job = file_edit()
    attempt = intended(services, claimed(hands))
    spooled_answer(services, hands, attempt, job)
    die(services, job)
    assert recovery.recover(hands) == 1
    with services.sessions.begin() as session:
        session.execute(text("UPDATE runs SET stage_since = now() - interval '8 days'"))
    assert sweep.expire(hands) == 1
    assert detail_of(services, kim, job).job.error_code == "answer_lost"

    assert recovery.keep_late(hands) == 1

    detail = detail_of(services, kim, job)
    assert detail.of_kind(AssetKind.RESULT)
    assert detail.job.final_stage == Stage.BAD_RESULT
    assert hands.spool.answered() == []


REFUSING = """
    CREATE FUNCTION refusing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'no' USING ERRCODE = '22P05'; END $$;
    CREATE TRIGGER refusing BEFORE UPDATE OR DELETE ON runs FOR EACH ROW
    WHEN (OLD.job_id = '{}') EXECUTE FUNCTION refusing()
"""


def test_what_the_database_refuses_of_one_holds_up_no_other(services, hands, kim, file_edit):
    jobs = [file_edit(), file_edit()]
    for _ in jobs:
        attempt = intended(services, claimed(hands))
        spooled_answer(services, hands, attempt, next(j for j in jobs if j.id == attempt.job_id))
    for job in jobs:
        die(services, job)
    with services.sessions.begin() as session:
        (first, *_) = map(hands.spool.get, hands.spool.answered())
        session.execute(text(REFUSING.format(first.job_id)))

    assert recovery.recover(hands) == 1
    assert sweep.sweep(hands) == 0  # nor does it stop this one
    (other,) = (job for job in jobs if job.id != first.job_id)
    assert stage_of(services, kim, other) is Stage.STORING


def test_a_job_that_cannot_be_ended_keeps_no_other_waiting(services, hands, kim, file_edit):
    jobs = [file_edit(), file_edit()]
    with services.sessions.begin() as session:
        session.execute(text("UPDATE jobs SET created_at = now() - interval '2 days'"))
        session.execute(text(REFUSING.format(jobs[0].id)))

    assert sweep.expire(hands) == 1
    assert [stage_of(services, kim, job) for job in jobs] == [Stage.READY, Stage.EXPIRED]
