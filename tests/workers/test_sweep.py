"""What a dead worker leaves behind, taken up by the next one."""

import time
from datetime import timedelta

import pytest
import requests
from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError

from core import attempts, claims, clock, decisions, runs
from core.details import load
from core.errors import NotAccepted, NotSent, OutcomeUnknown, Refused
from core.models import AssetKind, Attempt, Dialect, Job, Run
from core.providers import SendLimits
from core.services import Services
from core.stages import Outcome, Stage
from tests.workers.conftest import billed, fault, look_now
from tests.workers.processes import until
from workers import requests as asking
from workers import sending, sweep
from workers.hands import Hands

V1 = ("MiniMax-Hailuo-02", {"mode": "text", "resolution": "768P", "duration": 6})
V2 = ("MiniMax-H3", {"mode": "text", "resolution": "768P", "duration": 5, "ratio": "16:9"})


@pytest.fixture(autouse=True)
def quick(minimax_simulator):
    requests.patch(
        f"{minimax_simulator.url}/_control/settings",
        json={"fixed_s": 0.2, "small_videos": True},
        timeout=5,
    ).raise_for_status()


def claimed(hands: Hands, stage: Stage = Stage.READY) -> claims.Claim:
    services = hands.services
    with services.sessions.begin() as session:
        (claim,) = claims.claim(
            session,
            worker="dead",
            stages=(stage,),
            leases={str(dialect): 60.0 for dialect in Dialect},
            host=hands.spool.host,
            keys=services.keys(),
        )
    return claim


def intended(services: Services, claim: claims.Claim, *, send_s: float = 30) -> Attempt:
    with services.sessions.begin() as session:
        return attempts.open_one(
            session,
            claim,
            key_id=services.key_id(claim.dialect),
            send_s=send_s,
            callback_token=None,
            estimate_usd=None,
        )


def die(services: Services, job: Job, *, ago_s: float = 60) -> None:
    """Let the lease of a job have ended, as if its worker had been killed."""
    with services.sessions.begin() as session:
        session.execute(
            update(Run)
            .where(Run.job_id == job.id)
            .values(lease_until=clock.now() - timedelta(seconds=ago_s))
        )


def stage_of(services, user, job) -> Stage:
    return detail_of(services, user, job).stage


def detail_of(services, user, job):
    with services.sessions() as session:
        return load(session, user, job.id, team_reads=True)


def spooled_answer(services, hands, attempt, job) -> None:
    """Have a real answer in the spool, complete and marked, that no database knows."""
    task = asking.load(services, job.id)
    files = asking.fetch(services, task, services.settings.spool_dir)
    answer = services.images.edit(
        asking.edit_request(files, client_id=attempt.id, safety_identifier="u"),
        limits=SendLimits(connect_s=5, total_s=10),
        spool=hands.spool.body(attempt.id),
        on_partial=lambda _i, _b: None,
    )
    hands.spool.complete(attempt.id, job.id, answer)


def test_a_claim_without_an_attempt_is_simply_free_again(services, hands, kim, file_edit):
    job = file_edit()
    claimed(hands)
    die(services, job)

    assert sweep.sweep(hands) == 1
    assert stage_of(services, kim, job) is Stage.READY


def test_a_request_that_may_have_been_sent_waits_for_its_deadline(services, hands, kim, file_edit):
    job = file_edit()
    intended(services, claimed(hands), send_s=30)
    die(services, job)

    assert sweep.sweep(hands) == 0
    assert stage_of(services, kim, job) is Stage.SUBMITTING


def test_a_request_that_may_have_been_sent_waits_for_the_end_of_its_lease(
    services, hands, kim, file_edit
):
    """It may leave as late as its worker's own deadline allows."""
    job = file_edit()
    intended(services, claimed(hands), send_s=-60)

    assert sweep.sweep(hands) == 0
    assert stage_of(services, kim, job) is Stage.SUBMITTING


def test_nothing_is_sent_in_the_settle_time_before_the_lease_ends(
    services, hands, kim, file_edit, openai_simulator
):
    job = file_edit()
    claim = claimed(hands)
    margin_s = services.settings.settle_s - 0.1
    object.__setattr__(services.settings, "lease_margin_s", margin_s)  # less than is allowed
    lease_s = services.settings.openai_timeout_s + margin_s

    sending.submit(hands, claim, deadline=time.monotonic() + lease_s)

    assert billed(openai_simulator) == []
    assert detail_of(services, kim, job).run.waiting_for == "too_late"


def test_a_request_whose_pictures_took_long_is_sent_under_a_lease_of_its_own(
    services, hands, kim, file_edit, openai_simulator
):
    job = file_edit()
    claim = claimed(hands)

    sending.submit(hands, claim, deadline=time.monotonic() + services.settings.settle_s)

    assert len(billed(openai_simulator)) == 1
    detail = detail_of(services, kim, job)
    assert detail.stage is Stage.STORED
    assert detail.attempts[0].lease_token == claim.token + 1


def test_after_its_deadline_it_is_uncertain(services, hands, kim, file_edit):
    job = file_edit()
    intended(services, claimed(hands), send_s=-services.settings.settle_s - 1)
    die(services, job)

    assert sweep.sweep(hands) == 1
    detail = detail_of(services, kim, job)
    assert detail.stage is Stage.UNCERTAIN
    assert [attempt.outcome for attempt in detail.attempts] == [Outcome.UNKNOWN]


def test_an_answer_on_the_disk_is_stored(services, hands, kim, file_edit, settle, openai_simulator):
    job = file_edit()
    attempt = intended(services, claimed(hands))
    spooled_answer(services, hands, attempt, job)
    die(services, job)

    assert sweep.recover(hands) == 1
    assert settle(job).stage is Stage.STORED
    assert len(billed(openai_simulator)) == 1


def test_a_whole_body_that_nobody_marked_is_an_answer_too(services, hands, kim, file_edit, settle):
    job = file_edit()
    attempt = intended(services, claimed(hands))
    spooled_answer(services, hands, attempt, job)
    (services.settings.spool_dir / f"{attempt.id}.json").unlink()
    die(services, job)

    assert sweep.recover(hands) == 1
    assert settle(job).stage is Stage.STORED


def test_a_body_that_broke_off_is_set_aside(services, hands, kim, file_edit):
    job = file_edit()
    attempt = intended(services, claimed(hands))
    hands.spool.body(attempt.id).write_bytes(b'{"data": [{"b64_json": "iVBORw0')
    die(services, job)

    assert sweep.recover(hands) == 0
    assert [path.suffix for path in services.settings.spool_dir.glob(f"{attempt.id}*")] == [".cut"]


def test_an_answer_in_a_living_workers_hands_is_left_alone(services, hands, kim, file_edit):
    job = file_edit()
    attempt = intended(services, claimed(hands))
    spooled_answer(services, hands, attempt, job)

    assert sweep.recover(hands) == 0
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
    assert sweep.recover(hands) == 1
    detail = detail_of(services, kim, job)

    assert len(detail.of_kind(AssetKind.RESULT)) == 2
    assert list(hands.spool.complete_ones()) == []


def test_a_late_answer_of_a_job_that_was_given_up_is_kept(services, hands, kim, file_edit):
    job = file_edit()
    attempt = intended(services, claimed(hands), send_s=-services.settings.settle_s - 1)
    die(services, job)
    sweep.sweep(hands)
    with services.sessions.begin() as session:
        decisions.give_up(session, kim, job.id)

    spooled_answer(services, hands, attempt, job)
    assert sweep.recover(hands) == 1
    detail = detail_of(services, kim, job)

    assert detail.stage is Stage.ABANDONED
    assert len(detail.of_kind(AssetKind.RESULT)) == 1
    assert detail.job.cost_usd > 0


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
    assert sweep.recover(hands) == 1
    detail = detail_of(services, kim, job)

    assert len(detail.of_kind(AssetKind.RAW)) == 1
    told = [event.detail for event in detail.events if event.kind == "late_result_missing"]
    assert told == [{"code": "not_an_image"}]


def test_a_noted_task_is_taken_up(services, hands, kim, file_video, settle, minimax_simulator):
    job = file_video(*V1)
    attempt = intended(services, claimed(hands))
    taken = services.videos["minimax_v1"].submit(_request(services, job), limits=_limits())
    hands.spool.note_task(attempt.id, job.id, taken)
    assert sweep.recover(hands) == 0  # still in its worker's hands
    die(services, job)

    assert sweep.recover(hands) == 1
    sweep.sweep(hands)
    assert settle(job).stage is Stage.STORED
    assert len(billed(minimax_simulator)) == 1
    assert list(hands.spool.noted_tasks()) == []


def _limits():
    return SendLimits(connect_s=5, total_s=10)


def _request(services, job):
    task = asking.load(services, job.id)
    return asking.video_request(
        asking.Files(task=task, images=[], mask=None, markup=None), callback_url=None
    )


def test_an_uncertain_job_whose_task_was_noted_goes_on(services, hands, kim, file_video, settle):
    job = file_video(*V1)
    attempt = intended(services, claimed(hands), send_s=-services.settings.settle_s - 1)
    taken = services.videos["minimax_v1"].submit(_request(services, job), limits=_limits())
    hands.spool.note_task(attempt.id, job.id, taken)
    die(services, job)
    sweep.sweep(hands)
    assert stage_of(services, kim, job) is Stage.UNCERTAIN

    assert sweep.recover(hands) == 1
    assert settle(job).stage is Stage.STORED


@pytest.fixture
def known_too_late(services, hands, file_video):
    """An uncertain job whose worker was paused with the answer and has recorded it now."""
    job = file_video(*V1)
    claim = claimed(hands)
    attempt = intended(services, claim, send_s=-services.settings.settle_s - 1)
    taken = services.videos["minimax_v1"].submit(_request(services, job), limits=_limits())
    die(services, job)
    sweep.sweep(hands)

    def settle(session):
        return attempts.settled(session, attempt.id, Outcome.ACCEPTED, task_id=taken.task_id)

    def move(session, _):
        runs.accepted(session, claim, task_id=taken.task_id, poll_in_s=0)

    with pytest.raises(claims.Stale):
        sending._recorded(services, claim, settle, move)
    return job


def looked_and_fetched(services, hands, kim, job) -> bool:
    look_now(hands)
    return bool(detail_of(services, kim, job).of_kind(AssetKind.RESULT))


def test_a_task_that_was_recorded_too_late_moves_its_job_on(
    services, hands, kim, known_too_late, settle
):
    look_now(hands)
    until(lambda: stage_of(services, kim, known_too_late) is not Stage.UNCERTAIN)

    assert settle(known_too_late).stage is Stage.STORED


def test_it_is_fetched_too_if_somebody_gives_up_first(services, hands, kim, known_too_late):
    with services.sessions.begin() as session:  # a recheck has looked, and has gone away
        session.execute(update(Attempt).values(recheck_at=None))
    with services.sessions.begin() as session:
        decisions.give_up(session, kim, known_too_late.id)

    until(lambda: looked_and_fetched(services, hands, kim, known_too_late))
    assert stage_of(services, kim, known_too_late) is Stage.ABANDONED


@pytest.mark.parametrize(
    ("error", "stage"),
    [
        (NotSent("no route", code="unreachable"), Stage.READY),
        (NotAccepted("busy", code="rate_limited", scope="model", retry_after_s=1), Stage.READY),
        (Refused("no", code="invalid_request", closes_model=False), Stage.REJECTED),
        (OutcomeUnknown("cut", code="answer_cut"), Stage.UNCERTAIN),
    ],
    ids=lambda value: getattr(value, "code", ""),
)
def test_a_worker_that_is_late_to_say_what_came_ends_the_doubt(
    services, hands, kim, file_edit, error, stage
):
    job = file_edit()
    claim = claimed(hands)
    attempt = intended(services, claim, send_s=-services.settings.settle_s - 1)
    die(services, job)
    sweep.sweep(hands)

    with pytest.raises(claims.Stale):
        sending._not_done(hands, claim, attempt, error)

    assert stage_of(services, kim, job) is stage


def test_one_that_is_late_leaves_what_was_sent_since_alone(services, hands, kim, file_edit):
    job = file_edit()
    claim = claimed(hands)
    attempt = intended(services, claim, send_s=-services.settings.settle_s - 1)
    die(services, job)
    sweep.sweep(hands)
    with services.sessions.begin() as session:
        decisions.send_again(session, kim, job.id)
    intended(services, claimed(hands), send_s=-services.settings.settle_s - 1)
    die(services, job)
    sweep.sweep(hands)

    with pytest.raises(claims.Stale):
        sending._not_done(hands, claim, attempt, NotSent("no route", code="unreachable"))

    assert stage_of(services, kim, job) is Stage.UNCERTAIN


def test_one_damaged_file_keeps_no_other_answer_waiting(services, hands, kim, file_edit):
    folder = services.settings.spool_dir
    (folder / "nonsense.json").write_text("{}")
    (folder / f"{'0' * 8}-0000-7000-8000-{'0' * 12}.json").write_text("{")
    job = file_edit()
    attempt = intended(services, claimed(hands))
    spooled_answer(services, hands, attempt, job)
    die(services, job)

    assert sweep.recover(hands) == 1


def test_a_task_that_an_error_names_is_asked_for(services, hands, kim, file_video, settle):
    job = file_video(*V1)
    claim = claimed(hands)
    attempt = intended(services, claim)
    taken = services.videos["minimax_v1"].submit(_request(services, job), limits=_limits())
    error = OutcomeUnknown("an error and a task at once", code="unexpected_answer")
    error.named_task = taken.task_id

    sending._not_done(hands, claim, attempt, error)
    assert stage_of(services, kim, job) is Stage.UNCERTAIN
    look_now(hands)

    assert settle(job).stage is Stage.STORED


# --- limits -----------------------------------------------------------------------------


def age(services, job, hours: float) -> None:
    past = clock.now() - timedelta(hours=hours)
    with services.sessions.begin() as session:
        session.execute(update(Job).where(Job.id == job.id).values(created_at=past))
        session.execute(update(Attempt).where(Attempt.job_id == job.id).values(created_at=past))


def test_a_request_that_nobody_took_within_a_day_expires(services, hands, kim, file_edit):
    old, young = file_edit(), file_edit()
    age(services, old, 25)

    assert sweep.expire(hands) == 1
    assert stage_of(services, kim, old) is Stage.EXPIRED
    assert stage_of(services, kim, young) is Stage.READY


@pytest.mark.parametrize(("asked", "stage"), [(V1, Stage.GENERATING), (V2, Stage.EXPIRED)])
def test_only_the_second_api_drops_its_tasks(services, hands, kim, file_video, asked, stage):
    job = file_video(*asked)
    claim = claimed(hands)
    intended(services, claim)
    with services.sessions.begin() as session:
        runs.accepted(session, claim, task_id="1", poll_in_s=0)
    age(services, job, 7 * 24 + 1)

    sweep.expire(hands)
    assert stage_of(services, kim, job) is stage


# --- what may go wrong with one of them ---------------------------------------------------


def test_an_answer_that_nobody_knows_is_put_by_and_holds_up_no_other(
    services, hands, kim, file_edit, settle
):
    """After an older database was restored: the disk remembers what the rows do not."""
    known, forgotten = file_edit(), file_edit()
    attempts_made = {}
    for _ in (known, forgotten):
        claim = claimed(hands)
        attempts_made[claim.job_id] = intended(services, claim)
    for job in (known, forgotten):
        spooled_answer(services, hands, attempts_made[job.id], job)
        die(services, job)
    lost = attempts_made[forgotten.id].id
    with services.sessions.begin() as session:
        for table in ("job_events", "attempts"):
            column = "id" if table == "attempts" else "attempt_id"
            session.execute(text(f"DELETE FROM {table} WHERE {column} = :id"), {"id": lost})

    assert sweep.recover(hands) == 1

    strangers = services.settings.spool_dir / "strangers"
    assert {path.suffix for path in strangers.glob(f"{lost}.*")} == {".body", ".json"}
    assert settle(known).stage is Stage.STORED


def test_a_task_of_another_request_ends_in_doubt_and_holds_up_no_other(
    services, hands, kim, file_video, minimax_simulator
):
    file_video(*V2)
    sending.submit(hands, claimed(hands), deadline=time.monotonic() + 60)
    fault(minimax_simulator, "task_id_duplicate")
    job = file_video(*V2)
    sending.submit(hands, claimed(hands), deadline=time.monotonic() + 60)

    detail = detail_of(services, kim, job)
    assert detail.stage is Stage.UNCERTAIN
    assert detail.run.waiting_for == "answer_unreadable"
    assert list(hands.spool.noted_tasks()) == []


def test_an_answer_whose_mark_is_damaged_is_found_by_its_body(
    services, hands, kim, file_edit, settle
):
    job = file_edit()
    attempt = intended(services, claimed(hands))
    spooled_answer(services, hands, attempt, job)
    die(services, job)
    assert sweep.recover(hands) == 1
    (services.settings.spool_dir / f"{attempt.id}.json").write_text("damaged")

    assert settle(job).stage is Stage.STORED


def test_an_answer_that_comes_back_after_its_job_was_given_up_for_lost_is_kept(
    services, hands, kim, file_edit
):
    job = file_edit()
    attempt = intended(services, claimed(hands))
    spooled_answer(services, hands, attempt, job)
    die(services, job)
    assert sweep.recover(hands) == 1
    with services.sessions.begin() as session:
        session.execute(text("UPDATE runs SET stage_since = now() - interval '8 days'"))
    assert sweep.expire(hands) == 1
    assert detail_of(services, kim, job).job.error_code == "answer_lost"

    assert sweep.recover(hands) == 1

    detail = detail_of(services, kim, job)
    assert detail.of_kind(AssetKind.RESULT)
    assert detail.job.final_stage == Stage.BAD_RESULT
    assert list(hands.spool.complete_ones()) == []


@pytest.mark.parametrize("written", [True, False])
def test_an_intent_of_which_nobody_knows_whether_it_was_written_is_handed_back(
    services, hands, kim, file_edit, settle, monkeypatch, openai_simulator, written
):
    job = file_edit()
    claim = claimed(hands)
    really = attempts.open_one

    def open_one(session, *args, **kwargs):
        if written:
            with services.sessions.begin() as another:
                really(another, *args, **kwargs)
        raise OperationalError("COMMIT", None, Exception("the server closed the connection"))

    monkeypatch.setattr(attempts, "open_one", open_one)
    with pytest.raises(claims.Stale, match="could not be written"):
        sending.submit(hands, claim, deadline=time.monotonic() + 60)
    monkeypatch.undo()

    detail = settle(job)
    assert detail.stage is Stage.STORED
    outcomes = [attempt.outcome for attempt in detail.attempts]
    assert outcomes == [Outcome.NOT_SENT] * written + [Outcome.ACCEPTED]
    assert len(billed(openai_simulator)) == 1
