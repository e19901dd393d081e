"""What a form starts with: a job to change, and what it held before its page was left."""

from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from core.assets import UPLOADED
from core.details import Detail, load
from core.models import Job
from tests.core.conftest import person
from tests.pages.conftest import masked_job


def newest(services, user) -> Detail:
    with services.sessions() as session:
        job = session.scalars(select(Job).order_by(Job.id.desc())).first()
        return load(session, user, job.id, team_reads=True)


def filed_with(services, user) -> list[str]:
    files = newest(services, user).files
    return [file.kind for file in files if file.kind in UPLOADED]


def file(at: AppTest) -> None:
    """Click the form's button, accepting a price that is not known."""
    for box in at.checkbox:
        box.check().run()
    at.button(key="go-gpt").click().run()


def test_open_in_the_form_brings_the_mask(open_page, services, kim, put):
    first = masked_job(services, kim, put)
    at = open_page("job", id=str(first.id))
    at.button(key="job-form").click().run()
    file(at.switch_page("image_edit.py").run())

    assert newest(services, kim).job.id != first.id
    assert filed_with(services, kim) == ["input", "mask"]


def test_a_colleagues_mask_becomes_ones_own_and_stays_a_mask(open_page, services, kim, put):
    first = masked_job(services, person(services.sessions, "lee"), put)
    at = open_page("job", id=str(first.id))
    at.button(key="job-form").click().run()
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


def test_a_markup_is_filed_and_comes_back_as_one(open_page, services, kim, put):
    at = open_page("history")
    at.session_state["edit-kept"] = [put(kim, "input")]
    at.session_state["edit-markup-kept"] = [put(kim, "markup")]
    at.session_state["edit-drawn"] = "markup"
    at.switch_page("image_edit.py").run()
    at.text_area[0].set_value("make the sky green").run()
    file(at)
    first = newest(services, kim).job
    assert filed_with(services, kim) == ["input", "markup"]

    at = open_page("job", id=str(first.id))
    at.button(key="job-form").click().run()
    file(at.switch_page("image_edit.py").run())

    assert newest(services, kim).job.id != first.id
    assert filed_with(services, kim) == ["input", "markup"]


def test_what_was_taken_out_of_the_form_does_not_come_back(open_page, services, kim, put):
    at = open_page("history")
    at.session_state["edit-start"] = {"files": [put(kim, "input")], "reset": 1}
    at.session_state["edit-kept"] = []
    at.switch_page("image_edit.py").run()

    assert at.session_state["edit-start"]["files"] == []
