"""What our keys have sent lately, and what the providers have in hand from them.

Counted from the rows that say so anyway, not from counters: exact over all workers and
hosts, and no row that every request would have to rewrite.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.models import Dialect
from core.polling import STALLED_S
from core.providers.capabilities import RateLimits
from core.settings import MOST_CONNECT_S
from core.stages import ENDED_WITHOUT_IT, Outcome, Stage

# A minute of the provider's, which counts a request when it comes. That is after it was written
# down here and before its answer was; without an answer it is so much later at most, which
# connecting may take, and a slow disk.
MINUTE_S: Final = 60
ON_ITS_WAY_S: Final = MOST_CONNECT_S + 2
# A request whose answer was lost may still be at work; after so long it is not.
TASK_MAY_RUN_S: Final = 1800


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One of our keys behind one dialect, and what it may do as far as we know beforehand.

    `per_user` is our own limit: jobs of one person at the provider at once; 0 for any number.
    """

    dialect: str
    id: str
    limits: RateLimits = field(default_factory=RateLimits)
    per_user: int = 0

    @property
    def name(self) -> tuple[str, str]:
        """Return what tells it apart."""
        return self.dialect, self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """How much a key has asked of one model within the last minute."""

    key: tuple[str, str]
    model: str
    requests: int
    images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InHand:
    """How many of a person's jobs a key has at its provider.

    `tasks` also counts requests without an answer that may be at work there, and videos that
    have stalled: these leave their person's place to the next one.
    """

    key: tuple[str, str]
    user_id: UUID
    running: int
    tasks: int


def named(keys: Sequence[Key]) -> dict[str, list[str]]:
    """Return the parameters of a statement about these keys."""
    return {"dialects": [key.dialect for key in keys], "key_ids": [key.id for key in keys]}


# An attempt counts unless nothing of it left this machine; a run counts that a worker has
# claimed and whose attempt is not written yet.
SENT: Final = f"""
    SELECT dialect, key_id, model, count(*) AS requests, sum(input_images) AS images
    FROM (
        SELECT attempts.dialect, key_id, model, input_images
        FROM attempts JOIN jobs ON jobs.id = job_id
        WHERE attempts.dialect = ANY (:dialects) AND key_id = ANY (:key_ids)
          AND attempts.created_at > clock_timestamp() - interval '{MINUTE_S + ON_ITS_WAY_S} seconds'
          AND least(settled_at, attempts.created_at + interval '{ON_ITS_WAY_S} seconds')
              > clock_timestamp() - interval '{MINUTE_S} seconds'
          AND (outcome <> '{Outcome.NOT_SENT}' OR http_status IS NOT NULL)
        UNION ALL
        SELECT dialect, key_id, model, input_images
        FROM runs
        WHERE dialect = ANY (:dialects) AND key_id = ANY (:key_ids)
          AND stage = '{Stage.SUBMITTING}'
          AND NOT EXISTS (
              SELECT FROM attempts
              WHERE attempts.job_id = runs.job_id AND attempts.lease_token = runs.lease_token
          )
    ) AS asked
    GROUP BY dialect, key_id, model
    """  # noqa: S608  (our own constants)
_ENDED_WITHOUT_IT: Final = ", ".join(f"'{stage}'" for stage in sorted(ENDED_WITHOUT_IT))
# A request whose job has gone on or ended without it may be at work all the same, and of the
# second API, which alone limits its tasks, it counts there; a known task as long as we ask for its
# result: then it is here, or the provider has dropped it.
IN_HAND: Final = f"""
    SELECT dialect, key_id, user_id, count(*) AS tasks, count(*) FILTER (WHERE runs) AS running
    FROM (
        SELECT dialect, key_id, user_id,
               stage = '{Stage.SUBMITTING}'
               OR (stage = '{Stage.GENERATING}'
                   AND stage_since > clock_timestamp() - interval '{STALLED_S} seconds') AS runs
        FROM runs
        WHERE dialect = ANY (:dialects) AND key_id = ANY (:key_ids)
          AND stage IN ('{Stage.SUBMITTING}', '{Stage.GENERATING}', '{Stage.UNCERTAIN}')
          AND (
              stage <> '{Stage.UNCERTAIN}'
              OR stage_since > clock_timestamp() - interval '{TASK_MAY_RUN_S} seconds'
          )
        UNION ALL
        SELECT attempts.dialect, key_id, user_id, false
        FROM attempts JOIN jobs ON jobs.id = job_id
        WHERE attempts.dialect = '{Dialect.MINIMAX_V2}'
          AND attempts.dialect = ANY (:dialects) AND key_id = ANY (:key_ids)
          AND attempts.created_at > clock_timestamp() - interval '{TASK_MAY_RUN_S} seconds'
          AND (
              outcome = '{Outcome.SUPERSEDED}'
              OR (outcome IN ('{Outcome.NOT_SENT}', '{Outcome.REJECTED}')
                  AND (candidate_task_id IS NOT NULL OR attempts.provider_task_id IS NOT NULL))
              OR (outcome IN ('{Outcome.UNKNOWN}', '{Outcome.ACCEPTED}')
                  AND final_stage IN ({_ENDED_WITHOUT_IT}))
          )
          AND (attempts.provider_task_id IS NULL OR recheck_at IS NOT NULL)
    ) AS tasks
    GROUP BY dialect, key_id, user_id
    """  # noqa: S608  (our own constants)
_SENT: Final = text(SENT)


def sent_lately(session: Session, keys: Sequence[Key]) -> Sequence[Sent]:
    """Return what each key asked of each model in the last minute."""
    return sent(session.execute(_SENT, named(keys)).mappings())


def sent(rows: Iterable[Mapping[Any, Any]]) -> Sequence[Sent]:
    """Return what `SENT` found."""
    return [
        Sent(
            key=(row["dialect"], row["key_id"]),
            model=row["model"],
            requests=row["requests"],
            images=int(row["images"]),
        )
        for row in rows
    ]


def in_hand(rows: Iterable[Mapping[str, Any]]) -> Sequence[InHand]:
    """Return what `IN_HAND` found."""
    return [
        InHand(
            key=(row["dialect"], row["key_id"]),
            user_id=UUID(row["user_id"]),
            running=row["running"],
            tasks=row["tasks"],
        )
        for row in rows
    ]
