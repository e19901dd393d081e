"""What a person can decide about a job that waits, has stalled or is uncertain, and its cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import streamlit as st

from core.decisions import has_stalled, may_be_dropped, may_be_found
from core.details import Detail
from core.models import User
from core.stages import Stage
from pages.parts import actions, clicks, pushes
from pages.parts.formats import usd
from pages.parts.look import look
from pages.parts.words import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A button, and in a sentence what it may cost."""

    decision: str
    label: str
    cost: str


def show(user: User, detail: Detail) -> None:
    """Offer what its owner (or an administrator) can decide, as long as there is something."""
    if not actions.may_change(user, detail):
        return
    if detail.stage is Stage.READY:
        _button(user, detail, "cancel", _("Cancel (free)"))
    elif detail.run is not None and may_be_dropped(detail.run):
        _button(user, detail, "cancel", _("Cancel (free while it waits)"))
    choices = list(_choices(detail))
    if choices:
        look.facts((choice.label, choice.cost) for choice in choices)
        with st.container(horizontal=True, key="decisions"):
            for choice in choices:
                _button(user, detail, choice.decision, choice.label)


def _choices(detail: Detail) -> Iterator[Choice]:
    if detail.stage is Stage.UNCERTAIN:
        yield from _about_the_unknown(detail)
    elif detail.run is not None and has_stalled(detail.run, at=datetime.now(UTC)):
        yield Choice(
            decision="stop_waiting",
            label=_("Stop waiting"),
            cost=_("Nothing more. If the video is still made, it is charged, and kept here."),
        )


def _about_the_unknown(detail: Detail) -> Iterator[Choice]:
    estimate = detail.job.estimate_usd
    price = usd(estimate) if estimate is not None else None
    if any(may_be_found(attempt) for attempt in detail.attempts):
        yield Choice(
            decision="check",
            label=_("Check at the provider"),
            cost=_("Free. If the task is found there, it goes on and costs only once."),
        )
    yield Choice(
        decision="again",
        label=_("Send again"),
        cost=_(
            "About {cost} more. If the first request was billed too, you pay twice.",
            cost=price,
        )
        if price
        else _("Its full price more. If the first request was billed too, you pay twice."),
    )
    yield Choice(
        decision="give_up",
        label=_("Give up"),
        cost=_(
            "Nothing more. The first request may have cost about {cost}; should its result still "
            "come, it is kept.",
            cost=price,
        )
        if price
        else _(
            "Nothing more. The first request may have been billed; should its result still come, "
            "it is kept."
        ),
    )


def _button(user: User, detail: Detail, decision: str, label: str) -> None:
    # What is agreed to is one more request after those made so far, never one after the next.
    asked = f"decide-{decision}-{detail.job.id}-{len(detail.attempts)}"
    if clicks.button(label, key=asked):
        actions.decide(user, detail.job.id, decision)
        pushes.rerun()
