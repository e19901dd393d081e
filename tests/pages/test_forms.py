"""What a form starts with: a job to change, and what it held before its page was left."""

from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from core.details import Detail, load
from core.models import AssetKind, Job
from pages.parts import filing
from tests.core.conftest import filed, person
from tests.pages.conftest import masked_job


def newest(services, user) -> Detail:
    with services.sessions() as session:
        job = session.scalars(select(Job).order_by(Job.id.desc())).first()
        return load(session, user, job.id, team_reads=True)


def filed_with(services, user) -> list[str]:
    files = newest(services, user).files
    return [file.kind for file in files if file.kind in {AssetKind.INPUT, AssetKind.MASK}]


def file(at: AppTest) -> None:
    """Click the form's button, accepting a price that is not known."""
    for box in at.checkbox:
        box.check().run()
    at.button(key="go-gpt").click().run()


def test_open_in_the_form_brings_the_mask(open_page, services, kim, put):
    first = masked_job(services, kim, put)
    at = open_page("job", id=str(first.id))
    at.button(key=f"job-form-{first.id}").click().run()
    file(at.switch_page("image_edit.py").run())

    assert newest(services, kim).job.id != first.id
    assert filed_with(services, kim) == ["input", "mask"]


def test_a_colleagues_mask_becomes_ones_own_and_stays_a_mask(open_page, services, kim, put):
    first = masked_job(services, person(services.sessions, "lee"), put)
    at = open_page("job", id=str(first.id))
    at.button(key=f"job-form-{first.id}").click().run()
    file(at.switch_page("image_edit.py").run())

    assert newest(services, kim).job.user_id == kim.id
    assert filed_with(services, kim) == ["input", "mask"]


def test_coming_back_to_the_form_finds_pictures_and_mask_again(open_page, services, kim, put):
    at = open_page("history")
    at.session_state["edit-kept"] = [put(kim, "input")]
    at.session_state["edit-mask-kept"] = [put(kim, "mask")]
    at.switch_page("image_edit.py").run()
    at.text_area[0].set_value("make the sky green").run()
    file(at)

    assert filed_with(services, kim) == ["input", "mask"]


def test_what_was_taken_out_of_the_form_does_not_come_back(open_page, services, kim, put):
    at = open_page("history")
    at.session_state["edit-start"] = {"files": [put(kim, "input")], "reset": 1}
    at.session_state["edit-kept"] = []
    at.switch_page("image_edit.py").run()

    assert at.session_state["edit-start"]["files"] == []


def test_a_job_whose_filing_was_cut_short_is_shown_in_the_run_that_follows(
    open_page, services, kim
):
    job = filed(services.sessions, kim)
    at = open_page("image_edit")
    at.session_state[f"{filing.FILED}:gpt"] = str(job.id)
    at.run()

    assert at.query_params["job"] in ([str(job.id)], str(job.id))
    assert f"decide-cancel-{job.id}-0" in {button.key for button in at.button}
    assert f"{filing.FILED}:gpt" not in at.session_state
