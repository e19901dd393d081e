"""Claims what is due and hands it to threads. Paid work never runs in a scheduler's thread."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import structlog
from sqlalchemy.exc import DBAPIError

from core import claims
from core.claims import Claim
from core.models import Dialect
from core.stages import Stage
from workers import rechecks, steps
from workers.hands import Hands
from workers.sending import send_s

log = structlog.get_logger(__name__)

POLLERS = 4
STORERS = 4


def lease_lengths(hands: Hands, stage: Stage) -> dict[str, float]:
    """Return the seconds of a lease by dialect: a paid request gets its timeout and a margin."""
    settings = hands.services.settings
    if stage is Stage.READY:
        margin = settings.lease_margin_s
        return {str(dialect): send_s(hands.services, dialect) + margin for dialect in Dialect}
    length = settings.store_lease_s if stage is Stage.STORING else settings.step_lease_s
    return {str(dialect): length for dialect in Dialect}


class Lane:
    """Some threads for one stage; it claims no more than it has threads free for."""

    def __init__(self, hands: Hands, stage: Stage, size: int) -> None:
        self._hands = hands
        self._stage = stage
        self._size = size
        self._busy = 0
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(size, thread_name_prefix=stage)
        self.freed: Callable[[], None] = lambda: None  # called when a thread becomes free

    @property
    def busy(self) -> int:
        """How many steps are under way."""
        return self._busy

    def fill(self) -> bool:
        """Claim as much as there is room for. Return whether more may be due."""
        room = self._size - self._busy
        if room <= 0:
            return False
        noted_at = time.monotonic()  # before the claim: the lease cannot end earlier than we think
        services = self._hands.services
        leases = lease_lengths(self._hands, self._stage)
        with services.sessions.begin() as session:
            taken = claims.claim(
                session,
                worker=self._hands.worker,
                stages=(self._stage,),
                leases=leases,
                host=self._hands.spool.host,
                keys=[services.key_id(dialect) for dialect in Dialect],
                limit=room,
            )
        for claim in taken:
            self._start(claim, deadline=noted_at + leases[claim.dialect])
        return len(taken) == room

    def _start(self, claim: Claim, *, deadline: float) -> None:
        with self._lock:
            self._busy += 1
        self._pool.submit(self._step, claim, deadline)

    def _step(self, claim: Claim, deadline: float) -> None:
        try:
            steps.take(self._hands, claim, deadline=deadline)
        except Exception:
            # The outermost loop of a step: the row keeps its lease, and the sweep moves it on
            # the way that cannot pay twice.
            log.exception("step_failed", job_id=str(claim.job_id), stage=claim.stage)
        finally:
            with self._lock:
                self._busy -= 1
            self.freed()

    def close(self) -> None:
        """Finish what is under way."""
        self._pool.shutdown(wait=True)


class Rechecks:
    """One thread for attempts that no step of their job looks after; one pass at a time."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="rechecks")
        self._pass: Future[None] | None = None

    def fill(self) -> None:
        """Begin a pass unless one is under way; what becomes due meanwhile waits for the next."""
        if self._pass is None or self._pass.done():
            self._pass = self._pool.submit(self._look)

    def _look(self) -> None:
        try:
            while rechecks.recheck(self._hands):
                pass
        except Exception:
            # The outermost loop of a recheck: what was taken is due again by itself.
            log.exception("rechecks_failed")

    def close(self) -> None:
        """Finish the question under way."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class Dispatcher:
    """The claim loop: woken by a notification, by a finished step, or by the clock."""

    def __init__(self, hands: Hands) -> None:
        size = hands.services.settings.worker_concurrency
        self._lanes = [
            Lane(hands, Stage.READY, size),
            Lane(hands, Stage.GENERATING, POLLERS),
            Lane(hands, Stage.STORING, STORERS),
        ]
        self._rechecks = Rechecks(hands)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="claims")
        for lane in self._lanes:
            lane.freed = self.wake

    @property
    def busy(self) -> int:
        """How many steps are under way."""
        return sum(lane.busy for lane in self._lanes)

    def start(self) -> None:
        """Begin to claim."""
        self._thread.start()

    def wake(self) -> None:
        """Look for due work now."""
        self._wake.set()

    def stop(self) -> None:
        """Claim nothing more, finish what is under way, and return when it is."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()
        for lane in self._lanes:
            lane.close()
        self._rechecks.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait()
            self._wake.clear()
            if not self._stopping.is_set():
                self._claim_all()

    def _claim_all(self) -> None:
        try:
            more = True
            while more and not self._stopping.is_set():
                more = sum(lane.fill() for lane in self._lanes) > 0
            self._rechecks.fill()
        except DBAPIError as error:
            # The clock wakes the loop again; an outage of the database stops nothing for good.
            log.warning("claim_failed", reason=str(error.orig).strip())
