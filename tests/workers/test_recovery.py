"""What a dead worker leaves behind on the disk, taken up by the next one."""

import json
import os

import pytest
from sqlalchemy import text

from core import disk_room
from core.ids import new_id
from core.stages import Stage
from tests.model import rows
from tests.workers.conftest import billed
from tests.workers.left_behind import (
    V1,
    answered,
    claimed,
    die,
    intended,
    limits,
    spooled_answer,
    stage_of,
    video_request,
)
from workers import recovery, sweep

pytestmark = pytest.mark.usefixtures("quick_videos")


def test_an_answer_on_the_disk_is_stored(services, hands, kim, file_edit, settle, openai_simulator):
    job = file_edit()
    answered(services, hands, job)

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


def test_a_mark_of_another_release_is_read_all_the_same(
    services, hands, kim, file_edit, settle, openai_simulator
):
    job = file_edit()
    attempt = answered(services, hands, job)
    mark = services.settings.spool_dir / f"{attempt.id}.json"
    content = json.loads(mark.read_text())
    content["answer"]["processing_ms"] = 1234
    mark.write_text(json.dumps(content))

    assert recovery.recover(hands) == 1
    assert settle(job).stage is Stage.STORED
    assert len(billed(openai_simulator)) == 1


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
    answered(services, hands, job)

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
    answered(services, hands, job)

    assert recovery.recover(hands) == 1


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
    attempt = answered(services, hands, job)
    assert recovery.recover(hands) == 1
    (services.settings.spool_dir / f"{attempt.id}.json").write_text("damaged")

    assert settle(job).stage is Stage.STORED


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
