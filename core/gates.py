"""What one provider key may do now, over all workers and hosts.

A gate closes when the provider says so (rate, money, credentials, a model this
key may not use), so that the rest of the queue waits instead of burning. One row
is about the whole key (`model` is empty), others about one model each. The key's
row is also the lock under which its turns are given out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    case,
    func,
    literal_column,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import audit, clock, events, usage
from core.models import Dialect, ProviderGate, User
from core.providers.allowance import allowance
from core.stages import Stage
from core.usage import Key

UNTIL_SOMEBODY_HELPS: ColumnElement[Any] = literal_column("'infinity'::timestamptz")
SLOW: Final = timedelta(minutes=15)
# What is true of a key behind whatever API it is used: both of MiniMax's take the same one.
OF_THE_ACCOUNT: Final = frozenset(
    {
        "key_invalid",
        "account_unverified",
        "quota_exhausted",
        "balance_empty",
        "usage_window_full",
    }
)
_MINIMAX: Final = (Dialect.MINIMAX_V1, Dialect.MINIMAX_V2)
NO_TRIAL: Final = {"trial_at": None, "trial_job_id": None}

_LOCK: Final = text(
    """
    SELECT dialect FROM provider_gates
    WHERE dialect = ANY (:dialects) AND key_id = ANY (:key_ids) AND model = ''
    ORDER BY dialect, key_id
    FOR UPDATE
    """
)
STANDING: Final = """
    SELECT dialect, key_id, model, limits,
           coalesce(closed_until > clock_timestamp(), false) AS closed,
           trial_at IS NOT NULL AND trial_job_id IS NULL AS awaits_trial,
           CASE WHEN slow_until > clock_timestamp() THEN slow_requests_per_minute END AS slow
    FROM provider_gates
    WHERE dialect = ANY (:dialects) AND key_id = ANY (:key_ids)
    """


def _of(keys: Sequence[Key]) -> ColumnElement[bool]:
    names = [key.name for key in keys]
    return tuple_(ProviderGate.dialect, ProviderGate.key_id).in_(names)


def made(session: Session, keys: Sequence[Key]) -> None:
    """Make the rows of keys that have none yet. The caller holds no lock of another gate."""
    rows = [{"dialect": key.dialect, "key_id": key.id, "model": ""} for key in keys]
    session.execute(insert(ProviderGate).values(sorted(rows, key=str)).on_conflict_do_nothing())


def lock(session: Session, keys: Sequence[Key]) -> None:
    """Be the only one who gives out turns of these keys, until the transaction ends.

    Always in the same order, so that two workers never wait for each other.
    """
    session.execute(_LOCK, usage.named(keys))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A gate as it stands now. `on_trial`: it is closed, and one job may pass to try."""

    key: tuple[str, str]  # dialect and key id
    model: str  # '' for the whole key
    closed: bool
    on_trial: bool
    limits: Mapping[str, int]  # per minute, as the provider's answers said
    slow_requests_per_minute: int | None


def standing(rows: Iterable[Mapping[str, Any]]) -> Sequence[Gate]:
    """Return what `STANDING` found: every gate of some keys that there is."""
    return [
        Gate(
            key=(row["dialect"], row["key_id"]),
            model=row["model"],
            closed=row["closed"],
            on_trial=row["closed"] and row["awaits_trial"],
            limits=row["limits"],
            slow_requests_per_minute=row["slow"],
        )
        for row in rows
    ]


def closed(session: Session, keys: Sequence[Key]) -> Sequence[ProviderGate]:
    """Return every gate of our keys that is closed now, for the banner on the pages.

    Gates of one key that closed for the same reason are one: the first speaks for them all.
    """
    found = session.scalars(
        select(ProviderGate)
        .where(_of(keys))
        .where(ProviderGate.closed_until > clock.now())
        .order_by(ProviderGate.dialect, ProviderGate.model)
        .limit(50)
    )
    one_each: dict[tuple[object, ...], ProviderGate] = {}
    for gate in found:
        what = (sharing(gate.dialect), gate.key_id, gate.model, gate.closed_code)
        one_each.setdefault(what, gate)
    return list(one_each.values())


def sharing(dialect: str) -> Sequence[str]:
    """Return the dialects that are spoken with the same key, in the order of their locks."""
    return _MINIMAX if dialect in _MINIMAX else (dialect,)


def of_key(session: Session, dialect: str, key_id: str, *, model: str) -> Sequence[ProviderGate]:
    """Return a gate and those of the other dialects of its key, locked in order."""
    return session.scalars(
        select(ProviderGate)
        .where(
            ProviderGate.dialect.in_(sharing(dialect)),
            ProviderGate.key_id == key_id,
            ProviderGate.model == model,
        )
        .order_by(ProviderGate.dialect)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


# --- closing ----------------------------------------------------------------------------


def close_key(
    session: Session, *, dialect: str, key_id: str, code: str, for_s: float | None
) -> None:
    """Close all of a key; every dialect that uses it if the account is the reason.

    A trial that fails closes no other dialect: that one may have proved meanwhile that it works.
    """
    gate = session.get(ProviderGate, (dialect, key_id, ""), populate_existing=True)
    tried = gate is not None and gate.trial_at is not None  # or open on another gate's word
    spreads = code in OF_THE_ACCOUNT and not tried
    for each in sharing(dialect) if spreads else (dialect,):
        close(session, dialect=each, key_id=key_id, model="", code=code, for_s=for_s)


def close(
    session: Session,
    *,
    dialect: str,
    key_id: str,
    model: str,
    code: str,
    for_s: float | None,
) -> None:
    """Close a gate for `for_s` seconds, or until somebody helps (None). `model` '' is the key.

    The longer closure wins. A trial that was under way has failed.
    """
    until = clock.now() + timedelta(seconds=for_s) if for_s is not None else UNTIL_SOMEBODY_HELPS
    row = insert(ProviderGate).values(
        dialect=dialect,
        key_id=key_id,
        model=model,
        closed_until=until,
        closed_code=code,
        closed_at=clock.now(),
        **(_slower(session, Key(dialect=dialect, id=key_id), model) if code == "slow_down" else {}),
    )
    longer = func.coalesce(ProviderGate.closed_until, clock.now()) <= row.excluded.closed_until
    kept = {
        name: case((longer, row.excluded[name]), else_=getattr(ProviderGate, name))
        for name in ("closed_until", "closed_code", "closed_at")
    }
    slow = {
        name: func.coalesce(row.excluded[name], getattr(ProviderGate, name))
        for name in ("slow_until", "slow_requests_per_minute")
    }
    session.execute(
        row.on_conflict_do_update(
            index_elements=[ProviderGate.dialect, ProviderGate.key_id, ProviderGate.model],
            set_={**kept, **slow, **NO_TRIAL, "updated_at": func.now()},
        )
    )
    events.show_news(session)


def _slower(session: Session, key: Key, model: str) -> dict[str, Any]:
    """Return half of what was sent in the last minute, as the limit of the next quarter hour."""
    sent = sum(
        each.requests for each in usage.sent_lately(session, [key]) if model in {"", each.model}
    )
    return {
        "slow_until": clock.now() + SLOW,
        "slow_requests_per_minute": max(1, sent // 2),
    }


def heard(
    session: Session, *, dialect: str, key_id: str, model: str, headers: Mapping[str, str]
) -> None:
    """Keep what an answer's rate-limit headers say, and close the gate if nothing is left."""
    said = allowance(headers)
    limits = said.limits()
    if limits and limits != _known_limits(session, dialect, key_id, model):
        row = insert(ProviderGate).values(
            dialect=dialect, key_id=key_id, model=model, limits=limits
        )
        session.execute(
            row.on_conflict_do_update(
                index_elements=[ProviderGate.dialect, ProviderGate.key_id, ProviderGate.model],
                set_={"limits": row.excluded.limits, "updated_at": func.now()},
            )
        )
    if said.empty_for_s is not None:
        close(
            session,
            dialect=dialect,
            key_id=key_id,
            model=model,
            code="rate_limited",
            for_s=said.empty_for_s,
        )


def _known_limits(session: Session, dialect: str, key_id: str, model: str) -> Mapping[str, Any]:
    limits: Mapping[str, Any] | None = session.scalar(
        select(ProviderGate.limits).where(
            ProviderGate.dialect == dialect,
            ProviderGate.key_id == key_id,
            ProviderGate.model == model,
        )
    )
    return limits or {}


# --- opening ----------------------------------------------------------------------------


def open_again(session: Session, user: User, *, dialect: str, key_id: str, model: str) -> None:
    """Open a gate because an administrator says that the cause is gone.

    With it those of the same key that closed for the same reason: the page shows them as one.
    """
    gates = of_key(session, dialect, key_id, model=model)
    gate = next((gate for gate in gates if gate.dialect == dialect), None)
    if gate is None or gate.closed_until is None:
        return
    audit.record(
        session,
        "gate_opened",
        user_id=user.id,
        on=("gate", f"{dialect}/{model}" if model else dialect),
        code=gate.closed_code,
    )
    for each in gates:
        if each.closed_code == gate.closed_code:
            each.closed_until = None
            each.trial_at = None
            each.trial_job_id = None
    events.wake_workers(session, Stage.READY)
    events.show_news(session)
