"""What was put in the trash can be taken back, there and then."""

import pytest
from streamlit.testing.v1 import AppTest

from core import decisions
from core.models import Job
from tests.core.conftest import filed, person
from tests.pages.scenes import said, sent, unsure


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

    at.button(key=f"job-restore-{job.id}").click().run()
    assert not in_trash(services, job)


def test_by_its_address_a_job_is_taken_out_again_long_after(open_page, services, kim):
    job = filed(services.sessions, kim)
    with services.sessions.begin() as session:
        decisions.trash(session, kim, job.id)
    at = open_page("job", id=str(job.id))
    assert "This job is in the trash" in said(at)

    at.button(key=f"job-restore-{job.id}").click().run()
    assert not in_trash(services, job)
    assert "This job is in the trash" not in said(at)


def test_a_colleague_sees_that_it_is_in_the_trash_and_cannot_restore_it(open_page, services):
    lee = person(services.sessions, "lee")
    job = filed(services.sessions, lee)
    with services.sessions.begin() as session:
        decisions.trash(session, lee, job.id)
    at = open_page("job", id=str(job.id))

    assert "This job is in the trash" in said(at)
    assert not [button for button in at.button if "restore" in str(button.key)]


def test_a_job_that_waits_is_cancelled_with_it_and_that_is_said(open_page, services, kim, choose):
    job = filed(services.sessions, kim)
    choose("delete", job)
    at = open_page("history")

    assert [text.value for text in at.markdown] == ["Cancelled, and moved to the trash."]
    with services.sessions() as session:
        assert session.get_one(Job, job.id).final_stage == "cancelled"


def test_a_job_that_needs_a_decision_is_not_hidden(open_page, services, kim, choose):
    job = filed(services.sessions, kim)
    unsure(services, *sent(services))
    choose("delete", job)
    at = open_page("history")

    assert not in_trash(services, job)
    assert "It needs a decision first" in at.toast[0].value


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
