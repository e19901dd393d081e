"""Who is missing that jobs under way wait for: any worker, or the one whose disk has an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Row, Select, bindparam, distinct, func, select, true
from sqlalchemy.orm import Session

from core import expiry, heartbeats
from core.errors import Message, msg
from core.models import Attempt, Role, Run, Spool, User
from core.sentences import vendor
from core.stages import Stage

SENT: Final = (Stage.SUBMITTING, Stage.GENERATING, Stage.STORING)
_GOES_ON: Final = Run.stage != Stage.UNCERTAIN  # by itself, as long as there is a worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """Why a job that was sent does not go on, and until when its result is waited for."""

    why: Message
    until: datetime | None = None

    def told(self, until: str) -> Message:
        """Return the sentence, with its time as its reader writes it."""
        return Message(self.why.text, {**self.why.values, "until": until})


def of_run(session: Session, run: Run, attempts: Sequence[Attempt]) -> Absence | None:
    """Return who is missing for a job that was sent; None while somebody looks after it."""
    if Stage(run.stage) not in SENT:
        return None
    spool = _spool(session, run.spool_host)
    if spool is not None:
        return None if spool.is_here else _without_machine(run, spool)
    return None if session.scalar(select(heartbeats.anybody())) else _without_worker(run, attempts)


def _spool(session: Session, name: str | None) -> Row[str, datetime, bool] | None:
    if name is None:
        return None
    is_here = heartbeats.lately(Spool.seen_at).label("is_here")
    return session.execute(
        select(Spool.machine, Spool.seen_at, is_here).where(Spool.name == name)
    ).first()


def _without_machine(run: Run, spool: Row[str, datetime, bool]) -> Absence:
    why = msg(
        "The result has come and lies on the disk of {machine}, where no worker is running. An "
        "administrator must start the worker there. Nothing is lost as long as that disk is kept, "
        "but if it is not back by {until}, this job ends without it.",
        machine=spool.machine,
    )
    return Absence(why=why, until=max(run.stage_since, spool.seen_at) + expiry.SPOOL_UNSEEN)


_UNHEARD: Final = msg(
    "No worker is running to hear the answer. An administrator must start one: it finds out what "
    "became of the request, and nothing is paid twice unless you say so."
)


def _without_worker(run: Run, attempts: Sequence[Attempt]) -> Absence:
    if Stage(run.stage) is Stage.SUBMITTING:
        return Absence(why=_UNHEARD)
    provider, until = vendor(run.provider), expiry.dropped_at(run, attempts)
    if until is None:
        why = msg(
            "{provider} has the request, and no worker is running to fetch the result. An "
            "administrator must start one; nothing is lost.",
            provider=provider,
        )
    else:
        why = msg(
            "{provider} has the request, and no worker is running to fetch the result. An "
            "administrator must start one: {provider} keeps the result until {until} only.",
            provider=provider,
        )
    return Absence(why=why, until=until)


def _lies_elsewhere() -> ColumnElement[bool]:
    """Return whether a run's answer lies in a spool that no worker has had lately."""
    return (Run.stage == Stage.STORING) & ~heartbeats.lately(Spool.seen_at)


def _missing(for_whom: ColumnElement[bool]) -> Select[bool, list[str] | None]:
    machines = (
        select(func.array_agg(distinct(Spool.machine)))
        .where(for_whom, _lies_elsewhere(), Spool.name == Run.spool_host)
        .scalar_subquery()
    )
    nobody = ~heartbeats.anybody() & select(Run.job_id).where(for_whom, _GOES_ON).exists()
    return select(nobody.label("nobody"), machines.label("machines"))


# Made once: every page asks.
_MISSING_FOR_ANYBODY: Final = _missing(true())
_MISSING_FOR_ONE: Final = _missing(Run.user_id == bindparam("user_id"))


def on_every_page(session: Session, user: User) -> Sequence[Message]:
    """Return who is missing for a person's jobs; an administrator, who can help, hears of all."""
    if user.role == Role.ADMIN:
        found = session.execute(_MISSING_FOR_ANYBODY).one()
    else:
        found = session.execute(_MISSING_FOR_ONE, {"user_id": user.id}).one()
    nobody_there = [_NOBODY] if found.nobody else []
    return [*nobody_there, *map(_machine_away, found.machines or ())]


_NOBODY: Final = msg(
    "No worker is running: nothing is sent, fetched or saved until an administrator starts one."
)


def _machine_away(machine: str) -> Message:
    return msg(
        "Paid results lie on the disk of {machine}, where no worker is running. An administrator "
        "must start the worker there; nothing is lost as long as that disk is kept.",
        machine=machine,
    )


def unattended(session: Session) -> int:
    """Return how many jobs nobody looks after who could."""
    elsewhere = select(Spool.name).where(_lies_elsewhere(), Spool.name == Run.spool_host).exists()
    alone = _GOES_ON & (~heartbeats.anybody() | elsewhere)
    return session.scalar(select(func.count()).where(alone)) or 0
