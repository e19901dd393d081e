import pytest
from sqlalchemy import event, text

from core import outlook, runs
from core.events import WORK_CHANNEL
from core.stages import Stage
from tests.core.conftest import claimed, filed


def due(sessions):
    with sessions() as session:
        return set(outlook.read(session.connection()).due)


def test_it_names_the_stages_of_which_a_step_is_due(sessions, kim):
    assert due(sessions) == set()
    filed(sessions, kim, provider="hailuo", dialect="minimax_v2")
    assert due(sessions) == {Stage.READY}

    claim = claimed(sessions)
    assert due(sessions) == set()
    with sessions.begin() as session:
        runs.accepted(session, claim, task_id="7", poll_in_s=0)
    assert due(sessions) == {Stage.GENERATING}

    looking = claimed(sessions, Stage.GENERATING)
    with sessions.begin() as session:
        storing = runs.finished(session, looking, lease_s=60)
        runs.retry(session, storing, due_in_s=0, why="download_failed")
    assert due(sessions) == {Stage.STORING}


def test_it_tells_what_falls_due_next(sessions, kim):
    assert coming(sessions) == (None, [])
    for poll_in_s in (30, 20):
        filed(sessions, kim, provider="hailuo", dialect="minimax_v2")
        claim = claimed(sessions)
        with sessions.begin() as session:
            runs.accepted(session, claim, task_id=str(poll_in_s), poll_in_s=poll_in_s)
    assert coming(sessions) == (pytest.approx(20, abs=3), [Stage.GENERATING])

    filed(sessions, kim)
    claim = claimed(sessions)
    with sessions.begin() as session:
        runs.postponed(session, claim, due_in_s=10, why="rate_limited")
    assert coming(sessions) == (pytest.approx(10, abs=3), [Stage.READY])


def coming(sessions):
    with sessions() as session:
        ahead = outlook.read(session.connection())
    seconds = ahead.next_due_s
    return seconds, ahead.next_due


@pytest.fixture
def woken(sessions):
    """Whose steps workers were told of."""
    told: list[str] = []

    @event.listens_for(sessions.kw["bind"], "before_cursor_execute")
    def note(_connection, _cursor, _statement, parameters, *_):
        values = list(parameters.values()) if isinstance(parameters, dict) else []
        if WORK_CHANNEL in values:
            told.extend(value for value in values if value != WORK_CHANNEL)

    return told


def test_workers_are_woken_for_the_stage_that_a_job_has_come_to(sessions, kim, woken):
    filed(sessions, kim, provider="hailuo", dialect="minimax_v2")
    claim = claimed(sessions)
    with sessions.begin() as session:
        runs.handed_back(session, claim)
    claim = claimed(sessions)
    with sessions.begin() as session:
        runs.unsure(session, claim, why="no_answer")
        run = runs.locked(session, claim.job_id)
        runs.found(session, run, task_id="7", by="w1")
        runs.due_now(session, run)

    assert woken == [Stage.READY, Stage.GENERATING, Stage.GENERATING]


def test_a_new_job_wakes_those_who_send_and_is_news_to_its_person(sessions, kim):
    with sessions() as session:
        listening = session.connection().connection.driver_connection
        session.execute(text("LISTEN proofsheet_work"))
        session.execute(text("LISTEN proofsheet_live"))
        session.commit()
        job = filed(sessions, kim)
        session.execute(text("SELECT 1"))
        listening.poll()
        told = {notice.channel: notice.payload for notice in listening.notifies}

    assert told["proofsheet_work"] == Stage.READY
    assert str(job.id) in told["proofsheet_live"]
    assert '"news" : true' in told["proofsheet_live"]
