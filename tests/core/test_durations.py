from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import NoResultFound

from core import attempts, durations, events, runs
from core.claims import Claim
from core.ids import new_id
from core.models import Attempt, GenerationTime, Job, JobEvent, Run
from core.stages import Outcome, Stage
from core.survival import Observation
from tests.core.conftest import claimed, filed

OPTIONS = {"mode": "text", "resolution": "768P", "duration": 6}
KIND = "MiniMax-Hailuo-02 768P 6 text"


@pytest.fixture
def video(sessions, kim):
    def make(*, token: str | None = None, began_s: float = 0) -> Job:
        """Return a job that the provider took `began_s` seconds ago."""
        job = filed(
            sessions,
            kim,
            provider="hailuo",
            dialect="minimax_v1",
            model="MiniMax-Hailuo-02",
            options=OPTIONS,
        )
        claim = claimed(sessions)
        with sessions.begin() as session:
            attempt = attempts.open_one(
                session, claim, key_id="key", send_s=30, callback_token=token, estimate_usd=None
            )
            attempts.settled(session, attempt.id, Outcome.ACCEPTED, task_id=str(job.id))
            runs.accepted(session, claim, task_id=str(job.id), poll_in_s=0)
        _ago(sessions, job, began_s)
        return job

    return make


def _ago(sessions, job: Job, seconds: float) -> None:
    """Move what the provider's clock goes by into the past."""
    back = timedelta(seconds=seconds)
    with sessions.begin() as session:
        session.execute(
            update(Attempt)
            .where(Attempt.job_id == job.id)
            .values(settled_at=func.now() - back, send_deadline=func.now() - back + timedelta(30))
        )


def looked_at(sessions, job: Job, *, after_s: float, began_s: float) -> None:
    with sessions.begin() as session:
        session.execute(
            update(Run)
            .where(Run.job_id == job.id)
            .values(looked_at=func.now() - timedelta(seconds=began_s - after_s))
        )


def called(sessions, job: Job, *, ago_s: float, at_work: bool = False) -> None:
    with sessions.begin() as session:
        attempt = attempts.live(session, job.id)
        assert attempt is not None
        events.record(
            session,
            job.id,
            "callback_came",
            by="provider",
            attempt_id=attempt.id,
            at_work=at_work,
        )
        session.flush()
        session.execute(
            update(JobEvent)
            .where(JobEvent.job_id == job.id, JobEvent.kind == "callback_came")
            .values(at=func.now() - timedelta(seconds=ago_s))
        )


def recorded(sessions, job: Job) -> GenerationTime:
    with sessions.begin() as session:
        durations.record(session, job.id)
    with sessions() as session:
        return session.get_one(GenerationTime, job.id)


def kept(session, job: Job, kind: str, took_s: float, *, called_back: bool | None = None) -> None:
    session.add(
        GenerationTime(
            job_id=job.id, kind=kind, earliest_s=took_s, latest_s=took_s, called_back=called_back
        )
    )


def stands(sessions, job: Job) -> durations.Standing:
    with sessions() as session:
        found = durations.standing(session, job.id)
    assert found is not None
    return found


class TestStanding:
    def test_a_video_is_as_old_as_its_acceptance(self, sessions, video):
        job = video(began_s=90)

        found = stands(sessions, job)

        assert (found.kind, found.callback_asked) == (KIND, False)
        assert found.age_s == pytest.approx(90, abs=5)

    def test_a_late_discovery_counts_from_the_end_of_sending(self, sessions, video):
        job = video()
        with sessions.begin() as session:
            session.execute(
                update(Attempt).values(
                    settled_at=func.now(), send_deadline=func.now() - timedelta(seconds=300)
                )
            )

        assert stands(sessions, job).age_s == pytest.approx(300, abs=5)
        with pytest.raises(NoResultFound):  # nobody knows when it began
            recorded(sessions, job)

    def test_an_unknown_job_stands_nowhere(self, sessions):
        with sessions() as session:
            assert durations.standing(session, new_id()) is None


class TestRecord:
    def test_it_ended_between_the_last_two_looks(self, sessions, video):
        job = video(began_s=90)
        looked_at(sessions, job, after_s=80, began_s=90)

        found = recorded(sessions, job)

        assert found.kind == KIND
        assert found.earliest_s == pytest.approx(80, abs=5)
        assert found.latest_s == pytest.approx(90, abs=5)
        assert found.called_back is None

    def test_the_first_look_found_it(self, sessions, video):
        found = recorded(sessions, video(began_s=50))

        assert found.earliest_s == 0
        assert found.latest_s == pytest.approx(50, abs=5)

    def test_a_callback_tells_when_it_ended(self, sessions, video):
        job = video(token="t", began_s=90)
        called(sessions, job, ago_s=20)

        found = recorded(sessions, job)

        assert found.called_back
        assert found.earliest_s == found.latest_s == pytest.approx(70, abs=5)

    def test_a_callback_may_tell_it_before_our_own_reply(self, sessions, video):
        job = video(token="t", began_s=20)
        called(sessions, job, ago_s=25)

        found = recorded(sessions, job)

        assert found.called_back
        assert found.earliest_s == found.latest_s == 0

    @pytest.mark.parametrize("early", ["at_work", "before_the_last_look"])
    def test_a_callback_that_told_of_no_end_does_not(self, sessions, video, early):
        job = video(token="t", began_s=90)
        looked_at(sessions, job, after_s=40, began_s=90)
        called(
            sessions,
            job,
            ago_s=20 if early == "at_work" else 70,
            at_work=early == "at_work",
        )

        found = recorded(sessions, job)

        assert found.called_back is False
        assert found.latest_s - found.earliest_s == pytest.approx(50, abs=5)

    def test_a_repeated_step_changes_nothing(self, sessions, video):
        job = video(began_s=50)
        first = recorded(sessions, job)

        assert recorded(sessions, job).latest_s == first.latest_s


class TestRecent:
    def test_the_last_two_hundred_of_the_kind_newest_first(self, sessions, kim):
        with sessions.begin() as session:
            for took in range(203):
                kept(session, _job(session, kim), KIND, float(took))
            kept(session, _job(session, kim), "another", 1)

        with sessions() as session:
            found = durations.recent(session, KIND)

        assert found == [Observation(float(took), float(took)) for took in range(202, 2, -1)]

    def test_it_costs_one_short_index_scan(self, sessions, kim):
        with sessions.begin() as session:
            job = _job(session, kim)
            session.execute(
                text(
                    "INSERT INTO jobs (id, user_id, client_key, provider, model, prompt, options,"
                    " status, fingerprint) SELECT gen_random_uuid(), user_id, 'k' || n, provider,"
                    " model, prompt, options, status, fingerprint"
                    " FROM jobs, generate_series(1, 5000) n WHERE id = :job"
                ),
                {"job": job.id},
            )
            session.execute(
                text(
                    "INSERT INTO generation_times (job_id, kind, earliest_s, latest_s)"
                    " SELECT id, 'kind ' || row_number() OVER () % 5, 1, 2 FROM jobs"
                )
            )
        with sessions.begin() as session:
            session.execute(text("ANALYZE generation_times"))
            plan = "\n".join(
                session.scalars(
                    text(
                        "EXPLAIN SELECT earliest_s, latest_s FROM generation_times"
                        " WHERE kind = 'kind 3' ORDER BY job_id DESC LIMIT 200"
                    )
                )
            )

        assert "ix_generation_times_kind_job_id" in plan
        assert "Sort" not in plan


def _job(session, user) -> Job:
    job = Job(
        user_id=user.id,
        client_key=str(new_id()),
        provider="hailuo",
        model="MiniMax-Hailuo-02",
        prompt="a boat",
        options=OPTIONS,
        fingerprint=b"",
    )
    session.add(job)
    session.flush()
    return job


@pytest.mark.parametrize(
    ("came", "relied_on"),
    [
        ([], False),
        ([True] * 4, False),
        ([True] * 5, True),
        ([None] * 5 + [True] * 5, True),
        ([True] * 8 + [False] * 2, True),
        ([True] * 7 + [False] * 3, False),
        ([True] * 30 + [False] * 10, False),
    ],
)
def test_callbacks_are_relied_on_once_they_come(sessions, kim, came, relied_on):
    with sessions.begin() as session:
        for called_back in came:
            kept(session, _job(session, kim), KIND, 1, called_back=called_back)

    with sessions() as session:
        assert durations.callbacks_arrive(session) is relied_on


def test_the_crowd_is_what_the_provider_has(sessions, video):
    for _ in range(2):
        video()

    with sessions() as session:
        found = durations.crowd(session)

    assert (found.in_flight, found.workers) == (2, 0)


def test_a_look_notes_when_it_was(sessions, video):
    job = video()
    claim: Claim = claimed(sessions, Stage.GENERATING)
    with sessions.begin() as session:
        runs.looked(session, claim, provider_status="Processing", poll_in_s=5)

    with sessions() as session:
        assert session.scalar(select(Run.looked_at).where(Run.job_id == job.id)) is not None
