"""Run a job once more: the price first, then one click."""

from uuid import UUID

import streamlit as st

from core import submissions
from core.details import Detail
from core.errors import AppError
from core.models import User
from core.providers.prices import Estimate
from core.services import services
from pages.parts import actions, clicks, price, pushes, toasts
from pages.parts.look import look
from pages.parts.viewer import viewer
from pages.parts.words import _, say

SLOT = "run-again"
MAX_PROMPT = 240


def ask(id: UUID, *, stay: bool = False) -> None:
    """Open the dialog for a job. It belongs to the page, so no fragment's rerun closes it.

    `stay` is for pages that the new job appears on by itself: its push would race a
    change of page, and the browser, still on the old one, would win.
    """
    clicks.forget()
    st.session_state[SLOT] = (str(id), stay)
    pushes.rerun()


def show() -> None:
    """Open the dialog that was asked for, once."""
    id, stay = st.session_state.pop(SLOT, (None, False))
    if id is not None:
        st.dialog(_("Run it again?"))(_dialog)(UUID(id), stay=stay)


def _dialog(id: UUID, *, stay: bool) -> None:
    user = viewer()
    try:
        detail = actions.detail(user, id)
        found = submissions.quote_again(services(), detail.job)
    except AppError as error:
        look.notice("bad", say(error.message))
        return
    look.facts(_facts(detail, found.estimate))
    if detail.job.user_id != user.id:
        look.notice(
            "quiet",
            _(
                "{name} filed this job. The new one is yours, and so is its cost.",
                name=detail.owner,
            ),
        )
    accepted = price.accepted(found.estimate, key=f"run-again-anyway-{id}")
    with st.container(horizontal=True, key="run-again"):
        if clicks.button(
            _("Run again"), type="primary", key=f"run-again-go-{id}", disabled=not accepted
        ):
            _file(user, detail, accepted=accepted, stay=stay)
        if clicks.button(_("Cancel"), key=f"run-again-cancel-{id}"):
            pushes.rerun()


def _facts(detail: Detail, estimate: Estimate) -> list[tuple[str, str]]:
    prompt = detail.job.prompt
    short = prompt if len(prompt) <= MAX_PROMPT else f"{prompt[:MAX_PROMPT]} …"
    return [
        (_("Prompt"), short),
        (_("Model"), detail.job.model),
        (_("Cost"), price.about(estimate)),
    ]


def _file(user: User, detail: Detail, *, accepted: bool, stay: bool) -> None:
    key = clicks.click_key("rerun", str(detail.job.id))
    try:
        job = submissions.rerun(
            services(), user, detail.job, client_key=key, unknown_price_accepted=accepted
        )
    except AppError as error:
        look.notice("bad", say(error.message))
        return
    if stay:
        toasts.after(_("Filed. You can close this tab; nothing is lost."))
        pushes.rerun()
    pushes.go("job", id=str(job.id))
