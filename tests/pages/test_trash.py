"""What was put in the trash can be taken back, there and then."""

import pytest
from streamlit.testing.v1 import AppTest

from core.models import Job
from tests.core.conftest import filed


@pytest.fixture
def choose(monkeypatch):
    """Choose from a card's menu as the browser tells it: once."""

    def act(what: str, job: Job) -> None:
        chosen = [{"act": what, "id": str(job.id)}]
        monkeypatch.setattr(
            "pages.parts.history_grid.grid", lambda **_: chosen.pop() if chosen else None
        )

    return act


def offered(at: AppTest) -> bool:
    return any(str(button.key).startswith("undo-trash") for button in at.button)


def in_trash(services, job: Job) -> bool:
    with services.sessions() as session:
        return session.get_one(Job, job.id).deleted_at is not None


def test_the_job_page_takes_it_back(open_page, services, kim):
    job = filed(services.sessions, kim)
    at = open_page("job", id=str(job.id))
    at.button(key=f"job-trash-{job.id}").click().run()
    assert in_trash(services, job)

    at.button(key=f"undo-trash-{job.id}").click().run()
    assert not in_trash(services, job)


def test_the_history_takes_it_back_also_when_nothing_else_is_there(
    open_page, services, kim, choose
):
    job = filed(services.sessions, kim)
    choose("delete", job)
    at = open_page("history")
    assert in_trash(services, job)

    at.button(key=f"undo-trash-{job.id}").click().run()
    assert not in_trash(services, job)
    assert not offered(at)


def test_another_page_and_another_job_offer_nothing(open_page, services, kim, choose):
    job, other = (filed(services.sessions, kim) for _ in range(2))
    choose("delete", job)
    at = open_page("history")
    assert offered(at)

    at.query_params["id"] = str(other.id)
    assert not offered(at.switch_page("job.py").run())
    del at.query_params["id"]
    assert not offered(at.switch_page("history.py").run())


def test_the_page_of_another_job_offers_nothing(open_page, services, kim):
    job, other = (filed(services.sessions, kim) for _ in range(2))
    at = open_page("job", id=str(job.id))
    at.button(key=f"job-trash-{job.id}").click().run()
    assert offered(at)

    at.query_params["id"] = str(other.id)
    assert not offered(at.run())
