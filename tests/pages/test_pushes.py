"""A push reruns one fragment, unless a run of the whole page was to be cut short by it."""

import json
import time

import pytest
import streamlit as st
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.testing.v1 import AppTest

from core import decisions
from pages.parts import pushes
from tests.core.conftest import filed
from tests.pages.emitted import texts


def script() -> None:
    import streamlit as st  # noqa: PLC0415  (AppTest runs the body alone)

    from pages.parts import pushes  # noqa: PLC0415  (the same)

    def count(name: str) -> None:
        st.session_state[name] = st.session_state.get(name, 0) + 1

    @st.fragment(key="grid")
    def grid() -> None:
        count("fragment runs")

    @st.fragment(key=pushes.BANNERS)
    def banners() -> None:
        count("banner runs")

    with pushes.whole_page("history"):
        count("page runs")
        grid()
        banners()
        st.button("a push", on_click=pushes.looks_again("grid"))
        st.button("silence", on_click=pushes.looks_anyway("grid"))
        st.button("news", on_click=pushes.looks_again("grid", pushes.BANNERS))


def pushed(at: AppTest) -> tuple[int, int]:
    at.button[0].click().run()
    return at.session_state["page runs"], at.session_state["fragment runs"]


def test_a_push_reruns_only_its_fragment():
    assert pushed(AppTest.from_function(script).run()) == (1, 2)


def test_in_silence_only_the_fragment_runs_while_something_of_it_moves():
    at = AppTest.from_function(script).run()
    at.session_state["unfinished:grid"] = 1

    at.button[1].click().run()
    assert (at.session_state["page runs"], at.session_state["fragment runs"]) == (1, 2)


def test_when_nothing_moves_any_more_the_page_runs_once_to_say_so():
    at = AppTest.from_function(script).run()
    at.session_state["unfinished:grid"] = 0

    at.button[1].click().run()
    assert (at.session_state["page runs"], at.session_state["fragment runs"]) == (2, 2)


def test_a_push_during_a_run_of_the_page_begins_that_anew():
    at = AppTest.from_function(script).run()
    at.session_state[pushes.WHOLE] = True

    assert pushed(at) == (2, 2)


@pytest.mark.parametrize("page", ["job", "history", "image_edit", "video"])
def test_every_page_hears_what_its_banners_tell(open_page, services, kim, page):
    job = filed(services.sessions, kim)
    assert listened_for(open_page(page, **({"id": str(job.id)} if page == "job" else {}))) >= 0


@pytest.mark.parametrize(
    ("heard", "banner_runs"), [("a push", 1), ("silence", 2), ("news", 2)], ids=str
)
def test_only_news_and_silence_rerun_the_banners_too(heard, banner_runs):
    at = AppTest.from_function(script).run()
    at.session_state["unfinished:grid"] = 1
    next(button for button in at.button if button.label == heard).click().run()

    state = at.session_state
    assert (state["page runs"], state["fragment runs"], state["banner runs"]) == (1, 2, banner_runs)


def test_a_listener_reruns_its_fragment_for_a_change_and_the_banners_for_news(monkeypatch):
    given = {}
    monkeypatch.setattr(pushes, "live", lambda **options: given.update(options))
    rerun: list[object] = []
    monkeypatch.setattr("streamlit.rerun", rerun.append)
    pushes.listener("grid")

    given["on_change"]()
    given["on_news"]()
    assert rerun == [("grid",), ("grid", pushes.BANNERS)]


@pytest.mark.parametrize("page", ["job", "history", "image_edit"])
def test_a_page_listens_for_its_unfinished_jobs_until_they_end(open_page, services, kim, page):
    job = filed(services.sessions, kim)
    query = {"job": {"id": str(job.id)}, "image_edit": {"job": str(job.id)}}.get(page, {})
    assert listened_for(open_page(page, **query)) == 1

    with services.sessions.begin() as session:
        decisions.cancel(session, kim, job.id)
    assert listened_for(open_page(page, **query)) == 0


def listened_for(at: AppTest) -> int:
    (ear,) = (e for e in at.get("bidi_component") if e.proto.component_name == "proofsheet_live")
    return int(json.loads(ear.proto.json)["unfinished"])


def test_who_is_on_the_way_to_a_page_is_not_held_back_by_a_push(open_page, services, kim):
    """Its rerun comes from the page before, and would show that page again."""
    job = filed(services.sessions, kim, prompt="a boat by the sea")
    at = open_page("history")
    at.session_state[pushes.GOING] = ("job", {"id": [str(job.id)]}, time.monotonic())
    at.run()

    assert at.query_params["id"] == str(job.id)
    assert pushes.GOING not in at.session_state
    assert any("a boat by the sea" in text for text in texts(at))


def test_a_way_that_led_nowhere_is_soon_forgotten(open_page, services, kim):
    at = open_page("history")
    at.session_state[pushes.GOING] = ("job", {"id": ["x"]}, time.monotonic() - 2 * pushes.GOING_S)
    at.run()

    assert "id" not in at.query_params


def test_a_push_from_the_page_before_leads_back_to_the_one_that_is_shown(
    open_page, services, kim, monkeypatch
):
    """A busy browser sends it when the next page has been made, and has yet to read that."""
    job = filed(services.sessions, kim, prompt="a boat by the sea")
    monkeypatch.setattr(pushes, "live", ear_with_a_button)
    at = open_page("history")
    ear = at.button("history-grid-live")
    at.query_params["id"] = str(job.id)
    at.switch_page("job.py").run()

    at.query_params.clear()
    at.switch_page("history.py")
    at._run(WidgetStates(widgets=[ear.click()._widget_state]))
    assert not at.exception
    assert at.query_params["id"] == str(job.id)
    assert any("a boat by the sea" in text for text in texts(at))


def test_a_push_from_the_job_before_leads_back_to_the_one_that_is_shown(
    open_page, services, kim, monkeypatch
):
    """Both are shown by the same page: somebody has just run a job again."""
    before = filed(services.sessions, kim, prompt="a harbour at dawn")
    shown = filed(services.sessions, kim, prompt="a boat by the sea")
    monkeypatch.setattr(pushes, "live", ear_with_a_button)
    at = open_page("job", id=str(before.id))
    ear = at.button("job-live")
    at.query_params["id"] = str(shown.id)
    at.run()

    at.query_params["id"] = str(before.id)
    at._run(WidgetStates(widgets=[ear.click()._widget_state]))
    assert at.query_params["id"] == str(shown.id)
    assert any("a boat by the sea" in text for text in texts(at))


def ear_with_a_button(*, key, on_news, **_) -> None:
    st.button(key, key=key, on_click=on_news)
