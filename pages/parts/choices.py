"""What a person can decide about a job that waits, has stalled or is uncertain, and its cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import streamlit as st

from core import undecided
from core.decisions import has_stalled, may_be_dropped
from core.details import Detail
from core.models import User
from core.sentences import vendor
from core.stages import Stage
from core.undecided import Undecided
from pages.parts import actions, clicks
from pages.parts.formats import number, time_of_day, usd
from pages.parts.look import look
from pages.parts.words import _, _n


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A button, and in a sentence what it may cost; without a decision it cannot be had."""

    decision: str | None
    label: str
    cost: str


def show(user: User, detail: Detail) -> None:
    """Offer what its owner (or an administrator) can decide, as long as there is something."""
    _about_cancelling(detail)
    if not actions.may_change(user, detail.job.user_id):
        return
    requests = len(detail.attempts)
    if detail.stage is Stage.READY:
        _button(user, detail.job.id, "cancel", _("Cancel (free)"), requests=requests)
    elif detail.run is not None and may_be_dropped(detail.run) and not _was_asked(detail):
        label = _("Cancel (free while it waits)")
        _button(user, detail.job.id, "cancel", label, requests=requests)
    if detail.run is not None and detail.stage is Stage.UNCERTAIN:
        case = undecided.of_job(detail.job, detail.run, detail.attempts, detail.charges)
        about_unknown(user, case)
    elif detail.run is not None and has_stalled(detail.run, at=detail.read_at):
        label = _("Stop waiting")
        cost = _("Nothing more. If the video is still made, it is charged, and kept here.")
        look.facts([(label, cost)], words=True)
        _button(user, detail.job.id, "stop_waiting", label, requests=requests)


def about_unknown(user: User, case: Undecided) -> None:
    """Offer the choices for an uncertain job, each with what it may cost."""
    choices = list(_choices(case))
    look.facts(((choice.label, choice.cost) for choice in choices), words=True)
    if not actions.may_change(user, case.user_id):
        return
    with st.container(horizontal=True, key=f"decisions-{case.id}"):
        for choice in choices:
            if choice.decision is not None:
                _button(user, case.id, choice.decision, choice.label, requests=len(case.attempts))


def _was_asked(detail: Detail) -> bool:
    return any(event.kind == "cancel_asked" for event in detail.events)


def _about_cancelling(detail: Detail) -> None:
    """Say what came of the wish to cancel a task at its provider, until the job has ended."""
    if detail.run is None or not _was_asked(detail):
        return
    if detail.stage is Stage.GENERATING and detail.run.cancel_by is not None:
        look.notice(
            "quiet",
            _("It is being cancelled at the provider. That is free if it still waits there."),
        )
    else:
        look.notice(
            "quiet",
            _(
                "It could not be cancelled: the provider had begun. It is paid for, and its result "
                "will be kept."
            ),
        )


def _choices(case: Undecided) -> Iterator[Choice]:
    yield _check(case)
    yield Choice(decision="again", label=_("Send again"), cost=_again(case))
    yield Choice(decision="give_up", label=_("Give up"), cost=_give_up(case))


def _again(case: Undecided) -> str:
    """Return what one more request costs, beside all that may have cost before."""
    sent, price = case.doubtful, case.estimate_usd
    if price is None:
        return _n(
            "Its full price more. {count} earlier request may have been billed too.",
            "Its full price more. {count} earlier requests may have been billed too.",
            sent,
            count=number(sent),
        )
    return _n(
        "About {cost} more. {count} earlier request may have cost about {before} too.",
        "About {cost} more. {count} earlier requests may have cost about {before} too.",
        sent,
        cost=usd(price),
        count=number(sent),
        before=usd(price * sent),
    )


def _give_up(case: Undecided) -> str:
    sent, price = case.doubtful, case.estimate_usd
    if price is None:
        return _n(
            "Nothing more. {count} request may have been billed; should its result still come, it "
            "is kept.",
            "Nothing more. {count} requests may have been billed; should a result still come, it "
            "is kept.",
            sent,
            count=number(sent),
        )
    return _n(
        "Nothing more. {count} request may have cost about {before}; should its result still "
        "come, it is kept.",
        "Nothing more. {count} requests may have cost about {before}; should a result still come, "
        "it is kept.",
        sent,
        count=number(sent),
        before=usd(price * sent),
    )


def _check(case: Undecided) -> Choice:
    label, provider = _("Check at the provider"), vendor(case.provider)
    if case.checked is not None:
        free = _("Free. If the task is found there, it goes on and costs only once.")
        told = [free, *_next_look(case.checked.recheck_at)]
        return Choice(decision="check", label=label, cost=" ".join(told))
    if case.may_call_back:
        cost = _(
            "Not possible: {provider} finds a task only by its id. It may still call back.",
            provider=provider,
        )
    else:
        cost = _(
            "Not possible: {provider} cannot tell what became of a request.", provider=provider
        )
    return Choice(decision=None, label=label, cost=cost)


def _next_look(at: datetime | None) -> Iterator[str]:
    """Tell that the provider is being asked, or when that is done by itself."""
    if at is None:
        return
    if at <= datetime.now(UTC):
        yield _("It is being asked now.")
    else:
        yield _(
            "Nothing was found so far; it is asked again by itself at {time}.", time=time_of_day(at)
        )


def _button(user: User, id: UUID, decision: str, label: str, *, requests: int) -> None:
    # What is agreed to is one more request after those made so far, never one after the next.
    if clicks.button(label, key=f"decide-{decision}-{id}-{requests}"):
        actions.decide(user, id, decision)
