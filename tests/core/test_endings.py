import pytest
from sqlalchemy import func

from core import decisions, endings, transitions
from core.models import Job, Run
from core.stages import Stage
from tests.core.conftest import claimed, filed, person


@pytest.fixture
def ended(sessions):
    def end(user, prompt, stage=Stage.REJECTED):
        job = filed(sessions, user, prompt=prompt)
        claimed(sessions)
        with sessions.begin() as session:
            transitions.end(session, session.get_one(Run, job.id), stage, by="w1")
        return job

    return end


def test_what_goes_on_by_itself_counts_and_what_waits_for_its_person_does_not(sessions, kim):
    filed(sessions, kim)
    asking = filed(sessions, kim)
    filed(sessions, person(sessions, "lee"))
    with sessions.begin() as session:
        transitions.become_uncertain(session, session.get_one(Run, asking.id), by="w1", why="test")
        assert endings.unfinished(session, kim.id) == 1


def test_the_last_to_end_is_told_to_its_person_alone(sessions, kim, ended):
    ended(kim, "a first boat")
    last = ended(kim, "a boat by the sea " * 20)
    filed(sessions, kim)
    lee = person(sessions, "lee")

    with sessions() as session:
        found = endings.latest(session, kim.id)
        assert found
        assert (found.job_id, found.stage) == (last.id, Stage.REJECTED)
        assert found.title == ("a boat by the sea " * 20)[: endings.SHOWN_OF_PROMPT]
        assert endings.latest(session, lee.id) is None


def test_what_ended_a_while_ago_or_by_its_persons_wish_is_no_news(sessions, kim, ended):
    before = ended(kim, "a boat")
    with sessions.begin() as session:
        session.get_one(Job, before.id).completed_at = func.now() - 2 * endings.JUST
        dropped = filed(sessions, kim)
        decisions.cancel(session, kim, dropped.id)

    with sessions() as session:
        assert endings.latest(session, kim.id) is None
