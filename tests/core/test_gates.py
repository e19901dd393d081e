import pytest
from sqlalchemy import select, text

from core import attempts, clock, gates, runs, trials
from core.models import Audit, ProviderGate, Role
from core.stages import Outcome
from tests.core.conftest import KEYS, claim_all, filed, person

OPENAI = {"dialect": "openai", "key_id": "key", "model": ""}


def close(sessions, *, code: str = "quota_exhausted", for_s: float | None = None, **changes):
    with sessions.begin() as session:
        gates.close(session, **(OPENAI | changes), code=code, for_s=for_s)


def closed(sessions) -> list[ProviderGate]:
    with sessions() as session:
        return list(gates.closed(session, KEYS))


def may_ask(sessions, *, every_s: float = 0) -> list[tuple[str, str]]:
    with sessions.begin() as session:
        return list(trials.waiting_for_help(session, KEYS, every_s=every_s))


def allow_trial(sessions) -> None:
    with sessions.begin() as session:
        trials.allow(session, dialect="openai", key_id="key")


def settle(sessions, claim, outcome: Outcome) -> None:
    with sessions.begin() as session:
        attempt = attempts.open_one(
            session, claim, key_id="key", send_s=5, callback_token=None, estimate_usd=None
        )
    with sessions.begin() as session:
        attempts.settled(session, attempt.id, outcome)


V1 = {"dialect": "minimax_v1", "key_id": "key"}
V2 = {"dialect": "minimax_v2", "key_id": "key"}


def close_key(sessions, *, code: str, **of: str) -> None:
    with sessions.begin() as session:
        gates.close_key(session, **of, code=code, for_s=None)


def shut(sessions) -> list[str]:
    """Return the dialects that are closed."""
    with sessions() as session:
        closed = ProviderGate.closed_until > clock.now()
        return sorted(session.scalars(select(ProviderGate.dialect).where(closed)))


class TestOneKeyForTwoDialects:
    @pytest.mark.parametrize("code", ["key_invalid", "account_unverified", "balance_empty"])
    def test_what_is_true_of_the_account_closes_both_and_is_told_once(self, sessions, code):
        close_key(sessions, **V1, code=code)

        assert shut(sessions) == ["minimax_v1", "minimax_v2"]
        assert [gate.closed_code for gate in closed(sessions)] == [code]

    def test_what_is_true_of_an_address_closes_one(self, sessions):
        close_key(sessions, **V1, code="wrong_address")

        assert shut(sessions) == ["minimax_v1"]

    def test_an_administrator_opens_both(self, sessions):
        close_key(sessions, **V2, code="key_invalid")
        boss = person(sessions, "boss", Role.ADMIN)
        with sessions.begin() as session:
            gates.open_again(session, boss, **V1, model="")

        assert shut(sessions) == []

    def test_one_that_proves_to_work_opens_both_and_the_other_may_err_alone(self, sessions, kim):
        close_key(sessions, **V1, code="balance_empty")
        filed(sessions, kim, provider="hailuo", dialect="minimax_v1")
        with sessions.begin() as session:
            trials.allow(session, **V1)
        settle(sessions, claim_all(sessions)[0], Outcome.ACCEPTED)
        assert shut(sessions) == []

        close_key(sessions, **V2, code="balance_empty")
        assert shut(sessions) == ["minimax_v2"]

    def test_a_trial_that_fails_closes_no_other(self, sessions):
        close_key(sessions, **V1, code="balance_empty")
        with sessions.begin() as session:
            trials.allow(session, **V2)
            gate = session.get_one(ProviderGate, (*V1.values(), ""))
            gate.closed_until = None
        close_key(sessions, **V2, code="balance_empty")

        assert shut(sessions) == ["minimax_v2"]


def test_every_open_page_hears_that_a_gate_closes_and_that_it_opens(sessions, monkeypatch):
    heard: list[object] = []
    monkeypatch.setattr("core.events.show_news", heard.append)
    close(sessions)
    assert len(heard) == 1
    with sessions.begin() as session:
        gates.open_again(session, person(sessions, "boss", Role.ADMIN), **OPENAI)

    assert len(heard) == 2


class TestClosing:
    def test_a_short_closure_does_not_end_a_long_one(self, sessions):
        close(sessions)
        close(sessions, code="rate_limited", for_s=1)

        (gate,) = closed(sessions)
        assert gate.closed_code == "quota_exhausted"

    def test_a_closure_that_has_ended_can_be_followed_by_a_shorter_one(self, sessions):
        close(sessions, for_s=3600)
        with sessions.begin() as session:
            session.execute(text("UPDATE provider_gates SET closed_until = now() - interval '1 h'"))
        close(sessions, code="rate_limited", for_s=60)

        (gate,) = closed(sessions)
        assert gate.closed_code == "rate_limited"

    def test_a_gate_of_a_key_we_no_longer_use_concerns_nobody(self, sessions):
        close(sessions, key_id="former")

        assert closed(sessions) == []

    def test_nothing_left_closes_it_until_the_reset(self, sessions):
        headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m0s"}
        with sessions.begin() as session:
            gates.heard(session, **OPENAI, headers=headers)

        (gate,) = closed(sessions)
        assert gate.closed_code == "rate_limited"

    def test_what_an_answer_says_is_written_only_when_it_changes(self, sessions):
        def versions() -> set[str]:
            for limit in ("7", "7"):
                with sessions.begin() as session:
                    headers = {"x-ratelimit-limit-requests": limit}
                    gates.heard(session, **OPENAI, headers=headers)
            with sessions() as session:
                return set(session.scalars(text("SELECT CAST(xmin AS text) FROM provider_gates")))

        assert versions() == versions()


class TestOpening:
    def test_an_administrator_opens_it_and_that_is_written_down(self, sessions, kim):
        boss = person(sessions, "boss", Role.ADMIN)
        filed(sessions, kim)
        close(sessions)
        with sessions.begin() as session:
            gates.open_again(session, boss, **OPENAI)

        assert closed(sessions) == []
        assert len(claim_all(sessions)) == 1
        with sessions() as session:
            (line,) = session.scalars(select(Audit).where(Audit.action == "gate_opened"))
        assert (line.user_id, line.object_id, line.detail["code"]) == (
            boss.id,
            "openai",
            "quota_exhausted",
        )

    def test_opening_what_is_open_is_no_event(self, sessions):
        boss = person(sessions, "boss", Role.ADMIN)
        with sessions.begin() as session:
            gates.open_again(session, boss, **OPENAI)
            assert session.scalars(select(Audit)).all() == []


class TestTrial:
    def test_only_what_nothing_but_help_opens_is_asked_about(self, sessions):
        close(sessions, dialect="minimax_v1", for_s=3600)
        close(sessions, model="gpt-image-2")
        close(sessions)

        assert may_ask(sessions) == [("openai", "key")]

    def test_it_is_asked_once_in_a_while_over_all_hosts(self, sessions):
        close(sessions)
        assert may_ask(sessions, every_s=300) == []
        with sessions.begin() as session:
            session.execute(text("UPDATE provider_gates SET closed_at = now() - interval '6 min'"))

        assert may_ask(sessions, every_s=300) == [("openai", "key")]
        assert may_ask(sessions, every_s=300) == []

    def test_exactly_one_job_passes(self, sessions, kim):
        for _ in range(3):
            filed(sessions, kim)
        close(sessions)
        allow_trial(sessions)

        assert len(claim_all(sessions)) == 1
        assert claim_all(sessions) == []

    def test_its_success_opens_the_gate(self, sessions, kim):
        for _ in range(3):
            filed(sessions, kim)
        close(sessions)
        allow_trial(sessions)
        (trial,) = claim_all(sessions)
        settle(sessions, trial, Outcome.ACCEPTED)

        assert closed(sessions) == []
        assert len(claim_all(sessions)) == 2

    def test_somebody_elses_success_does_not(self, sessions, kim):
        for _ in range(3):
            filed(sessions, kim)
        (before,) = claim_all(sessions, limit=1)
        close(sessions)
        settle(sessions, before, Outcome.ACCEPTED)

        assert len(closed(sessions)) == 1

    def test_its_failure_closes_it_again(self, sessions, kim):
        for _ in range(3):
            filed(sessions, kim)
        close(sessions)
        allow_trial(sessions)
        (trial,) = claim_all(sessions)
        settle(sessions, trial, Outcome.NOT_SENT)
        close(sessions)
        with sessions.begin() as session:
            runs.postponed(session, trial, due_in_s=0, why="quota_exhausted")

        assert claim_all(sessions) == []
        assert may_ask(sessions) == [("openai", "key")]

    @pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.REJECTED])
    def test_a_trial_that_proves_nothing_is_followed_by_another(self, sessions, kim, outcome):
        for _ in range(3):
            filed(sessions, kim)
        close(sessions)
        allow_trial(sessions)
        (trial,) = claim_all(sessions)
        assert may_ask(sessions) == []  # it is under way
        settle(sessions, trial, outcome)
        with sessions.begin() as session:
            runs.unsure(session, trial, why="no_answer")

        assert may_ask(sessions) == [("openai", "key")]
        allow_trial(sessions)
        assert len(claim_all(sessions)) == 1
