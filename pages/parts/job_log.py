"""A job's log in sentences: what happened, who did it, and what is known of it."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import streamlit as st

from core import refusals
from core.details import Detail
from core.errors import Message
from core.models import JobEvent
from core.sentences import LABELS, event_label, vendor
from core.stages import Stage
from pages.parts.formats import moment, number, span
from pages.parts.look import look
from pages.parts.words import _, _n, say


def show(detail: Detail) -> None:
    """List what happened to a job, first to last."""
    with st.expander(_("Log")):
        look.table(
            [_("Time"), _("What"), _("Who"), _("Details")],
            [
                (moment(event.at), _what(event), _who(detail, event), _more(detail, event))
                for event in detail.events
            ],
        )


def _what(event: JobEvent) -> str:
    if event.kind == "moved" and event.to_stage:
        return say(LABELS[Stage(event.to_stage)])
    return say(event_label(event.kind))


def _who(detail: Detail, event: JobEvent) -> str:
    """Return who did it: a part of ours, the provider, a worker by its name, or a login."""
    match event.by:
        case "form":
            return _("The form")
        case "worker":  # lines of older releases name none
            return _("A worker")
        case "operator":
            return _("The operator")
        case "provider":
            return _provider(detail)
    return event.by or ""


def _more(detail: Detail, event: JobEvent) -> str:
    """Return a sentence for each fact of an event. One without words is left out."""
    told = (
        SENTENCES[name](detail, event, value)
        for name, value in event.detail.items()
        if value is not None and name in SENTENCES
    )
    return " ".join(filter(None, told))


def _provider(detail: Detail) -> str:
    return vendor(detail.job.provider)


def _reason(detail: Detail, event: JobEvent, code: str) -> str:
    if code == "consent":
        return _("Somebody agreed that it is sent again.")
    if code == "worker_lost" and event.to_stage == Stage.READY:
        return _("Its worker was lost before anything was sent.")
    return say(refusals.explain(code, provider=_provider(detail)))


def _next_try(_detail: Detail, _event: JobEvent, seconds: float) -> str:
    return _("Next try in {time}.", time=span(seconds)) if seconds else _("Next try at once.")


def _unusable(_detail: Detail, _event: JobEvent, count: int) -> str:
    return _n("{count} part.", "{count} parts.", count, count=number(count))


def _note(_detail: Detail, _event: JobEvent, note: Mapping[str, Any]) -> str:
    return say(Message(note["text"], note["values"]))


def _at_work(_detail: Detail, _event: JobEvent, begun: bool) -> str:
    return _("It has begun.") if begun else ""


def _no_more(_detail: Detail, _event: JobEvent, _told: bool) -> str:
    return _("Failures for the same reason are not listed from here on.")


SENTENCES: Final[Mapping[str, Callable[[Detail, JobEvent, Any], str]]] = {
    "why": _reason,
    "code": _reason,
    "due_in_s": _next_try,
    "again_in_s": _next_try,
    "no_more_told": _no_more,
    "count": _unusable,
    "note": _note,
    "n": lambda _d, _e, n: _("Request no. {number}.", number=number(n)),
    "at_work": _at_work,
    "index": lambda _d, _e, index: _("Preview no. {number}.", number=number(index + 1)),
    "position": lambda _d, _e, index: _("Result no. {number}.", number=number(index + 1)),
    "task_id": lambda _d, _e, task: _("Task {id}.", id=task),
    "worker": lambda _d, _e, name: _("It was {name}.", name=name),
    "said": lambda _d, _e, words: _("It said: “{words}”", words=words),
}
