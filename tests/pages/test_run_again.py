"""Running a job once more costs again: the dialog says how much before anything is filed."""

from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from core import history
from core.models import Job
from tests.core.conftest import filed, person
from tests.pages.conftest import masked_job

VIDEO = {
    "provider": "hailuo",
    "dialect": "minimax_v1",
    "model": "MiniMax-Hailuo-02",
    "options": {"mode": "text", "resolution": "768P", "duration": 6},
}


def asked(open_page, job: Job) -> AppTest:
    return open_page("job", id=str(job.id)).button(key=f"job-rerun-{job.id}").click().run()


def within(at: AppTest, job: Job) -> AppTest:
    """Keep the dialog open: AppTest reruns the whole page where a browser reruns the dialog."""
    at.session_state["run-again"] = (str(job.id), False)
    return at


def count(services) -> int:
    with services.sessions() as session:
        return history.page(session, history.Filter()).total


def test_nothing_is_filed_before_the_price_was_seen(open_page, services, kim):
    at = asked(open_page, filed(services.sessions, kim, **VIDEO))

    assert any("About $0.28" in html.proto.body for html in at.get("html"))
    assert count(services) == 1


def test_one_click_in_the_dialog_files_it_once_more(open_page, services, kim):
    first = filed(services.sessions, kim, **VIDEO)
    at = asked(open_page, first)
    within(at, first).button(key=f"run-again-go-{first.id}").click().run()

    with services.sessions() as session:
        again, _ = session.scalars(select(Job).order_by(Job.id.desc()))
    assert (again.parent_job_id, again.prompt) == (first.id, first.prompt)


def test_an_unknown_price_has_to_be_accepted(open_page, services, kim, put):
    first = masked_job(services, kim, put, model="gpt-image-2.6-sunburst")
    at = asked(open_page, first)
    assert at.button(key=f"run-again-go-{first.id}").disabled

    within(at, first).checkbox(key=f"run-again-anyway-{first.id}").check().run()
    within(at, first).button(key=f"run-again-go-{first.id}").click().run()
    assert count(services) == 2


def test_whose_job_it_is_and_who_pays_is_said(open_page, services):
    at = asked(open_page, filed(services.sessions, person(services.sessions, "lee"), **VIDEO))

    assert any("Lee filed this job" in html.proto.body for html in at.get("html"))


def test_a_request_that_is_no_longer_taken_says_why_and_offers_no_button(open_page, services, kim):
    at = asked(open_page, filed(services.sessions, kim, **(VIDEO | {"model": "video-01"})))

    assert any("ps-bad" in html.proto.body for html in at.get("html"))
    assert not [button for button in at.button if "run-again-go" in str(button.key)]
