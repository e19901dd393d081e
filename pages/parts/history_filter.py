"""The history's filters; each keeps itself in the URL."""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import streamlit as st

from core.jobs import Filter
from core.models import Provider, User
from core.sentences import STATUS_LABELS
from core.stages import Status
from pages.parts.formats import zone
from pages.parts.words import _, say

NEEDS_DECISION = "decision"
KINDS = {Provider.GPT: "image", Provider.HAILUO: "video"}
PROVIDERS = {name: provider for provider, name in KINDS.items()}


def show() -> None:
    """Show the filters in one quiet row."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="history-filters"):
        st.segmented_control(
            _("Whose"),
            ["mine", "all"],
            default="mine",
            required=True,
            format_func=lambda value: _("Mine") if value == "mine" else _("Everyone’s"),
            key="whose",
            bind="query-params",
            on_change=to_first_page,
        )
        st.pills(
            _("Kind"),
            list(PROVIDERS),
            selection_mode="multi",
            format_func=lambda value: _("Images") if value == "image" else _("Videos"),
            key="kind",
            bind="query-params",
            on_change=to_first_page,
        )
        st.pills(
            _("Status"),
            [*[str(status) for status in Status], NEEDS_DECISION],
            selection_mode="multi",
            format_func=status_label,
            key="status",
            bind="query-params",
            on_change=to_first_page,
        )
        st.date_input(
            _("From"),
            value=None,
            key="since",
            bind="query-params",
            on_change=to_first_page,
            width=150,
        )
        st.date_input(
            _("To"),
            value=None,
            key="until",
            bind="query-params",
            on_change=to_first_page,
            width=150,
        )


def status_label(value: str) -> str:
    """Return a status filter's name."""
    return _("Needs a decision") if value == NEEDS_DECISION else say(STATUS_LABELS[Status(value)])


def to_first_page() -> None:
    """Leave the page of results that belonged to other filters."""
    for name in ("before", "after"):
        st.query_params.pop(name, None)


def chosen(user: User, *, team_reads: bool) -> Filter:
    """Return what is chosen. People who may not see others' jobs see their own."""
    state = st.session_state
    statuses = [value for value in state.get("status") or [] if value != NEEDS_DECISION]
    everyone = state.get("whose") == "all" and (team_reads or user.role == "admin")
    return Filter(
        statuses=tuple(statuses),
        needs_decision=NEEDS_DECISION in (state.get("status") or []),
        providers=tuple(PROVIDERS[kind] for kind in state.get("kind") or []),
        user_id=None if everyone else user.id,
        since=_midnight(state.get("since"), days=0),
        until=_midnight(state.get("until"), days=1),
    )


def _midnight(day: object, *, days: int) -> datetime | None:
    if not hasattr(day, "year"):
        return None
    start = datetime.combine(day, time.min, tzinfo=zone())  # type: ignore[arg-type]
    return (start + timedelta(days=days)).astimezone(UTC)


def cursor() -> tuple[UUID | None, UUID | None]:
    """Return (before, after) from the URL; nonsense means the first page."""
    return _id("before"), _id("after")


def _id(name: str) -> UUID | None:
    try:
        return UUID(st.query_params[name])
    except (KeyError, ValueError):
        return None
