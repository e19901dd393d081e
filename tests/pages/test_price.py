"""The price is there before the click, and who accepts an unknown one accepts it once."""

from sqlalchemy import func, select
from streamlit.testing.v1 import AppTest

from core.models import Job
from tests.pages.emitted import texts

UNPRICED = "gpt-image-2.6-sunburst"


def test_a_price_is_shown_before_the_form_is_filled(open_page):
    at = open_page("image_edit")
    at.selectbox(key="edit-model").set_value("gpt-image-2").run()
    assert any("$" in text for text in texts(at))
    assert any("$" in text for text in texts(open_page("video")))


def test_a_size_that_is_none_has_no_price_and_breaks_nothing(open_page):
    at = open_page("image_edit")
    at.selectbox(key="edit-model").set_value("gpt-image-2").run()
    at.selectbox(key="edit-size").set_value("custom").run()
    for size in ("0x0", "wide", "1x99999999"):
        at.text_input(key="edit-custom-size").set_value(size).run()
        assert not at.exception


def unpriced(open_page, kim, put) -> AppTest:
    """Return a form that asks for something whose price is not known, and has it accepted."""
    at = open_page("history")
    at.session_state["edit-kept"] = [put(kim, "input")]
    at.switch_page("image_edit.py").run()
    at.selectbox(key="edit-model").set_value(UNPRICED).run()
    at.text_area[0].set_value("make the sky green").run()
    at.checkbox[0].check().run()
    return at


def count(services) -> int:
    with services.sessions() as session:
        return session.scalar(select(func.count()).select_from(Job)) or 0


def test_an_accepted_price_is_for_one_job(open_page, services, kim, put):
    at = unpriced(open_page, kim, put)
    at.button(key="go-gpt").click().run()
    assert not at.checkbox[0].value  # at once: nobody should believe it still stands
    at.text_area[0].set_value("make the sky blue").run()
    at.button(key="go-gpt").click().run()

    assert count(services) == 1


def test_an_accepted_price_is_for_these_options(open_page, kim, put):
    at = unpriced(open_page, kim, put)
    at.number_input(key="edit-n").set_value(4).run()

    assert not at.checkbox[0].value


def test_a_double_click_on_an_accepted_price_is_one_job_and_no_question(
    open_page, services, kim, put
):
    at = unpriced(open_page, kim, put)
    at.button(key="go-gpt").click().run()
    at.button(key="go-gpt").click().run()

    assert count(services) == 1
    assert not any("Confirm it" in text for text in texts(at))
