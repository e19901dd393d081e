import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text, update

from core import attempts, heartbeats, runs
from core.models import Attempt, GenerationTime, Job, Run
from core.stages import Outcome, Stage
from tests.core.conftest import LEASES, claimed
from tests.providers.control import Control
from tests.workers.conftest import fault, video_filed, waits_for_lock
from tests.workers.observing import VIDEOS
from tests.workers.processes import until
from workers.dispatch import Lane
from workers.hands import Hands
from workers.looks import CROWD_KEPT_S, KEPT_S, Looks
from workers.pace import Pace

OPTIONS = {"mode": "text", "resolution": "768P", "duration": 6}
KIND = "MiniMax-Hailuo-02 768P 6 text"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def looks(services, clock) -> Looks:
    """What a worker on a server has: 60 polls a minute."""
    settings = dataclasses.replace(
        services.settings, minimax_polls_per_minute=60, video_poll_s=3600
    )
    return Looks(settings, clock=clock)


@pytest.fixture
def generating(services, file_video) -> Job:
    """A job that the provider has just taken, with a callback asked for."""
    job = file_video("MiniMax-Hailuo-02", OPTIONS)
    claim = claimed(services.sessions, leases=LEASES)
    with services.sessions.begin() as session:
        attempt = attempts.open_one(
            session, claim, key_id="key", send_s=30, callback_token="t", estimate_usd=None
        )
        attempts.settled(session, attempt.id, Outcome.ACCEPTED, task_id="77")
        runs.accepted(session, claim, task_id="77", poll_in_s=0)
    return job


def next_s(services, looks, job) -> float:
    with services.sessions() as session:
        return looks.next_s(session, job.id)


def history(services, job: Job, *, took_s: float, called_back: bool | None = None) -> None:
    """File forty finished videos of the same kind."""
    with services.sessions.begin() as session:
        made = session.scalars(
            text(
                "INSERT INTO jobs (id, user_id, client_key, provider, model, prompt, options,"
                " status, fingerprint) SELECT gen_random_uuid(), user_id, 'k' || n, provider,"
                " model, prompt, options, status, fingerprint"
                " FROM jobs, generate_series(1, 40) n WHERE id = :job RETURNING id"
            ),
            {"job": job.id},
        ).all()
        session.add_all(
            GenerationTime(
                job_id=id,
                kind=KIND,
                earliest_s=took_s + number % 5,
                latest_s=took_s + number % 5,
                called_back=called_back,
            )
            for number, id in enumerate(made)
        )


def test_the_first_look_goes_by_the_prior_then_by_history(services, looks, generating, clock):
    assert 40 < next_s(services, looks, generating) < 60

    history(services, generating, took_s=200)
    assert next_s(services, looks, generating) < 60  # kept for a while

    clock.now += KEPT_S
    assert 190 < next_s(services, looks, generating) < 215


def test_a_callback_is_relied_on_once_callbacks_are_seen_to_come(services, looks, generating):
    history(services, generating, took_s=200, called_back=True)

    assert next_s(services, looks, generating) > 203


def test_a_crowd_is_looked_at_more_rarely_and_by_turns(services, looks, generating, clock):
    alone_s = next_s(services, looks, generating)
    with services.sessions.begin() as session:
        for number in range(3):
            heartbeats.beat(session, f"w{number}", host="here", spool="here", in_hand=0)
        session.execute(
            text(
                "WITH made AS (INSERT INTO jobs (id, user_id, client_key, provider, model, prompt,"
                " options, status, fingerprint) SELECT gen_random_uuid(), user_id, 'k' || n,"
                " provider, model, prompt, options, status, fingerprint"
                " FROM jobs, generate_series(1, 49) n WHERE id = :job RETURNING id, user_id)"
                " INSERT INTO runs (job_id, user_id, provider, dialect, model, stage, due_at)"
                " SELECT id, user_id, 'hailuo', 'minimax_v1', 'm', 'generating', now() FROM made"
            ),
            {"job": generating.id},
        )
    clock.now += CROWD_KEPT_S

    assert next_s(services, looks, generating) > 1.5 * alone_s
    looks.pace.take(looks.pace.turns())
    clock.now += 3 * 2.0
    assert looks.pace.turns() == 2  # a third of a poll a second


def test_whoever_counts_the_crowd_again_holds_up_no_other(services, looks, generating, clock):
    next_s(services, looks, generating)
    clock.now += CROWD_KEPT_S

    with ThreadPoolExecutor(2) as pool:
        with services.engine.begin() as slow:
            slow.execute(text("LOCK TABLE workers IN ACCESS EXCLUSIVE MODE"))
            counting = pool.submit(next_s, services, looks, generating)
            until(lambda: waits_for_lock(services))

            assert pool.submit(next_s, services, looks, generating).result(timeout=10) > 0
            assert not counting.done()
        assert counting.result(timeout=10) > 0


def test_a_stalled_video_is_asked_for_ever_more_rarely(services, looks, generating):
    with services.sessions.begin() as session:
        session.execute(
            update(Attempt).values(
                settled_at=func.now() - text("interval '1 hour'"),
            )
        )

    assert next_s(services, looks, generating) == pytest.approx(240, rel=0.01)


def test_the_first_look_goes_by_what_the_worker_has_learnt(services, looks, generating):
    assert 40 < looks.first_s(generating, callback_asked=False) < 60

    history(services, generating, took_s=200)
    next_s(services, looks, generating)

    assert 190 < looks.first_s(generating, callback_asked=False) < 215


def test_without_a_turn_nothing_is_polled(hands, generating, clock):
    pace = Pace(60, clock=clock)
    hands.looks.pace = pace
    lane = Lane(hands, Stage.GENERATING, 1)
    pace.take(pace.turns())

    assert not lane.fill()
    assert lane.busy == 0

    clock.now += 1
    lane.fill()
    lane.close()
    assert pace.turns() == 0


@pytest.mark.parametrize(("api", "asked"), [("v1", 2), ("v2", 1)])
def test_what_a_success_is_asked_is_taken_from_the_polls(
    hands, services, kim, minimax_simulator, quick_videos, api, asked
):
    """The first API tells in a second answer where the file is; a copy that failed asks anew."""
    control = Control(minimax_simulator.url)
    control.fault("download_status", times=1, status=500)
    video_filed(services, kim, *VIDEOS[api])
    step(hands, Stage.READY)
    (billed,) = control.entries("billed")
    until(lambda: bool(control.entries("finished")))
    pace = hands.looks.pace = Pace(6000, clock=lambda: 1000.0)
    turns = pace.turns()

    step(hands, Stage.GENERATING)
    assert turns - pace.turns() == control.questions()[billed["task_id"]] == asked
    step(hands, Stage.STORING)
    assert turns - pace.turns() == control.questions()[billed["task_id"]] == 2 * asked


@pytest.mark.parametrize(("waits", "asked"), [(True, 2), (False, 1)])
def test_what_a_cancellation_asks_is_taken_from_the_polls(
    hands, services, kim, minimax_simulator, waits, asked
):
    control = Control(minimax_simulator.url)
    control.set(fixed_s=3600 if waits else 0, small_videos=True)
    job = video_filed(services, kim, *VIDEOS["v2"])
    step(hands, Stage.READY)
    with services.sessions.begin() as session:
        runs.cancel_asked(session, runs.locked(session, job.id), by="kim")
    pace = hands.looks.pace = Pace(6000, clock=lambda: 1000.0)
    turns = pace.turns()

    step(hands, Stage.GENERATING)
    assert turns - pace.turns() == sum(control.questions().values()) == asked


def step(hands: Hands, stage: Stage) -> None:
    """Take the step that waits."""
    with hands.services.sessions.begin() as session:
        session.execute(update(Run).values(due_at=func.now()))
    lane = Lane(hands, stage, 1)
    lane.fill()
    lane.close()


def test_a_video_still_at_work_is_due_when_the_schedule_says(
    services, minimax_simulator, hands, looks, file_video
):
    object.__setattr__(hands, "looks", looks)
    fault(minimax_simulator, "stuck")
    job = file_video("MiniMax-Hailuo-02", OPTIONS)
    for stage in (Stage.READY, Stage.GENERATING):
        step(hands, stage)
        with services.sessions() as session:
            wait_s = session.scalar(
                select(func.extract("epoch", Run.due_at - func.now())).where(Run.job_id == job.id)
            )
        assert 40 < wait_s < 60
