"""Everything there is to say about one job, read at once for a page or the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import absence, assets, attempts, clock, events, expiry, jobs, place_in_line, users
from core.absence import Absence
from core.models import Asset, AssetKind, Attempt, Job, JobEvent, Run, User
from core.place_in_line import Place
from core.polling import is_stalled
from core.sentences import stage_of
from core.services import Services
from core.spending import KEPT, Charge, charges, late_endings
from core.stages import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """A job with its files, money and log. A waiting one has a place in the queue."""

    job: Job
    run: Run | None
    owner: str
    files: Sequence[Asset]
    attempts: Sequence[Attempt]
    consents: Mapping[UUID, str]  # who said yes to sending again, by the person's id
    events: Sequence[JobEvent]
    typical_s: float | None
    place: Place | None
    absence: Absence | None  # who is missing for it
    read_at: datetime  # by the database's clock

    @property
    def waits_for(self) -> str | None:
        """Return a code of core.refusals: why a job waits, or is uncertain."""
        return self.run.waiting_for if self.run is not None else None

    @property
    def stalled(self) -> bool:
        """Return whether its provider works on it for far longer than usual."""
        if self.run is None or self.stage is not Stage.GENERATING:
            return False
        return is_stalled(self.run.stage_since, at=self.read_at)

    @property
    def dropped_at(self) -> datetime | None:
        """Return until when its provider keeps its task, if that ends."""
        return expiry.dropped_at(self.run, self.attempts) if self.run is not None else None

    @property
    def late(self) -> Mapping[UUID, str]:
        """Return how the results ended that the job went on without, by attempt."""
        return late_endings(self.events)

    @property
    def late_attempts(self) -> frozenset[UUID]:
        """Return the attempts whose results came when the job had gone on without them."""
        return frozenset(id for id, ended in self.late.items() if ended == KEPT)

    @property
    def charges(self) -> Sequence[Charge]:
        """Return what each of its requests costs."""
        return charges(self.stage, self.attempts, self.late, code=self.job.error_code)

    @property
    def stage(self) -> Stage:
        """Return where the job stands."""
        return stage_of(self.job, self.run)

    def of_kind(self, *kinds: AssetKind) -> Sequence[Asset]:
        """Return the job's files of some kinds, in order."""
        return [asset for asset in self.files if asset.kind in kinds]

    def small_of(self, asset: Asset) -> Asset | None:
        """Return the thumbnail or poster of a file."""
        return next(
            (
                small
                for small in self.of_kind(AssetKind.THUMBNAIL, AssetKind.POSTER)
                if small.source_asset_id == asset.id
            ),
            None,
        )

    def sent_of(self, asset: Asset) -> Asset:
        """Return the bytes that were sent for an input."""
        prepared = (a for a in self.of_kind(AssetKind.PREPARED) if a.source_asset_id == asset.id)
        return next(prepared, asset)


def load(
    session: Session,
    viewer: User,
    id: UUID,
    *,
    team_reads: bool,
    services: Services | None = None,
) -> Detail:
    """Return a job as its viewer may see it; its place in the queue only with `services`.

    Raises:
        NotFound: no such job, or not theirs to see.
    """
    # The run first: it goes when the job ends, and a job read before that would have neither.
    run = session.get(Run, id)
    job = jobs.visible(session, viewer, id, team_reads=team_reads)
    if job.final_stage is not None:
        run = None
    typical_s = jobs.typical_seconds(session, model=job.model) if run is not None else None
    tried = attempts.of_job(session, id)
    consenting = {attempt.consent_by for attempt in tried if attempt.consent_by is not None}
    names = users.names(session, {job.user_id, *consenting})
    return Detail(
        job=job,
        run=run,
        owner=names.get(job.user_id, ""),
        files=assets.of_job(session, id),
        attempts=tried,
        consents={id: names[id] for id in consenting},
        events=events.of_job(session, id),
        typical_s=typical_s,
        place=_place(session, run, services, typical_s),
        absence=absence.of_run(session, run, tried) if run is not None else None,
        read_at=clock.read(session),
    )


def _place(
    session: Session, run: Run | None, services: Services | None, typical_s: float | None
) -> Place | None:
    if run is None or run.stage != Stage.READY or services is None:
        return None
    return place_in_line.place(
        session,
        run,
        services.key(run.dialect),
        typical_s=typical_s,
        threads=services.senders(run.dialect),
    )
