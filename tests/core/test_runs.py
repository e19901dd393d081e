import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import CheckConstraint, text
from sqlalchemy.exc import IntegrityError

from core import attempts, clock, events, gates, runs, transitions
from core.claims import Claim, Stale
from core.errors import Conflict
from core.models import Attempt, Base, Job, Run
from core.stages import Outcome, Stage, Status
from tests.core.conftest import claim_all, claimed, filed


def run_of(sessions, job: Job) -> Run:
    with sessions() as session:
        return session.get_one(Run, job.id)


def job_now(sessions, job: Job) -> Job:
    with sessions() as session:
        return session.get_one(Job, job.id)


def sent(sessions, claim: Claim) -> Attempt:
    with sessions.begin() as session:
        return attempts.open_one(
            session, claim, key_id="key", send_s=5, callback_token=None, estimate_usd=None
        )


class TestClaim:
    def test_many_workers_never_take_the_same_row(self, sessions, kim):
        filing = {filed(sessions, kim).id for _ in range(20)}

        with ThreadPoolExecutor(8) as pool:
            workers = [pool.submit(claim_all, sessions, worker=f"w{n}", limit=3) for n in range(8)]
            taken = [claim.job_id for each in workers for claim in each.result()]

        assert sorted(taken) == sorted(filing)

    def test_a_claimed_job_is_submitting_and_shown_as_running(self, sessions, kim):
        job = filed(sessions, kim)
        claim = claimed(sessions)

        assert claim.stage is Stage.READY
        assert run_of(sessions, job).stage == Stage.SUBMITTING
        assert job_now(sessions, job).status == Status.RUNNING
        assert job_now(sessions, job).started_at is not None

    def test_the_oldest_due_comes_first(self, sessions, kim):
        filing = [filed(sessions, kim).id for _ in range(3)]

        assert [claimed(sessions).job_id for _ in filing] == filing

    def test_what_is_not_due_is_left_alone(self, sessions, kim):
        filed(sessions, kim)
        claim = claimed(sessions)
        with sessions.begin() as session:
            runs.postponed(session, claim, due_in_s=3600, why="rate_limited")

        assert claim_all(sessions) == []

    @pytest.mark.parametrize("model", ["", "gpt-image-2"])
    def test_a_closed_gate_holds_the_queue(self, sessions, kim, model):
        filed(sessions, kim)
        with sessions.begin() as session:
            gates.close(session, dialect="openai", key_id="key", model=model, code="x", for_s=3600)

        assert claim_all(sessions) == []

    @pytest.mark.parametrize("gate", [("openai", "other-key", ""), ("openai", "key", "other")])
    def test_a_gate_of_another_key_or_model_holds_nothing(self, sessions, kim, gate):
        filed(sessions, kim)
        dialect, key, model = gate
        with sessions.begin() as session:
            gates.close(session, dialect=dialect, key_id=key, model=model, code="x", for_s=None)

        assert len(claim_all(sessions)) == 1

    def test_only_the_host_with_the_answer_stores_it(self, sessions, kim):
        filed(sessions, kim)
        claim = claimed(sessions)
        with sessions.begin() as session:
            storing = runs.answered(session, claim, host="elsewhere", lease_s=60)
            runs.retry(session, storing, due_in_s=0, why="test")

        assert claim_all(sessions, Stage.STORING) == []


class TestFence:
    def test_a_stale_worker_changes_nothing(self, sessions, kim):
        job = filed(sessions, kim)
        old = claimed(sessions)
        with sessions.begin() as session:
            runs.handed_back(session, old)
        claimed(sessions, worker="w2")

        with pytest.raises(Stale), sessions.begin() as session:
            runs.accepted(session, old, task_id="1", poll_in_s=0)
        assert run_of(sessions, job).lease_owner == "w2"
        assert job_now(sessions, job).provider_task_id is None

    def test_tokens_only_grow(self, sessions, kim):
        filed(sessions, kim)
        tokens = []
        for _ in range(3):
            claim = claimed(sessions)
            tokens.append(claim.token)
            with sessions.begin() as session:
                runs.handed_back(session, claim)

        assert tokens == sorted(set(tokens))

    def test_a_move_that_the_table_does_not_allow_is_refused(self, sessions, kim):
        filed(sessions, kim)
        claim = claimed(sessions)

        with pytest.raises(Conflict), sessions.begin() as session:
            runs.ended(session, claim, Stage.STORED)


class TestMoves:
    def test_each_move_is_in_the_log(self, sessions, kim):
        job = filed(sessions, kim)
        claim = claimed(sessions)
        with sessions.begin() as session:
            runs.accepted(session, claim, task_id="77", poll_in_s=0)

        with sessions() as session:
            moves = [(event.from_stage, event.to_stage) for event in events.of_job(session, job.id)]
        assert moves == [
            (None, "ready"),
            ("ready", "submitting"),
            ("submitting", "generating"),
        ]

    def test_an_uncertain_job_is_claimed_by_nobody(self, sessions, kim):
        job = filed(sessions, kim)
        claim = claimed(sessions)
        with sessions.begin() as session:
            runs.unsure(session, claim, why="no_answer")

        assert claim_all(sessions, *Stage) == []
        assert job_now(sessions, job).status == Status.RUNNING

    def test_a_final_job_has_no_run_and_keeps_its_reason(self, sessions, kim):
        job = filed(sessions, kim)
        claim = claimed(sessions)
        with sessions.begin() as session:
            runs.ended(session, claim, Stage.REJECTED, code="moderation_input", message="no")

        with sessions() as session:
            assert session.get(Run, job.id) is None
        ended = job_now(sessions, job)
        assert (ended.status, ended.final_stage) == (Status.ERROR, Stage.REJECTED)
        assert (ended.error_code, ended.error_message) == ("moderation_input", "no")


class TestTheDatabaseRefuses:
    def test_a_second_live_attempt(self, sessions, kim):
        filed(sessions, kim)
        claim = claimed(sessions)
        sent(sessions, claim)

        with pytest.raises(IntegrityError, match="uq_attempts_one_live_per_job"):
            sent(sessions, claim)

    def test_a_task_id_twice(self, sessions, kim):
        for _ in range(2):
            filed(sessions, kim)
        first, second = (sent(sessions, claimed(sessions)) for _ in range(2))
        with sessions.begin() as session:
            attempts.settled(session, first.id, Outcome.ACCEPTED, task_id="77")

        with (
            pytest.raises(IntegrityError, match="uq_attempts_dialect_provider_task_id"),
            sessions.begin() as session,
        ):
            attempts.settled(session, second.id, Outcome.ACCEPTED, task_id="77")

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE jobs SET status = 'done', final_stage = 'stored'",
            "UPDATE jobs SET status = 'error'",
            "UPDATE jobs SET final_stage = 'failed'",
            "UPDATE jobs SET status = 'lost'",
            "UPDATE runs SET lease_owner = 'me'",
            "UPDATE runs SET stage = 'stored'",
            "UPDATE runs SET stage = 'submitting'",
        ],
    )
    def test_a_row_that_contradicts_itself(self, sessions, kim, change):
        filed(sessions, kim)

        with pytest.raises(IntegrityError), sessions.begin() as session:
            session.execute(text(change))

    def test_superseding_without_consent(self, sessions, kim):
        filed(sessions, kim)
        sent(sessions, claimed(sessions))

        with (
            pytest.raises(IntegrityError, match="superseded_by_consent"),
            sessions.begin() as session,
        ):
            session.execute(text("UPDATE attempts SET outcome = 'superseded'"))

    def test_changing_the_audit_log(self, sessions, kim):
        with sessions.begin() as session:
            session.execute(
                text("INSERT INTO audit (id, action) VALUES (gen_random_uuid(), 'signed_in')")
            )

        with pytest.raises(Exception, match="can only be added to"), sessions.begin() as session:
            session.execute(text("DELETE FROM audit"))


def test_the_database_lets_in_what_the_code_knows_and_nothing_else(sessions):
    """`alembic check` does not compare CHECK constraints: a migration writes them by hand."""
    with sessions() as session:
        rows = session.execute(
            text(
                "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c'"
                " AND connamespace = 'public'::regnamespace"
            )
        )
        there = {name: _literals(definition) for name, definition in rows}
    ours = {
        check.name: _literals(str(check.sqltext))
        for table in Base.metadata.tables.values()
        for check in table.constraints
        if isinstance(check, CheckConstraint)
    }

    assert there == ours


def _literals(condition: str) -> frozenset[str]:
    return frozenset(re.findall(r"'([^']*)'", condition))


def test_requests_that_nobody_took_add_up_so_that_the_wait_grows(sessions, kim):
    filed(sessions, kim)
    for failures in range(3):
        claim = claimed(sessions)
        assert claim.failures == failures
        with sessions.begin() as session:
            runs.postponed(session, claim, due_in_s=0, why="unreachable")


OWN_OF_A_CLAIM = {"due_at", "lease_owner", "lease_until", "lease_token", "key_id"}
OWN_OF_A_ROW = {"id", "job_id", "client_key", "created_at", "at", "_sa_instance_state"}
TIMES = {"started_at", "stage_since"}


def test_a_claim_moves_a_job_as_every_other_move_does(sessions, kim):
    by_claim, by_move = filed(sessions, kim), filed(sessions, kim)
    claimed(sessions)
    with sessions.begin() as session:
        run = session.get_one(Run, by_move.id)
        run.lease_owner, run.lease_until = "w1", clock.now()
        transitions.move(session, run, Stage.SUBMITTING, by="w1")

    def looks(job) -> list[dict[str, object]]:
        with sessions() as session:
            rows = [
                session.get_one(Run, job.id),
                session.get_one(Job, job.id),
                events.of_job(session, job.id)[-1],
            ]
        return [
            {name: bool(value) if name in TIMES else value for name, value in vars(row).items()}
            for row in rows
        ]

    own = OWN_OF_A_CLAIM | OWN_OF_A_ROW
    for mine, other in zip(looks(by_claim), looks(by_move), strict=True):
        assert {k: v for k, v in mine.items() if k not in own} == {
            k: v for k, v in other.items() if k not in own
        }


def test_questions_that_failed_add_up_until_one_is_answered(sessions, kim):
    job = filed(sessions, kim)
    with sessions.begin() as session:
        runs.accepted(session, claimed(sessions), task_id="77", poll_in_s=0)
    with sessions.begin() as session:
        runs.retry(session, claimed(sessions, Stage.GENERATING), due_in_s=0, why="check_failed")
    assert run_of(sessions, job).failures == 1
    with sessions.begin() as session:
        asking = claimed(sessions, Stage.GENERATING)
        runs.looked(session, asking, provider_status="queued", poll_in_s=0)

    assert run_of(sessions, job).failures == 0


@pytest.mark.parametrize("came", [True, False])
def test_a_callback_during_a_look_that_failed_makes_the_next_one_due_at_once(sessions, kim, came):
    job = filed(sessions, kim)
    claim = claimed(sessions)
    with sessions.begin() as session:
        runs.accepted(session, claim, task_id="7", poll_in_s=0)
    looking = claimed(sessions, Stage.GENERATING)
    with sessions.begin() as session:
        if came:
            runs.due_now(session, runs.locked(session, job.id))
    with sessions.begin() as session:
        runs.retry(session, looking, due_in_s=100, why="check_failed")

    assert len(claim_all(sessions, Stage.GENERATING)) == came


def test_of_each_reason_for_a_failure_the_log_tells_only_a_few_times(sessions, kim):
    job = filed(sessions, kim)
    with sessions.begin() as session:
        runs.accepted(session, claimed(sessions), task_id="77", poll_in_s=0)
    for why in ("check_failed", "check_limited") * 5:
        with sessions.begin() as session:
            runs.retry(session, claimed(sessions, Stage.GENERATING), due_in_s=0, why=why)

    with sessions() as session:
        told = [
            line.detail for line in events.of_job(session, job.id) if line.kind == "step_failed"
        ]
    assert [line["why"] for line in told] == ["check_failed", "check_limited"] * events.TOLD
    assert ["no_more_told" in line for line in told] == [False] * 4 + [True] * 2
    assert run_of(sessions, job).failures == 10
