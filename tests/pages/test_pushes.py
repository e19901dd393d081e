"""A push reruns one fragment, unless a run of the whole page was to be cut short by it."""

from streamlit.testing.v1 import AppTest

from pages.parts import pushes


def script() -> None:
    import streamlit as st  # noqa: PLC0415  (AppTest runs the body alone)

    from pages.parts import pushes  # noqa: PLC0415

    def count(name: str) -> None:
        st.session_state[name] = st.session_state.get(name, 0) + 1

    @st.fragment(key="grid")
    def grid() -> None:
        count("fragment runs")

    with pushes.whole_page():
        count("page runs")
        grid()
        st.button("a push", on_click=pushes.looks_again("grid"))


def pushed(at: AppTest) -> tuple[int, int]:
    at.button[0].click().run()
    return at.session_state["page runs"], at.session_state["fragment runs"]


def test_a_push_reruns_only_its_fragment():
    assert pushed(AppTest.from_function(script).run()) == (1, 2)


def test_a_push_during_a_run_of_the_page_begins_that_anew():
    at = AppTest.from_function(script).run()
    at.session_state[pushes.WHOLE] = True

    assert pushed(at) == (2, 2)
