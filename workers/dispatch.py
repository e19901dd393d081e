"""Claims what is due and hands it to threads. Paid work never runs in a scheduler's thread."""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog
from sqlalchemy.exc import DBAPIError

from core import claims, elapsed, outlook
from core.claims import Claim
from core.lookback import Lookback
from core.models import Dialect
from core.stages import READING, Stage
from core.usage import Key
from workers import rechecks, steps
from workers.backoff import jittered
from workers.hands import Hands
from workers.passes import Pass
from workers.sending import send_s
from workers.systemd import Systemd

log = structlog.get_logger(__name__)

STAGES = (Stage.READY, *READING)  # whose steps workers do
POLLERS = 4
STORERS = 4
GRANTED_S = 60.0  # more time asked of systemd at each turn of the end; far above a turn's length


def lease_lengths(hands: Hands, stage: Stage) -> dict[str, float]:
    """Return the seconds of a lease by dialect: a paid request gets its timeout and a margin."""
    settings = hands.services.settings
    if stage is Stage.READY:
        margin = settings.lease_margin_s
        return {str(dialect): send_s(hands.services, dialect) + margin for dialect in Dialect}
    length = settings.store_lease_s if stage is Stage.STORING else settings.step_lease_s
    return {str(dialect): length for dialect in Dialect}


def longest_step_s(hands: Hands) -> float:
    """Return how long a step may take from its claim until its result is stored."""
    settings = hands.services.settings
    return max(lease_lengths(hands, Stage.READY).values()) + settings.store_lease_s


class Lane:
    """Some threads for one stage; it claims no more than it has threads free for.

    `keys` are whose requests it sends: all of ours, or one provider's.
    """

    def __init__(
        self, hands: Hands, stage: Stage, size: int, keys: Sequence[Key] | None = None
    ) -> None:
        self._hands = hands
        self.stage = stage
        self._size = size
        self._keys = hands.services.keys() if keys is None else keys
        self._lookback = Lookback()
        self._busy = 0
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(size, thread_name_prefix=stage)
        self.freed: Callable[[], None] = lambda: None  # called when a thread becomes free
        self.stopping = threading.Event()  # from then on nothing is claimed

    @property
    def busy(self) -> int:
        """How many steps are under way."""
        return self._busy

    def fill(self) -> bool:
        """Claim as much as there is room for. Return whether more may be due.

        A claim that a slow database answers only after the end has begun is given up.
        """
        room = self._room()
        if room <= 0:
            return False
        noted_at = elapsed.now()  # before the claim: the lease cannot end earlier than we think
        services = self._hands.services
        leases = lease_lengths(self._hands, self.stage)
        with services.sessions.begin() as session:
            taken = claims.claim(
                session,
                worker=self._hands.worker,
                stages=(self.stage,),
                leases=leases,
                host=self._hands.spool.host,
                keys=self._keys,
                limit=room,
                lookback=self._lookback,
            )
            if self.stopping.is_set():
                session.rollback()
                return False
        if self.stage is Stage.GENERATING:
            self._hands.looks.pace.take(len(taken))
        for claim in taken:
            self._start(claim, deadline=noted_at + leases[claim.dialect])
        return len(taken) == room

    def _room(self) -> int:
        """Return how many steps may begin; of polls no more than have their turn now."""
        free = self._size - self._busy
        return min(free, self._hands.looks.pace.turns()) if self.stage is Stage.GENERATING else free

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


def _senders(hands: Hands) -> Sequence[Lane]:
    """Return a lane for each provider: slow edits must not keep quick videos waiting."""
    services = hands.services
    ours = services.keys()
    edits = [key for key in ours if key.dialect == Dialect.OPENAI]
    videos = [key for key in ours if key.dialect != Dialect.OPENAI]
    return [
        Lane(hands, Stage.READY, services.senders(keys[0].dialect), keys)
        for keys in (edits, videos)
    ]


class Dispatcher:
    """The claim loop: woken by a notification, by a finished step, or by the clock.

    It also feeds systemd's watchdog: a loop that hangs is a worker that hangs.
    """

    def __init__(
        self,
        hands: Hands,
        *,
        systemd: Systemd | None = None,
        overdue: Callable[[], None] = lambda: None,
    ) -> None:
        """`overdue` is called when a lease has ended and its worker has not come back."""
        self._hands = hands
        self._systemd = systemd or Systemd("")
        self._overdue = overdue
        self._lanes = [
            *_senders(hands),
            Lane(hands, Stage.GENERATING, POLLERS),
            Lane(hands, Stage.STORING, STORERS),
        ]
        self._rechecks = (
            Pass("rechecks", lambda: rechecks.recheck(hands)),
            Pass("late results", lambda: rechecks.fetch_late(hands)),
        )
        # One question alone: a transaction around it would be two round trips more.
        self._asking = hands.services.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._wake = threading.Event()
        self._named: deque[Stage] = deque(STAGES)  # whose steps may be due, as we were told
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="claims")
        self._trouble = ""
        for lane in self._lanes:
            lane.freed = self._wake.set
            lane.stopping = self._stopping

    @property
    def busy(self) -> int:
        """How many steps are under way."""
        return sum(lane.busy for lane in self._lanes) + sum(each.busy for each in self._rechecks)

    def start(self) -> None:
        """Begin to claim."""
        self._thread.start()

    def wake(self, *stages: Stage) -> None:
        """Look now for steps of these stages, or of all, and then for whatever is due."""
        self._named.extend(stages or STAGES)
        self._wake.set()

    def heard(self, channel: str, payload: str) -> None:
        """Take a notification of `core.events`; after a gap in them anything may be due."""
        if channel and payload not in STAGES:
            self._wake.set()
        else:
            self.wake(*[Stage(payload)] if payload else [])

    def stop(self) -> None:
        """Claim nothing more, finish what is under way, and return when it is."""
        self.drain()
        self._thread.join()

    def drain(self) -> None:
        """Claim nothing more; `drained` tells when what was under way is finished."""
        self._stopping.set()
        self._wake.set()

    def drained(self, *, within_s: float) -> bool:
        """Wait up to `within_s` seconds for the end of the loop; return whether it has ended."""
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            pause_s, coming = self._turn()
            self._systemd.alive()
            if not self._wake.wait(pause_s):
                self._named.extend(coming)  # their time has come
            self._wake.clear()
        self._finish()

    def _turn(self) -> tuple[float, Collection[Stage]]:
        """Claim what is due; return for how many seconds there is nothing to do but wait.

        And of which stage a step falls due then. Who is woken claims first and asks afterwards:
        a new job does not wait for a question. Only what was named is claimed then: all workers
        are woken at once, for one step.
        """
        poll_s = jittered(self._hands.services.settings.poll_interval_s * 0.9)
        try:
            self._claim({self._named.popleft() for _ in range(len(self._named))})
            with self._asking.connect() as connection:
                ahead = outlook.read(connection)
            self._claim(ahead.due)
            if ahead.recheck:
                for each in self._rechecks:
                    each.begin()
            if ahead.overdue:
                self._overdue()
            self._tell_trouble("")
        except DBAPIError as error:
            # The next turn tries again; an outage of the database stops nothing for good.
            self._tell_trouble(str(error.orig).strip())
            return poll_s, ()
        except Exception:
            # The outermost loop: no mistake in here may leave a worker that does nothing.
            log.exception("claim_loop_failed")
            return poll_s, ()
        if ahead.next_due_s is None or ahead.next_due_s > poll_s:
            return poll_s, ()
        return ahead.next_due_s, ahead.next_due

    def _claim(self, stages: Collection[Stage]) -> None:
        lanes = [lane for lane in self._lanes if lane.stage in stages]
        while lanes and not self._stopping.is_set():
            lanes = [lane for lane in lanes if lane.fill()]

    def _tell_trouble(self, reason: str) -> None:
        """Log an outage once, not at every turn, and its end."""
        if reason and not self._trouble:
            log.warning("claim_failed", reason=reason)
        elif self._trouble and not reason:
            log.info("claiming_again")
        self._trouble = reason

    def _finish(self) -> None:
        """Wait for the steps under way, and ask systemd for as long as they may honestly take."""
        honest_until = time.monotonic() + longest_step_s(self._hands)
        for each in self._rechecks:
            each.close()
        while self.busy:
            if time.monotonic() < honest_until:
                self._systemd.finishing(self.busy, within_s=GRANTED_S)
            self._wake.wait(1)
            self._wake.clear()
        for lane in self._lanes:
            lane.close()
