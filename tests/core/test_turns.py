"""What many workers may claim together, on the real Postgres."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from core import attempts, decisions, gates, runs, turns
from core.lookback import EVERYTHING, Lookback
from core.models import Dialect
from core.providers.capabilities import RateLimits
from core.stages import Outcome, Stage
from core.usage import MINUTE_S, ON_ITS_WAY_S, Key
from tests.core.conftest import claim_all, claimed, filed, person, queued

CLAIMERS = 8
VIDEO = {"provider": "hailuo", "dialect": "minimax_v2", "model": "MiniMax-H3"}


def keys(*, per_user: int = 0, **limits: int) -> list[Key]:
    """Return our keys with these limits behind OpenAI, and none elsewhere."""
    return [
        Key(
            dialect=dialect,
            id="key",
            per_user=per_user,
            limits=RateLimits(**limits) if dialect == Dialect.OPENAI else RateLimits(),
        )
        for dialect in Dialect
    ]


def together(sessions, wanted: list[Key], *, rounds: int = 3, limit: int = 3, then=None) -> list:
    """Let eight workers claim at once, again and again; return all they got."""

    def work(n: int) -> list:
        found = []
        for _ in range(rounds):
            for claim in claim_all(sessions, worker=f"w{n}", keys=wanted, limit=limit):
                found.append(claim)
                if then is not None:
                    then(claim)
        return found

    with ThreadPoolExecutor(CLAIMERS) as pool:
        return [claim for each in pool.map(work, range(CLAIMERS)) for claim in each]


def sent(sessions, claim, **changes):
    with sessions.begin() as session:
        attempt = attempts.open_one(
            session, claim, key_id="key", send_s=5, callback_token=None, estimate_usd=None
        )
    if changes:
        with sessions.begin() as session:
            attempts.settled(session, attempt.id, **changes)
    return attempt


def accepted(sessions, claim) -> None:
    with sessions.begin() as session:
        runs.accepted(session, claim, task_id=str(claim.job_id), poll_in_s=3600)


def pass_on(sessions, seconds: float) -> None:
    with sessions.begin() as session:
        session.execute(
            text(
                "UPDATE attempts SET created_at = created_at - make_interval(secs => :seconds),"
                " settled_at = settled_at - make_interval(secs => :seconds)"
            ),
            {"seconds": seconds},
        )


def a_minute_passes(sessions) -> None:
    pass_on(sessions, MINUTE_S + ON_ITS_WAY_S + 1)


def with_images(sessions, user, *images: int) -> list:
    filing = [filed(sessions, user).id for _ in images]
    with sessions.begin() as session:
        for id, count in zip(filing, images, strict=True):
            session.execute(
                text("UPDATE runs SET input_images = :count WHERE job_id = :id"),
                {"count": count, "id": id},
            )
    return filing


class TestRequestsPerMinute:
    def test_eight_workers_never_exceed_it(self, sessions, kim):
        for _ in range(12):
            filed(sessions, kim)

        found = together(sessions, keys(requests_per_minute=5), then=lambda c: sent(sessions, c))

        assert len(found) == 5

    def test_a_claim_counts_before_its_attempt_is_written(self, sessions, kim):
        for _ in range(12):
            filed(sessions, kim)

        assert len(together(sessions, keys(requests_per_minute=5))) == 5

    def test_after_a_minute_as_many_again(self, sessions, kim):
        for _ in range(12):
            filed(sessions, kim)
        limited = keys(requests_per_minute=5)
        together(sessions, limited, then=lambda claim: sent(sessions, claim))
        a_minute_passes(sessions)

        assert len(together(sessions, limited)) == 5

    @pytest.mark.parametrize(("answered", "counts"), [(True, False), (False, True)])
    def test_its_minute_begins_when_it_has_come_at_the_latest(
        self, sessions, kim, answered, counts
    ):
        for _ in range(2):
            filed(sessions, kim)
        limited = keys(requests_per_minute=1)
        (first,) = claim_all(sessions, keys=limited)
        answer = {"outcome": Outcome.ACCEPTED, "task_id": "77"} if answered else {}
        sent(sessions, first, **answer)
        pass_on(sessions, MINUTE_S + 1)

        assert (claim_all(sessions, keys=limited) == []) is counts

    def test_what_never_left_this_machine_does_not_count(self, sessions, kim):
        for _ in range(2):
            filed(sessions, kim)
        limited = keys(requests_per_minute=1)
        (first,) = claim_all(sessions, keys=limited)
        sent(sessions, first, outcome=Outcome.NOT_SENT)

        assert len(claim_all(sessions, keys=limited)) == 1

    def test_what_the_provider_did_not_take_counts(self, sessions, kim):
        for _ in range(2):
            filed(sessions, kim)
        limited = keys(requests_per_minute=1)
        (first,) = claim_all(sessions, keys=limited)
        sent(sessions, first, outcome=Outcome.NOT_SENT, http_status=429)

        assert claim_all(sessions, keys=limited) == []

    def test_another_key_has_a_minute_of_its_own(self, sessions, kim):
        for _ in range(2):
            filed(sessions, kim)
        claim_all(sessions, keys=keys(requests_per_minute=1))
        other = [Key(dialect="openai", id="other", limits=RateLimits(requests_per_minute=1))]

        assert len(claim_all(sessions, keys=other)) == 1

    def test_other_providers_go_on(self, sessions, kim):
        filed(sessions, kim)
        filed(sessions, kim)
        filed(sessions, kim, provider="hailuo", dialect="minimax_v2", model="MiniMax-H3")
        found = claim_all(sessions, keys=keys(requests_per_minute=1))

        assert sorted(claim.dialect for claim in found) == ["minimax_v2", "openai"]


class TestInputImages:
    def test_eight_workers_never_exceed_them(self, sessions, kim):
        with_images(sessions, kim, *[2] * 12)

        assert len(together(sessions, keys(input_images_per_minute=5))) == 2

    def test_a_large_edit_goes_alone_and_in_its_turn(self, sessions, kim):
        small, large, last = with_images(sessions, kim, 1, 9, 1)
        limited = keys(input_images_per_minute=5)
        turns_taken = []
        for _ in range(3):
            taken = claim_all(sessions, keys=limited)
            turns_taken.append([claim.job_id for claim in taken])
            for claim in taken:
                sent(sessions, claim)
            a_minute_passes(sessions)

        assert turns_taken == [[small], [large], [last]]


class TestInFlight:
    def test_eight_workers_never_exceed_it(self, sessions, kim):
        for _ in range(12):
            filed(sessions, kim)

        found = together(sessions, keys(in_flight=2), then=lambda claim: accepted(sessions, claim))

        assert len(found) == 2

    def test_an_uncertain_task_may_still_be_at_work(self, sessions, kim):
        filed(sessions, kim)
        filed(sessions, kim)
        limited = keys(in_flight=1)
        (claim,) = claim_all(sessions, keys=limited)
        with sessions.begin() as session:
            runs.unsure(session, claim, why="no_answer")
        assert claim_all(sessions, keys=limited) == []

        with sessions.begin() as session:
            session.execute(text("UPDATE runs SET stage_since = now() - interval '31 min'"))
        assert len(claim_all(sessions, keys=limited)) == 1

    def test_a_task_that_its_provider_has_dropped_is_at_work_no_more(self, sessions, kim):
        job = filed(sessions, kim, **VIDEO)
        filed(sessions, kim, **VIDEO)
        limited = [Key(dialect=VIDEO["dialect"], id="key", limits=RateLimits(in_flight=1))]
        (claim,) = claim_all(sessions, keys=limited)
        sent(sessions, claim, outcome=Outcome.ACCEPTED, task_id="77")
        accepted(sessions, claim)
        with sessions.begin() as session:
            decisions.cancel(session, kim, job.id)
        assert claim_all(sessions, keys=limited) == []

        looking = claimed(sessions, Stage.GENERATING)
        with sessions.begin() as session:
            runs.ended(session, looking, Stage.CANCELLED, code="cancelled_at_provider")
        assert len(claim_all(sessions, keys=limited)) == 1

    @pytest.mark.parametrize("decide", [decisions.send_again, decisions.give_up])
    def test_a_task_whose_job_goes_on_or_ends_without_it_may_still_be_at_work(
        self, sessions, kim, decide
    ):
        job = filed(sessions, kim, **VIDEO)
        filed(sessions, kim, **VIDEO)
        limited = [Key(dialect=VIDEO["dialect"], id="key", limits=RateLimits(in_flight=1))]
        (claim,) = claim_all(sessions, keys=limited)
        sent(sessions, claim, outcome=Outcome.UNKNOWN)
        with sessions.begin() as session:
            runs.unsure(session, claim, why="no_answer")
        with sessions.begin() as session:
            decide(session, kim, job.id)
        assert claim_all(sessions, keys=limited) == []

        with sessions.begin() as session:
            session.execute(text("UPDATE attempts SET created_at = now() - interval '31 min'"))
        assert len(claim_all(sessions, keys=limited)) == 1


class TestFairness:
    def test_a_batch_of_a_hundred_holds_up_nobody(self, sessions, kim):
        lee = person(sessions, "lee")
        for _ in range(100):
            filed(sessions, kim)
        mine = {filed(sessions, lee).id for _ in range(3)}
        first = [claim.job_id for claim in claim_all(sessions, keys=keys(per_user=4), limit=6)]

        assert mine <= set(first)

    def test_one_person_has_no_more_at_work_than_allowed(self, sessions, kim):
        for _ in range(20):
            filed(sessions, kim)

        assert len(together(sessions, keys(per_user=4))) == 4

    def test_an_uncertain_job_takes_no_place_of_its_person(self, sessions, kim):
        filed(sessions, kim)
        filed(sessions, kim)
        (claim,) = claim_all(sessions, keys=keys(per_user=1))
        with sessions.begin() as session:
            runs.unsure(session, claim, why="no_answer")

        assert len(claim_all(sessions, keys=keys(per_user=1))) == 1

    def test_a_video_that_has_stalled_takes_no_place_of_its_person(self, sessions, kim):
        filed(sessions, kim)
        accepted(sessions, claimed(sessions))
        filed(sessions, kim)
        assert claim_all(sessions, keys=keys(per_user=1)) == []

        with sessions.begin() as session:
            session.execute(text("UPDATE runs SET stage_since = now() - interval '31 minutes'"))
        assert claim_all(sessions, keys=keys(per_user=1, in_flight=1)) == []
        assert len(claim_all(sessions, keys=keys(per_user=1, in_flight=2))) == 1

    def test_all_are_started_in_the_end(self, sessions, kim):
        people = [kim, person(sessions, "lee"), person(sessions, "park")]
        filing = {filed(sessions, who).id for who in people for _ in range(7)}

        found = together(sessions, keys(), rounds=6, limit=2)

        assert {claim.job_id for claim in found} == filing


class TestWhatTheProviderSays:
    def test_its_limit_for_a_model_counts_for_that_model(self, sessions, kim):
        for model in ("gpt-image-2", "gpt-image-2", "other"):
            filed(sessions, kim, model=model)
        with sessions.begin() as session:
            gates.heard(
                session,
                dialect="openai",
                key_id="key",
                model="gpt-image-2",
                headers={"x-ratelimit-limit-requests": "1"},
            )

        found = claim_all(sessions)
        assert sorted(claim.model for claim in found) == ["gpt-image-2", "other"]

    def test_told_to_slow_down_half_as_many_are_sent(self, sessions, kim):
        for _ in range(10):
            filed(sessions, kim)
        for claim in claim_all(sessions, limit=4):
            sent(sessions, claim, outcome=Outcome.ACCEPTED)
            with sessions.begin() as session:
                runs.accepted(session, claim, task_id=str(claim.job_id), poll_in_s=3600)
        with sessions.begin() as session:
            gates.close(
                session,
                dialect="openai",
                key_id="key",
                model="gpt-image-2",
                code="slow_down",
                for_s=0.001,
            )
        assert claim_all(sessions) == []
        a_minute_passes(sessions)

        assert len(claim_all(sessions)) == 2


class TestLocks:
    def test_an_idle_look_locks_nothing(self, sessions, kim):
        filed(sessions, kim)
        claim_all(sessions)
        with sessions.begin() as session:
            gates.lock(session, keys())  # somebody gives out turns and takes long

            assert claim_all(sessions) == []

    def test_the_first_claims_of_all_make_the_gates(self, sessions, kim):
        for dialect in Dialect:
            filed(sessions, kim, dialect=dialect)

        found = together(sessions, keys(requests_per_minute=1))

        assert sorted(claim.dialect for claim in found) == sorted(Dialect)

    def test_two_workers_wait_for_each_other_only_in_one_order(self, sessions, kim):
        wanted = keys()
        with sessions.begin() as session:
            gates.made(session, wanted)
        with ThreadPoolExecutor(CLAIMERS) as pool:

            def lock(n: int) -> None:
                with sessions.begin() as session:
                    gates.lock(session, wanted if n % 2 else wanted[::-1])

            for done in [pool.submit(lock, n) for n in range(40)]:
                done.result()


class TestLookback:
    def test_what_becomes_visible_late_is_found_by_the_next_full_look(self, sessions, kim):
        lookback = Lookback()
        filed(sessions, kim)
        with sessions.begin() as session:
            turns.next_up(session, keys=keys(), lookback=lookback, limit=1)
        late = filed(sessions, kim)
        with sessions.begin() as session:
            session.execute(text("DELETE FROM runs WHERE job_id <> :id"), {"id": late.id})
            session.execute(text("UPDATE runs SET due_at = due_at - interval '1 min'"))
        with sessions.begin() as session:
            assert turns.next_up(session, keys=keys(), lookback=lookback, limit=1) == []
        lookback._full_at -= 60
        lookback.begin()

        with sessions.begin() as session:
            found = turns.next_up(session, keys=keys(), lookback=lookback, limit=1)
        assert found == [late.id]

    def test_a_job_that_is_due_later_hides_none_that_is_due_now(self, sessions, kim):
        lookback = Lookback()
        filed(sessions, kim)
        with sessions.begin() as session:
            session.execute(text("UPDATE runs SET due_at = due_at + interval '1 min'"))
            turns.next_up(session, keys=keys(), lookback=lookback, limit=1)
        fresh = filed(sessions, kim)

        with sessions.begin() as session:
            found = turns.next_up(session, keys=keys(), lookback=lookback, limit=1)
        assert found == [fresh.id]

    def test_a_job_behind_a_closed_gate_is_not_lost_sight_of(self, sessions, kim):
        lookback = Lookback()
        held = filed(sessions, kim, model="held")
        filed(sessions, kim)
        with sessions.begin() as session:
            gates.close(session, dialect="openai", key_id="key", model="held", code="x", for_s=3600)
        with sessions.begin() as session:
            turns.next_up(session, keys=keys(), lookback=lookback, limit=1)
            session.execute(text("UPDATE provider_gates SET closed_until = NULL"))

        with sessions.begin() as session:
            found = turns.next_up(session, keys=keys(), lookback=lookback, limit=1)
        assert found == [held.id]


@pytest.mark.parametrize("stage", [Stage.GENERATING, Stage.STORING])
def test_reading_knows_no_gates(sessions, kim, stage):
    filed(sessions, kim)
    claim = claimed(sessions)
    with sessions.begin() as session:
        if stage is Stage.GENERATING:
            runs.accepted(session, claim, task_id="7", poll_in_s=0)
        else:
            storing = runs.answered(session, claim, host="here", lease_s=60)
            runs.retry(session, storing, due_in_s=0, why="test")
        gates.close(session, dialect="openai", key_id="key", model="", code="x", for_s=None)

    assert len(claim_all(sessions, stage)) == 1


def test_ten_thousand_jobs_of_one_person_are_not_read(sessions, kim):
    with sessions.begin() as session:
        queued(session, kim, count=10_000)
    mine = filed(sessions, person(sessions, "lee"))
    with sessions.begin() as session:
        session.execute(text("ANALYZE runs"))
        wanted = {"dialects": ["openai"], "since": [EVERYTHING], "shut": ["other"], "per_person": 4}
        plan = session.scalar(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {turns._FIRST}"), wanted)
        read = [node["Actual Rows"] for node in nodes(plan[0]["Plan"]) if reads_runs(node)]

    assert read
    assert max(read) <= 4  # for each person
    assert mine.id in {claim.job_id for claim in claim_all(sessions, limit=2)}


def reads_runs(node) -> bool:
    return node.get("Relation Name") == "runs"


def nodes(plan):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)
