"""Trying a gate that only help opens: once its provider answers something free, one job passes.

Its success opens the gate; whatever else becomes of it leaves the gate closed, and after a
while the provider is asked again.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import and_, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from core import clock, events
from core.gates import NO_TRIAL, UNTIL_SOMEBODY_HELPS, of_key
from core.models import ProviderGate, Run
from core.stages import Stage
from core.usage import Key


def waiting_for_help(
    session: Session, keys: Sequence[Key], *, every_s: float
) -> Sequence[tuple[str, str]]:
    """Return (dialect, key id) of the closed keys whose provider may be asked something free.

    Only those that nothing but help opens, no more often than each `every_s` seconds over
    all hosts, and not while a trial job is under way or awaited.
    """
    trying = (
        select(Run.job_id)
        .where(Run.job_id == ProviderGate.trial_job_id, Run.stage == Stage.SUBMITTING)
        .exists()
    )
    asked_at = func.coalesce(ProviderGate.checked_at, ProviderGate.closed_at)
    awaited = and_(ProviderGate.trial_at.is_not(None), ProviderGate.trial_job_id.is_(None))
    rows = session.execute(
        update(ProviderGate)
        .where(
            tuple_(ProviderGate.dialect, ProviderGate.key_id).in_([key.name for key in keys]),
            ProviderGate.model == "",
            ProviderGate.closed_until == UNTIL_SOMEBODY_HELPS,
            or_(asked_at.is_(None), asked_at <= clock.now() - timedelta(seconds=every_s)),
            ~trying,
            ~awaited,
        )
        .values(checked_at=clock.now(), **NO_TRIAL)
        .returning(ProviderGate.dialect, ProviderGate.key_id)
        .execution_options(synchronize_session=False)
    )
    return [(dialect, key_id) for dialect, key_id in rows]


def allow(session: Session, *, dialect: str, key_id: str) -> None:
    """Let exactly one job through a closed gate: the provider answered a free question."""
    session.execute(
        update(ProviderGate)
        .where(
            ProviderGate.dialect == dialect,
            ProviderGate.key_id == key_id,
            ProviderGate.model == "",
            ProviderGate.closed_until == UNTIL_SOMEBODY_HELPS,
            ProviderGate.trial_job_id.is_(None),
        )
        .values(trial_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    events.wake_workers(session, Stage.READY)


def begun(session: Session, key: tuple[str, str], job_id: UUID) -> None:
    """Note which job passes a closed gate. The caller holds the key's lock."""
    dialect, key_id = key
    session.execute(
        update(ProviderGate)
        .where(
            ProviderGate.dialect == dialect,
            ProviderGate.key_id == key_id,
            ProviderGate.model == "",
        )
        .values(trial_job_id=job_id)
        .execution_options(synchronize_session=False)
    )


def proved(session: Session, job_id: UUID) -> None:
    """Open the gate that a trial job has passed: its provider took the request.

    With it those of the same key that closed for the same reason, on its word: `trial_at` says
    so, and if that was wrong, their next failure closes them alone.
    """
    tried = session.scalar(select(ProviderGate).where(ProviderGate.trial_job_id == job_id))
    if tried is None:
        return
    for gate in of_key(session, tried.dialect, tried.key_id, model=""):
        if gate.trial_job_id == job_id:
            gate.closed_until, gate.trial_at, gate.trial_job_id = None, None, None
        elif gate.closed_until is not None and gate.closed_code == tried.closed_code:
            gate.closed_until, gate.trial_at, gate.trial_job_id = None, func.now(), None
    events.wake_workers(session, Stage.READY)
    events.show_news(session)
