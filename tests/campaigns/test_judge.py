"""The judge of the campaigns sees what it is there for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from core.stages import Outcome, Stage, Status
from tests.campaigns import judge
from tests.campaigns.judge import (
    KILLED,
    REPLY_LOST,
    RESTARTED,
    UNEXPLAINED,
    Disturbances,
    Judgement,
)
from tests.campaigns.strikes import SENDING, Hit, Outage, Strike
from tests.campaigns.tables import AttemptRow, JobRow, ResultRow, Tables

AT = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
DONE = JobRow(id=uuid4(), prompt="boat", status=Status.DONE, final_stage=Stage.STORED, stage=None)
ASKS = replace(DONE, status=Status.RUNNING, final_stage=None, stage=Stage.UNCERTAIN)


def attempt(**changes) -> AttemptRow:
    row = AttemptRow(
        id=uuid4(),
        job_id=DONE.id,
        outcome=Outcome.ACCEPTED,
        task_id="t-1",
        worker="here:7:abc",
        observation=None,
        created_at=AT,
        send_deadline=AT + timedelta(seconds=6),
    )
    return replace(row, **changes)


def result(of: AttemptRow) -> ResultRow:
    return ResultRow(job_id=of.job_id, attempt_id=of.id, key="k", bytes=1, sha256="00")


def outage(at_s: float) -> Outage:
    began = AT + timedelta(seconds=at_s)
    return Outage(began=began, ended=began + timedelta(seconds=1))


def strike(*hits: Hit) -> Strike:
    return Strike(at=AT + timedelta(seconds=1), prefix="here:7:", hits=hits)


def blind(at_s: float) -> Strike:
    return Strike(at=AT + timedelta(seconds=at_s), prefix="here:7:", blind=True)


def hit(attempt_id: UUID | None, *, job_id: UUID = DONE.id) -> Hit:
    return Hit(job_id=job_id, stage=SENDING, lease_until=AT, attempt_id=attempt_id)


LOST = attempt(outcome=Outcome.UNKNOWN, task_id=None, observation="worker_lost")


def billed(task_id: str | None = "t-1", **changes) -> dict:
    return {"event": "billed", "prompt": "boat", "task_id": task_id, **changes}


def tables(job: JobRow, *attempts: AttemptRow, kept: bool = True) -> Tables:
    results = [result(each) for each in attempts if each.outcome == Outcome.ACCEPTED and kept]
    return Tables(jobs=[job], attempts=attempts, results=results)


def judged(entries: list[dict], found: Tables, done: Disturbances | None = None) -> Judgement:
    return judge.judged(entries, found, done or Disturbances(), filed=len(found.jobs))


def test_a_task_with_its_attempt_and_its_result_is_fine():
    found = judged([billed(), {"event": "arrived"}], tables(DONE, attempt()))

    assert (found.lost, found.double, found.uncertain_jobs, found.billed) == ([], [], 0, 1)


def test_an_edit_is_known_by_the_id_it_was_sent_with():
    made = attempt(task_id=None)
    entry = billed(None, client_request_id=str(made.id))

    assert judged([entry], tables(DONE, made)).lost == []
    other = billed(None, client_request_id=str(uuid4()))
    assert len(judged([other], tables(DONE, made)).lost) == 1


@pytest.mark.parametrize(
    "accused",
    [
        tables(DONE),
        tables(DONE, attempt(task_id="t-2")),
        tables(DONE, attempt(), kept=False),
        tables(DONE, attempt(job_id=UUID(int=1))),
        tables(replace(DONE, prompt="another"), attempt()),
        tables(replace(DONE, status=Status.ERROR, final_stage=Stage.BAD_RESULT), kept=False),
    ],
    ids=["no attempt", "another task", "no result", "another's job", "no job", "thrown away"],
)
def test_a_billed_task_that_we_do_not_have_is_lost(accused):
    assert len(judged([billed()], accused).lost) == 1


def test_a_job_that_asks_has_lost_nothing_in_silence():
    lost_sight = attempt(outcome=Outcome.UNKNOWN, task_id=None, observation="no_answer")
    found = judged([billed()], tables(ASKS, lost_sight), Disturbances(lost_replies=[ASKS.prompt]))

    assert found.lost == []
    assert found.uncertain == {REPLY_LOST: 1}
    assert found.uncertain_unbilled == 0


def test_a_task_given_to_another_job_is_lost_even_if_its_own_asks():
    stolen = attempt(job_id=UUID(int=1))

    assert len(judged([billed()], tables(ASKS, stolen)).lost) == 1


def test_a_second_bill_is_one_too_many_whatever_our_tables_say():
    first, second = attempt(task_id="t-1", outcome=Outcome.SUPERSEDED), attempt(task_id="t-2")
    found = judged([billed("t-1"), billed("t-2")], tables(DONE, first, second))

    assert len(found.double) == 1


def test_a_job_that_vanished_is_lost():
    there = tables(DONE, attempt())

    assert judge.judged([billed()], there, Disturbances(), filed=1).lost == []
    assert len(judge.judged([billed()], there, Disturbances(), filed=2).lost) == 1


@pytest.mark.parametrize(
    ("done", "why"),
    [
        (Disturbances(), UNEXPLAINED),
        (Disturbances(strikes=[strike(hit(LOST.id))]), KILLED),
        (Disturbances(strikes=[strike(hit(None))]), KILLED),
        (Disturbances(strikes=[strike(hit(uuid4()))]), UNEXPLAINED),
        (Disturbances(strikes=[strike(hit(None, job_id=uuid4()))]), UNEXPLAINED),
        (Disturbances(strikes=[strike()]), UNEXPLAINED),
        (Disturbances(strikes=[replace(strike(hit(LOST.id)), prefix="here:77:")]), UNEXPLAINED),
        (Disturbances(strikes=[blind(5)]), KILLED),
        (Disturbances(strikes=[blind(7)]), UNEXPLAINED),
        (Disturbances(strikes=[blind(7)], settle_s=2), KILLED),
        (Disturbances(strikes=[blind(-1)]), UNEXPLAINED),
        (Disturbances(strikes=[blind(3 * 3600)], settle_s=2), UNEXPLAINED),
        (Disturbances(outages=[outage(2)]), RESTARTED),
        (Disturbances(outages=[outage(-2)]), UNEXPLAINED),
        (Disturbances(outages=[outage(2)], strikes=[strike(hit(LOST.id))]), KILLED),
        (Disturbances(outages=[outage(2)], strikes=[strike(hit(uuid4()))]), RESTARTED),
        (Disturbances(outages=[outage(2)], strikes=[blind(2.5)]), KILLED),
        (Disturbances(outages=[outage(5.5)], strikes=[blind(6.4)]), KILLED),
        (Disturbances(outages=[outage(6.1)], strikes=[blind(6.4)]), UNEXPLAINED),
    ],
)
def test_an_uncertain_job_is_explained_by_what_hit_its_request(done, why):
    found = judged([], tables(ASKS, LOST), done)

    assert found.uncertain == {why: 1}
    assert found.uncertain_unbilled == 1


def test_a_reply_that_is_known_to_be_lost_is_explained_by_no_outage():
    told = replace(LOST, observation="no_answer")
    done = Disturbances(outages=[outage(2)], strikes=[blind(2.5)], lost_replies=[ASKS.prompt])

    assert judged([], tables(ASKS, told), done).uncertain == {REPLY_LOST: 1}


def test_only_replies_that_the_provider_lost_are_lost():
    jobs = [replace(ASKS, id=uuid4(), prompt=f"boat {number}") for number in range(3)]
    asked = [replace(LOST, id=uuid4(), job_id=job.id, observation="no_answer") for job in jobs]
    found = judged(
        [],
        Tables(jobs=jobs, attempts=asked, results=[]),
        Disturbances(lost_replies=["boat 0", "boat 2"]),
    )

    assert found.uncertain == {REPLY_LOST: 2, UNEXPLAINED: 1}


def test_a_job_that_does_not_come_to_rest_is_named():
    stuck = replace(ASKS, stage=Stage.SUBMITTING)

    assert len(judged([], tables(stuck)).moving) == 1
