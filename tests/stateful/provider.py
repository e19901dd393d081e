"""A provider in memory. Its ledger alone knows what was billed."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from core import attempts, clock, elapsed
from core.errors import NotAccepted
from core.models import Attempt, Dialect
from core.providers import (
    Accepted,
    Broken,
    Cancelled,
    EditAnswer,
    EditRequest,
    ListedTask,
    Pending,
    Progress,
    Ready,
    SendLimits,
    VideoRequest,
)
from core.providers.answer_file import spooling
from core.providers.minimax_v2 import DELETED_WITHIN_S
from core.providers.paid_send import check_time
from core.providers.verdicts import (
    Answered,
    not_sent,
    nothing_happened,
    refused,
    unsure,
    useless,
)
from core.stages import Outcome
from tests.model import rows
from tests.stateful.pausing import Worker, current

ON_ITS_WAY, BILLED, TURNED_AWAY = "on its way", "billed", "turned away"
WORKED_ON = "worked on"  # and billed, although it was turned away: only a callback tells
QUEUED, RUNNING, FINISHED = "queued", "running", "finished"
FAILED, CANCELLED, DELETED = "failed", "cancelled", "deleted"
USELESS = "useless"  # a result that is none: no image, or no video that can be played
CUT = "cut"  # a video that arrives whole only once it has been cut as often as a job tries


class MovingTime:
    """`elapsed` as sending sees it, and `time` of recording: it jumps when a test says so."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now(self) -> float:
        """Return seconds that never go back."""
        return elapsed.now() + self.ahead_s

    monotonic = now

    def sleep(self, seconds: float) -> None:
        """Wait, for a moment only."""
        time.sleep(min(seconds, 0.01))


@dataclass(slots=True, kw_only=True)
class Request:
    """A paid request that has left, and what is true of it."""

    attempt_id: UUID
    job_id: UUID
    dialect: str
    created_at: datetime
    after_consent: bool  # it left when somebody had consented to another one
    fate: str = ON_ITS_WAY
    task: str = QUEUED  # a video's, once it is billed
    unfinished_until: float = 0  # one that was queued a moment ago is not finished yet
    answered: bool = False  # the whole answer came, to a worker that lived
    flaw: str | None = None  # of the result: USELESS or CUT
    cuts: int = 0  # how often it was cut while it was fetched for its job
    late_cuts: int = 0  # and as a late result
    told_before: int | None = None  # the number of the next attempt, when its callback came
    unasked: bool = False  # it left although an earlier one was known to be worked on

    @property
    def is_taken(self) -> bool:
        """Whether the provider works on it, whatever it has said."""
        return self.fate in {BILLED, WORKED_ON}

    @property
    def is_known(self) -> bool:
        """Whether we were told, or would have been but for what was lost, that it is taken."""
        return self.fate == BILLED or self.told_before is not None

    @property
    def task_id(self) -> str:
        """Return what the provider calls the task."""
        return f"task-{self.attempt_id}"


class Provider:
    """All of them at once: images, and videos of both APIs."""

    def __init__(self, dialect: str, sessions: sessionmaker[Session], time: MovingTime) -> None:
        self.dialect = dialect
        self.requests: list[Request] = []
        self._sessions = sessions
        self._time = time

    def billed(self) -> Sequence[Request]:
        """Return what has to be paid for."""
        return [it for it in self.requests if it.is_known and it.task != CANCELLED]

    def named(self, task_id: str | None) -> Request | None:
        """Return the request of a task."""
        taken = (it for it in self.requests if it.is_taken and it.task != DELETED)
        return next((it for it in taken if it.task_id == task_id), None)

    def at_work(self, *, within_s: float) -> frozenset[UUID]:
        """Return the attempts that may be at work: later than so many seconds none is."""
        with self._sessions() as session:
            since = clock.read(session) - timedelta(seconds=within_s)
        return frozenset(
            it.attempt_id
            for it in self.requests
            if it.created_at > since
            and (it.fate == ON_ITS_WAY or (it.is_known and it.task in {QUEUED, RUNNING}))
        )

    # --- what is paid -----------------------------------------------------------------

    def edit(
        self,
        request: EditRequest,
        *,
        limits: SendLimits,
        spool: Path,
        on_partial: Callable[[int, bytes], None],
    ) -> EditAnswer:
        """See `ImageProvider.edit`."""
        with spooling(spool) as file:
            made = self._sent(UUID(request.client_request_id), limits)
            is_useless = made.flaw == USELESS
            answer = rows.answer(useless=is_useless)
            half = len(answer) // 2
            file.write(answer[:half])
            file.flush()
            _worker().pause("arriving")
            file.write(answer[half:])
        made.answered = True
        if not spool.exists():  # as the real one finds out, which reads it once more
            raise unsure("answer_unreadable", Answered(message="the answer is gone"))
        if is_useless:
            raise useless("empty_result", Answered(message="no image", http_status=200))
        return EditAnswer(http_status=200, request_id=None, streamed=False, rate_limits={})

    def submit(self, request: VideoRequest, *, limits: SendLimits) -> Accepted:
        """See `VideoProvider.submit`."""
        token = str(request.callback_url).rsplit("/", 1)[-1]
        with self._sessions() as session:
            attempt = attempts.of_token(session, token)
        assert attempt is not None
        return Accepted(task_id=self._sent(attempt.id, limits).task_id, http_status=200)

    def _sent(self, attempt_id: UUID, limits: SendLimits) -> Request:
        """Let a request leave and wait for its answer; the test says what comes of both."""
        worker = _worker()
        if worker.words.get("unreachable"):
            raise not_sent("unreachable", "no route")
        check_time(limits)
        ends_at = self._time.now() + limits.total_s
        limits.before_first_byte()
        if self._time.now() > min(ends_at, limits.not_after or ends_at):
            raise not_sent("too_late", "the time was up before the first byte")
        with self._sessions() as session:
            attempt = session.get_one(Attempt, attempt_id)
            made = Request(
                attempt_id=attempt_id,
                job_id=attempt.job_id,
                dialect=attempt.dialect,
                created_at=clock.read(session),
                after_consent=attempt.outcome == Outcome.SUPERSEDED,
                unasked=self._is_unasked(session, attempt),
            )
        self.requests.append(made)
        worker.pause("sent")
        if made.fate == ON_ITS_WAY or worker.words.get("lost"):
            raise unsure("no_answer", Answered(message="no answer came"))
        if made.fate in {TURNED_AWAY, WORKED_ON}:
            raise _turned_away(refuse=bool(worker.words.get("refused")))
        return made

    def _is_unasked(self, session: Session, attempt: Attempt) -> bool:
        """Return whether a callback had told of an earlier one, and nobody has consented."""
        earlier = (
            session.get_one(Attempt, it.attempt_id)
            for it in self.requests
            if it.job_id == attempt.job_id
            and it.told_before is not None
            and it.told_before <= attempt.n
        )
        return any(it.outcome != Outcome.SUPERSEDED for it in earlier)

    # --- what is free -----------------------------------------------------------------

    def check(self) -> None:
        """See `VideoProvider.check`."""

    def progress(self, task_id: str) -> Progress:
        """See `VideoProvider.progress`."""
        worker = current()
        if worker is not None:
            worker.pause("asking")
        found = self._known(task_id)
        if found.task == FINISHED:
            return Ready(download_url=f"https://provider.test/{task_id}")
        if found.task == FAILED:
            return Broken(code="generation_failed", provider_message="no")
        if found.task == CANCELLED:
            return Broken(code="cancelled_at_provider", provider_message="no")
        return Pending(provider_status=found.task)

    def cancel(self, task_id: str) -> Cancelled:
        """See `MiniMaxV2.cancel`."""
        found = self._known(task_id)
        if found.task != QUEUED:
            return Cancelled.IN_TIME if found.task == CANCELLED else Cancelled.TOO_LATE
        found.unfinished_until = self._time.now() + DELETED_WITHIN_S
        worker = current()
        assert worker is not None
        worker.pause("deleting")
        if self._time.now() > found.unfinished_until:
            raise nothing_happened("too_late", Answered(message="too long ago"))
        if found.task == RUNNING:
            return Cancelled.TOO_LATE
        queued = found.task == QUEUED
        found.task = CANCELLED if queued else DELETED
        return Cancelled.IN_TIME if queued else Cancelled.DELETED

    def describe(self, task_id: str) -> ListedTask:
        """See `ListingProvider.describe`."""
        return self._listed(self._known(task_id))

    def list_tasks(self, *, since: datetime) -> Sequence[ListedTask]:
        """See `ListingProvider.list_tasks`."""
        made = [it for it in self.requests if it.is_known and it.task != DELETED]
        return [self._listed(it) for it in made if it.created_at >= since]

    def _known(self, task_id: str) -> Request:
        found = self.named(task_id)
        if found is None:
            raise nothing_happened("task_not_found", Answered(message="no such task"))
        return found

    def _listed(self, made: Request) -> ListedTask:
        _, model, asked = rows.ASKED[Dialect(made.dialect)]
        return ListedTask(
            task_id=made.task_id,
            model=model,
            status=made.task,
            created_at=made.created_at,
            resolution=asked["resolution"],
            duration=asked["duration"],
            ratio=asked["ratio"],
        )


def _turned_away(*, refuse: bool) -> Exception:
    if refuse:
        return refused("invalid_request", "no")
    return NotAccepted("busy", code="rate_limited", scope="model", retry_after_s=1)


def _worker() -> Worker:
    """Return whose request this is."""
    worker = current()
    assert worker is not None
    return worker
