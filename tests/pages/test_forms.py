"""What a form starts with: a job to change, and what it held before its page was left."""

import pytest
import streamlit as st
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from core.assets import UPLOADED
from core.details import Detail, load
from core.models import Job, Provider
from pages.parts import drafts, filing
from tests.core.conftest import filed, person
from tests.pages.conftest import masked_job
from tests.pages.emitted import texts
from tests.pages.test_words import finished


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


@pytest.mark.parametrize(
    ("state", "told"), [("coming", "A file is still on its way."), ("refused", "was refused")]
)
@pytest.mark.parametrize("place", ["edit-files", "edit-mask-files"])
def test_nothing_is_filed_while_a_file_on_the_screen_would_be_missing(
    open_page, services, kim, put, place, state, told
):
    at = open_page("history")
    at.session_state["edit-kept"] = [put(kim, "input")]
    at.switch_page("image_edit.py").run()
    at.text_area[0].set_value("make the sky green").run()
    reset = at.session_state[place.replace("files", "start")]["reset"] if "mask" not in place else 0
    items = at.session_state["edit-kept"] if "mask" not in place else []
    news = {"reset": reset, "items": items, "coming": False, "refused": False, state: True}
    at.session_state[place] = {"assets": news}
    file(at.run())

    assert told in "\n".join(texts(at))
    with services.sessions() as session:
        assert session.scalars(select(Job)).all() == []


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


def test_animating_a_result_shows_its_picture_also_after_a_video_from_text(
    open_page, services, kim, put
):
    job = finished(services, masked_job(services, kim, put))
    at = open_page("video")
    at.button_group(key="video-mode").set_value("text").run()
    at.switch_page("job.py")
    at.query_params["id"] = str(job.id)
    at.run()
    at.button(key=f"job-animate-{job.id}").click().run()
    at.switch_page("video.py").run()

    assert at.session_state["video-mode"] == "first_frame"
    assert len(at.session_state["video-kept"]) == 1


def test_coming_back_to_the_form_finds_pictures_and_mask_again(open_page, services, kim, put):
    at = open_page("history")
    at.session_state["edit-kept"] = [put(kim, "input")]
    at.session_state["edit-mask-kept"] = [put(kim, "mask")]
    at.switch_page("image_edit.py").run()
    at.text_area[0].set_value("make the sky green").run()
    file(at)

    assert filed_with(services, kim) == ["input", "mask"]


def test_a_reload_brings_back_what_the_tab_has_kept(open_page, services, kim, put):
    picture, mask = put(kim, "input"), put(kim, "mask")
    at = open_page("history")
    kept = {
        "prompt": "make the sky green",
        "model": "gpt-image-1.5",
        "options": {"quality": "high", "size": "auto", "start": "no option"},
        "inputs": [picture["id"]],
        "masks": [mask["id"]],
    }
    at.session_state["draft:gpt"] = brought_back(kim, kept)
    at.switch_page("image_edit.py").run()
    file(at)

    job = newest(services, kim).job
    assert (job.prompt, job.model, job.options["quality"]) == (
        "make the sky green",
        "gpt-image-1.5",
        "high",
    )
    assert filed_with(services, kim) == ["input", "mask"]


def test_a_file_of_somebody_else_is_not_brought_back(services, kim, put):
    foreign = put(person(services.sessions, "lee"), "input")
    kept = {"prompt": "p", "options": {}, "inputs": [foreign["id"]], "masks": []}

    assert brought_back(kim, kept)["inputs"] == []


def brought_back(user, kept) -> dict:
    """Return the draft that a form would start with."""
    drafts.bring_back(user, "edit", Provider.GPT, kept)
    return dict(st.session_state.pop("draft:gpt"))


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
    at.button(key=f"job-form-{first.id}").click().run()
    file(at.switch_page("image_edit.py").run())

    assert newest(services, kim).job.id != first.id
    assert filed_with(services, kim) == ["input", "markup"]


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
    at.session_state[f"{filing.FRESH}:gpt"] = str(job.id)
    at.run()

    assert at.query_params["job"] in ([str(job.id)], str(job.id))
    assert f"decide-cancel-{job.id}-0" in {button.key for button in at.button}
    assert f"{filing.FRESH}:gpt" not in at.session_state
