"""What is done over and over, by one thread of its own and never twice at a time."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import structlog
from sqlalchemy.exc import DBAPIError

log = structlog.get_logger(__name__)


class Pass:
    """Does `act` when asked, again and again while it returns something true."""

    def __init__(self, name: str, act: Callable[[], object]) -> None:
        self._name = name
        self._act = act
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._latest: Future[None] | None = None
        self._closing = threading.Event()

    @property
    def busy(self) -> bool:
        """Whether it is under way."""
        return self._latest is not None and not self._latest.done()

    @property
    def closing(self) -> bool:
        """Whether what is under way is to end soon."""
        return self._closing.is_set()

    def begin(self) -> None:
        """Begin unless it is under way; what turns up meanwhile waits for the next time."""
        if not (self.busy or self._closing.is_set()):
            self._latest = self._pool.submit(self._go)

    def _go(self) -> None:
        try:
            while not self._closing.is_set() and self._act():
                pass
        except DBAPIError as error:
            log.warning("pass_failed", of=self._name, reason=str(error.orig).strip())
        except Exception:
            # The outermost loop: the next time begins anew.
            log.exception("pass_failed", of=self._name)

    def close(self) -> None:
        """Begin no more. What is under way goes on to its end; `busy` tells."""
        self._closing.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
