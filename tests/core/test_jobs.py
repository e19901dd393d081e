import threading
from uuid import uuid4

import pytest

from core import decisions, history, jobs
from core.errors import Conflict, NotFound
from core.models import Role
from tests.core.conftest import filed, order, person


def ids(found):
    return [card.id for card in found.cards]


def test_a_hundred_identical_submits_at_once_are_one_job(sessions, kim):
    wish = order(client_key=uuid4().hex)
    made, start = set(), threading.Barrier(20)

    def submit() -> None:
        start.wait()
        for _ in range(5):
            with sessions.begin() as session:
                made.add(jobs.queue(session, kim, wish).id)

    threads = [threading.Thread(target=submit) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 1
    with sessions() as session:
        assert history.count(session, history.Filter()) == 1


def test_a_client_key_belongs_to_its_person(sessions, kim):
    lee, key = person(sessions, "lee"), uuid4().hex

    assert filed(sessions, kim, client_key=key).id != filed(sessions, lee, client_key=key).id


def test_the_fingerprint_knows_what_differs():
    base = order().fingerprint()

    assert order().fingerprint() == base
    assert order(prompt="a paper plane").fingerprint() != base
    assert order(options={"size": "auto"}).fingerprint() != base


class TestWhoMayLook:
    @pytest.mark.parametrize(
        ("login", "role", "team_reads", "allowed"),
        [
            ("kim", Role.TESTER, False, True),
            ("lee", Role.TESTER, True, True),
            ("lee", Role.TESTER, False, False),
            ("boss", Role.ADMIN, False, True),
        ],
    )
    def test_each_kind_of_person(self, sessions, kim, login, role, team_reads, allowed):
        job, viewer = filed(sessions, kim), person(sessions, login, role)

        with sessions() as session:
            if allowed:
                assert jobs.visible(session, viewer, job.id, team_reads=team_reads)
                return
            with pytest.raises(NotFound):
                jobs.visible(session, viewer, job.id, team_reads=team_reads)

    def test_foreign_and_missing_look_the_same(self, sessions, kim):
        job, lee = filed(sessions, kim), person(sessions, "lee")

        with sessions() as session:
            said = set()
            for id in (job.id, uuid4()):
                with pytest.raises(NotFound) as caught:
                    jobs.visible(session, lee, id, team_reads=False)
                said.add(str(caught.value))
        assert len(said) == 1


def test_the_trash_gives_back(sessions, kim):
    job = filed(sessions, kim)
    with sessions.begin() as session:
        decisions.trash(session, kim, job.id)
    with sessions.begin() as session:
        assert ids(history.page(session, history.Filter())) == []
        jobs.restored(session, kim, job.id)

    with sessions() as session:
        assert ids(history.page(session, history.Filter())) == [job.id]


def test_what_has_not_ended_is_not_hidden(sessions, kim):
    job = filed(sessions, kim)
    with pytest.raises(Conflict, match="has not ended"), sessions.begin() as session:
        jobs.trashed(session, kim, job.id)


def test_typical_time_and_cost_are_unknown_before_the_first(sessions, kim):
    filed(sessions, kim)

    with sessions() as session:
        assert jobs.typical_seconds(session, model="gpt-image-2") is None
        assert jobs.typical_cost(session, model="gpt-image-2", quality="low", size="auto") is None
