"""What was clicked is done, whatever push cuts its run short."""

import time

from streamlit.testing.v1 import AppTest

from pages.parts import clicks


def script() -> None:
    import streamlit as st  # noqa: PLC0415  (AppTest runs the body alone)

    from pages.parts import clicks  # noqa: PLC0415

    st.session_state.setdefault("done", 0)
    if st.session_state.pop("cut short", False):
        st.rerun()
    if clicks.button("Send", key="send"):
        st.session_state["done"] += 1


def test_a_click_is_one_deed():
    at = AppTest.from_function(script).run()
    at.button[0].click().run()
    at.run()
    assert at.session_state["done"] == 1


def test_a_click_outlives_the_run_it_began():
    at = AppTest.from_function(script).run()
    at.session_state["cut short"] = True
    at.button[0].click().run()
    assert at.session_state["done"] == 1


def test_a_click_for_what_is_no_longer_shown_is_forgotten(monkeypatch):
    at = AppTest.from_function(script).run()
    at.session_state["clicked:send"] = (True, time.monotonic() - clicks.KEPT_S)
    at.run()
    assert at.session_state["done"] == 0
