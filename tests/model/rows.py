"""What the model and the real tables say of a job, in the same words."""

import base64
import io
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import assets, attempts, jobs
from core.models import Asset, AssetKind, Attempt, Dialect, Job, Run, User
from core.stages import Stage, status_of
from core.storage import Stored
from tests.model import state as s
from tests.model.state import State
from workers.hands import Hands
from workers.permits import Permits
from workers.spool import Spool

ASKED: Final[Mapping[str, tuple[str, str, dict[str, Any]]]] = {
    Dialect.OPENAI: ("gpt", "gpt-image-2", {"size": "1024x1024", "quality": "low"}),
    Dialect.MINIMAX_V1: ("hailuo", "MiniMax-Hailuo-02", {"resolution": "768P", "duration": 6}),
    Dialect.MINIMAX_V2: (
        "hailuo",
        "MiniMax-H3",
        {"resolution": "768P", "duration": 5, "ratio": "16:9"},
    ),
}
USAGE: Final = {"input_tokens": 10, "output_tokens": 100}  # of an edit


class Seen(NamedTuple):
    """A job in words. `attempts`: outcome, task?, candidate?, on disk, permit, result kept?"""

    stage: str
    status: str
    leased: bool
    consents: int
    cancel_asked: bool
    attempts: tuple[tuple[str, bool, bool, str, str, bool], ...]


def in_the_model(state: State) -> Seen:
    """Return what the model says."""
    job = state.job
    return Seen(
        stage=job.stage,
        status=status_of(Stage(job.stage)).value,
        leased=job.leased,
        consents=job.consents,
        cancel_asked=job.cancel_asked and job.stage not in s.ENDED,
        attempts=tuple(
            (it.outcome, bool(it.task), bool(it.candidate), it.disk, it.permit, it.kept)
            for it in state.attempts
        ),
    )


def in_the_tables(session: Session, spool: Spool, job_id: UUID) -> Seen:
    """Return what the tables and the spool say."""
    job = session.get_one(Job, job_id)
    run = session.get(Run, job_id)
    rows = attempts.of_job(session, job_id)
    assert [row.n for row in rows] == list(range(1, len(rows) + 1))
    noted = {*spool.noted()}
    return Seen(
        stage=str(run.stage if run is not None else job.final_stage),
        status=job.status,
        leased=run is not None and run.lease_owner is not None,
        consents=sum(row.consent_at is not None for row in rows),
        cancel_asked=run is not None and run.cancel_by is not None,
        attempts=tuple(
            (
                row.outcome,
                row.provider_task_id is not None,
                row.candidate_task_id is not None,
                _on_disk(spool, row.id, noted),
                _permit(spool, row.id),
                _is_kept(session, row),
            )
            for row in rows
        ),
    )


def _on_disk(spool: Spool, attempt_id: UUID, noted: set[UUID]) -> str:
    if attempt_id in noted or spool.get(attempt_id) is not None:
        return s.WHOLE
    return s.BODY if spool.body(attempt_id).exists() else s.NOTHING


def _permit(spool: Spool, attempt_id: UUID) -> str:
    if spool.permits.is_revoked(attempt_id):
        return s.REVOKED_PERMIT
    return s.VALID_PERMIT if spool.permits.is_valid(attempt_id) else s.NO_PERMIT


def _is_kept(session: Session, attempt: Attempt) -> bool:
    return bool(
        session.scalar(
            select(func.count()).where(
                Asset.attempt_id == attempt.id, Asset.kind.in_([AssetKind.RESULT, AssetKind.RAW])
            )
        )
    )


# --- making rows and files ----------------------------------------------------------------


def filed(hands: Hands, user: User, dialect: Dialect) -> Job:
    """File a job of a dialect."""
    with hands.services.sessions.begin() as session:
        return filed_in(session, user, dialect)


def filed_in(session: Session, user: User, dialect: Dialect) -> Job:
    """The same in a transaction that is open already."""
    provider, model, options = ASKED[dialect]
    order = jobs.Order(
        provider=provider,
        dialect=dialect,
        model=model,
        prompt="a paper boat",
        options=options,
        inputs=[],
        client_key=uuid4().hex,
    )
    return jobs.queue(session, user, order)


@cache
def answer(*, useless: bool) -> bytes:
    """Return an edit's answer, with an image or without."""
    content = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(content, "PNG")
    image = {"b64_json": base64.b64encode(content.getvalue()).decode()}
    data = [] if useless else [image]
    return json.dumps({"created": 1, "data": data, "usage": USAGE}).encode()


def permit_of_another_boot(spool: Spool, attempt_id: UUID) -> None:
    """Have a permit as a power cut may bring one back."""
    Permits(spool.permits.folder, boot="another").write(attempt_id)


def kept(session: Session, attempt: Attempt, kind: AssetKind) -> Asset:
    """Record a result of an attempt."""
    job = session.get_one(Job, attempt.job_id)
    sha256 = "0" * 64
    stored = Stored(
        bucket="b", key=f"{attempt.id}", size_bytes=1, content_type="x", etag="", sha256=sha256
    )
    picture = assets.Picture(mime="image/png", sha256=sha256)
    place = assets.Place(user_id=job.user_id, job_id=job.id, attempt_id=attempt.id)
    return assets.add(session, kind, stored, picture, place)
