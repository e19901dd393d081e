import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from core import decisions, history, jobs, submissions
from core.errors import Conflict, NotFound
from core.models import Provider, Role
from core.services import build
from tests.application import settings_for
from tests.core.conftest import filed, order, person


def ids(found):
    return [card.id for card in found.cards]


AT_ONCE = 100


@pytest.fixture
def services(database_url, bucket, tmp_path):
    settings = settings_for(database_url, bucket, tmp_path)
    made = build(settings, application="test", pool_size=AT_ONCE)
    yield made
    made.engine.dispose()
    made.bucket.close()


def test_a_hundred_identical_submits_at_once_are_one_job(services, sessions, kim):
    options = {"mode": "text", "resolution": "768P", "duration": 5, "ratio": "16:9"}
    wish = submissions.Wish(
        provider=Provider.HAILUO,
        model="MiniMax-H3",
        prompt="slow push in",
        options=options,
        client_key=uuid4().hex,
    )
    start = threading.Barrier(AT_ONCE)

    def submit(_: int) -> UUID:
        start.wait(30)
        return submissions.submit(services, kim, wish).id

    with ThreadPoolExecutor(AT_ONCE) as pool:
        made = set(pool.map(submit, range(AT_ONCE)))

    assert len(made) == 1
    with sessions() as session:
        assert history.page(session, history.Filter()).total == 1


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


def test_an_identical_request_is_offered_only_to_those_who_may_look_at_it(sessions):
    kim, lee = person(sessions, "kim"), person(sessions, "lee")
    boss = person(sessions, "boss", Role.ADMIN)
    job = filed(sessions, kim)
    with sessions.begin() as session:
        jobs.remember_result(session, job)

    def offered(viewer, *, team_reads):
        with sessions() as session:
            found = jobs.twin(session, job.fingerprint, viewer=viewer, team_reads=team_reads)
            return found is not None

    assert offered(lee, team_reads=True)
    assert not offered(lee, team_reads=False)
    assert offered(kim, team_reads=False)
    assert offered(boss, team_reads=False)
