"""What has to be known on every page: what is simulated, what waits, what is to be decided."""

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from core import absence, decisions, endings, gates, place_in_line
from core.models import ProviderGate, User
from core.sentences import LABELS, vendor_of
from core.services import services
from core.settings import Settings
from pages.parts import actions, clicks, history_filter, pushes
from pages.parts.components.live import Notice, tab
from pages.parts.formats import time_of_day
from pages.parts.look import look
from pages.parts.viewer import viewer
from pages.parts.words import _, _n, say


def show() -> None:
    """Say that results are simulated, which provider waits for what, and what is to be decided."""
    simulated = _simulated(services().settings)
    if simulated is not None:
        look.simulated_banner(simulated)
    _news()


@st.fragment(key=pushes.BANNERS)
def _news() -> None:
    """Show what changes by itself; whatever news a page hears of rerun this too."""
    user = viewer()
    with services().sessions() as session:
        closed = gates.closed(session, services().keys())
        awaited = decisions.awaited(session, user)
        unfinished = endings.unfinished(session, user.id)
        ended = endings.latest(session, user.id)
        concerned = unfinished or user.role == "admin"
        missing = absence.on_every_page(session, user) if concerned else ()
    tab(
        key="tab",
        unfinished=unfinished,
        ended=_told(ended) if ended else None,
        again_in_s=_opens_in_s(closed),
    )
    for message in missing:
        look.notice("bad", say(message))
    for gate in closed:
        _closed(user, gate)
    if awaited:
        _decide(awaited)


def bell_labels() -> dict[str, str]:
    """Return the texts of the switch for notifications."""
    return {
        "on": _("Tells you when done"),
        "off": _("Tell me when done"),
        "blocked": _("No notifications here"),
    }


def _told(ended: endings.Ending) -> Notice:
    return {"id": str(ended.job_id), "title": say(LABELS[ended.stage]), "body": ended.title}


def _opens_in_s(closed: Sequence[ProviderGate]) -> float | None:
    """Return when the next gate opens by its time, of which nobody tells us."""
    times = [gate.closed_until for gate in closed if gate.closed_until is not None]
    soon = [at for at in times if at < place_in_line.FAR]
    if not soon:
        return None
    seconds = (min(soon) - datetime.now(UTC)).total_seconds() + 1
    return min(max(seconds, 1), 3600)


def _decide(count: int) -> None:
    look.notice(
        "decide",
        _n(
            "{count} of your jobs needs a decision: it may have been billed, and nobody knows.",
            "{count} of your jobs need a decision: they may have been billed, and nobody knows.",
            count,
            count=count,
        ),
        action=look.Action(
            label=_("Decide"), href=f"/history?status={history_filter.NEEDS_DECISION}"
        ),
    )


def _closed(user: User, gate: ProviderGate) -> None:
    told = [say(place_in_line.explained(gate))]
    if gate.closed_until is not None and gate.closed_until < place_in_line.FAR:
        told.append(_("It opens by itself at {time}.", time=time_of_day(gate.closed_until)))
    title = gate.model or vendor_of(gate.dialect)
    look.notice("decide", " ".join(told), title=title)
    if user.role == "admin" and clicks.button(
        _("Open the gate of {name}", name=title),
        icon=":material/lock_open:",
        key=f"open-gate-{gate.dialect}-{gate.model}",
    ):
        actions.open_gate(user, dialect=gate.dialect, key_id=gate.key_id, model=gate.model)
        pushes.rerun()


def _simulated(settings: Settings) -> str | None:
    """Return what is not real here; a provider with a key of its own is, and costs money."""
    keys = {"openai": settings.openai_api_key, "minimax": settings.minimax_api_key}
    simulated = settings.simulated_providers
    real = {name for name, key in keys.items() if key} - simulated
    if not simulated:
        return None
    if not real:
        return _("Simulated providers: nothing here is real, and nothing costs money.")
    if "openai" in real:
        return _("Videos are simulated and cost nothing; image edits are real and cost money.")
    return _("Image edits are simulated and cost nothing; videos are real and cost money.")
