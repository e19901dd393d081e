"""One job, by deep link: what was asked, what came, what it cost, and its log."""

from uuid import UUID

import streamlit as st

from core.errors import NotFound
from core.stages import LIVE
from pages.parts import actions, choices, job_facts, job_panel, pushes, trashed
from pages.parts.look import look
from pages.parts.viewer import viewer
from pages.parts.words import _, say


@st.fragment(key="job")
def show(id: UUID) -> None:
    """Show the whole job; rerun alone when it moves."""
    user = viewer()
    pushes.shows("job", unfinished=0)
    try:
        detail = actions.detail(user, id)
    except NotFound as error:
        nothing(say(error.message))
        return
    pushes.shows("job", unfinished=int(detail.stage in LIVE))
    look.masthead(_("Job"), caption=f"№ {str(id)[-12:]}")
    trashed.show(user, detail)
    left, right = st.columns([3, 2], gap="large")
    with left:
        job_panel.result(detail, key="job-view")
        choices.show(user, detail)
    with right:
        job_facts.show(user, detail)


def nothing(text: str) -> None:
    """Say that there is no such job, and where the others are."""
    history = look.Action(label=_("Go to the history"), href="/history")
    look.empty_state(_("Nothing here"), text, art="search", action=history)


try:
    job_id = UUID(st.query_params.get("id", ""))
except ValueError:
    nothing(_("The address names no job."))
else:
    show(job_id)
    pushes.listener("job", topics={"job": str(job_id)})
