"""The history's filters; each keeps itself in the URL, in words that no language changes."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import streamlit as st

from core.history import Filter
from core.models import Provider, User
from core.sentences import STATUS_LABELS
from core.services import services
from core.stages import Status
from pages.parts.formats import zone
from pages.parts.words import _, say

NEEDS_DECISION = "decision"
WHOSE = ("mine", "all")
PROVIDERS = {"image": Provider.GPT, "video": Provider.HAILUO}
STATUSES = (*(str(status) for status in Status), NEEDS_DECISION)
DAYS = ("since", "until")
SAID = "history-url"


def show(user: User) -> None:
    """Show the filters in one quiet row."""
    _from_url()
    shared = services().settings.team_visibility == "read"
    with st.container(horizontal=True, vertical_alignment="bottom", key="history-filters"):
        if _sees_everyone(user, team_reads=shared):
            st.segmented_control(
                _("Whose"),
                WHOSE,
                required=True,
                format_func=lambda value: _("Mine") if value == "mine" else _("Everyone’s"),
                key="whose",
                on_change=_to_url,
            )
        _pills("kind", _("Kind"), list(PROVIDERS))
        _pills("status", _("Status"), STATUSES)
        for key, label in zip(DAYS, (_("From"), _("To")), strict=True):
            st.date_input(label, value=None, key=key, on_change=_to_url, width=150)


def _pills(key: str, label: str, options: Sequence[str]) -> None:
    st.pills(
        label,
        options,
        selection_mode="multi",
        format_func=_name,
        key=key,
        on_change=_to_url,
    )


def _name(value: str) -> str:
    names = {
        "image": _("Images"),
        "video": _("Videos"),
        NEEDS_DECISION: _("Needs a decision"),
    }
    return names[value] if value in names else say(STATUS_LABELS[Status(value)])


def _from_url() -> None:
    """Take what the URL says at the start of a visit, and when the browser went back in it."""
    said = _said()
    if "whose" not in st.session_state or st.session_state.get(SAID) != said:
        st.session_state.update({SAID: said, **said})


def _said() -> dict[str, Any]:
    """Return what the URL says; nonsense in it counts as nothing."""
    url = st.query_params
    said: dict[str, Any] = {
        "whose": url.get("whose") if url.get("whose") in WHOSE else WHOSE[0],
        "kind": [kind for kind in url.get_all("kind") if kind in PROVIDERS],
        "status": [status for status in url.get_all("status") if status in STATUSES],
    }
    return said | {key: _day(url.get(key, "")) for key in DAYS}


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _to_url() -> None:
    """Write what is chosen to the URL, from its first page on."""
    state = st.session_state
    chosen: dict[str, str | list[str]] = {"kind": state["kind"], "status": state["status"]}
    if state["whose"] != WHOSE[0]:
        chosen["whose"] = state["whose"]
    chosen |= {key: state[key].isoformat() for key in DAYS if state.get(key)}
    st.query_params.from_dict(chosen)
    state[SAID] = _said()


def turn_to(name: str, id: str) -> None:
    """Go to the page of results before or after a job."""
    _to_url()
    st.query_params[name] = id


def chosen(user: User, *, team_reads: bool) -> Filter:
    """Return what is chosen. People who may not see others' jobs see their own."""
    state = st.session_state
    statuses = tuple(value for value in state["status"] if value != NEEDS_DECISION)
    everyone = state["whose"] == "all" and _sees_everyone(user, team_reads=team_reads)
    return Filter(
        statuses=statuses,
        needs_decision=NEEDS_DECISION in state["status"],
        providers=tuple(PROVIDERS[kind] for kind in state["kind"]),
        user_id=None if everyone else user.id,
        since=_midnight(state["since"], days=0),
        until=_midnight(state["until"], days=1),
    )


def _sees_everyone(user: User, *, team_reads: bool) -> bool:
    return team_reads or user.role == "admin"


def _midnight(day: date | None, *, days: int) -> datetime | None:
    if day is None:
        return None
    start = datetime.combine(day, time.min, tzinfo=zone())
    return (start + timedelta(days=days)).astimezone(UTC)


def cursor() -> tuple[UUID | None, UUID | None]:
    """Return (before, after) from the URL; nonsense means the first page."""
    return _id("before"), _id("after")


def _id(name: str) -> UUID | None:
    try:
        return UUID(st.query_params[name])
    except (KeyError, ValueError):
        return None
