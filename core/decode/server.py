"""The process that forks a decoder for each file. `core.media.server` is the other side.

It has imported what decoding needs, reads no file, and waits in a single thread: every
decoder begins from the same clean state, and all that comes back of one is how it ended.

Standard input is a socket. An order on it is one byte, which says what to load, with three
descriptors: the decoder's standard input and output, and a lifeline. The reply is the
decoder's process id, 0 if there is none. A decoder whose lifeline is closed at the other
end, because its asker is done or dead, is killed, and how it ended is the last that goes
over it. When the socket is closed, all are killed. Numbers have four bytes.
"""

import contextlib
import gc
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from core.decode import limits

DYING_S = 0.002  # between two looks at who has been killed and is not gone yet

Work = Callable[[], None]
Load = Callable[[bytes], None]


class Server:
    """Forks, kills and buries. `work` is done in each fork, `load` before it, in this process."""

    def __init__(self, work: Work, load: Load) -> None:
        self._work = work
        self._load = load
        self._orders = socket.socket(fileno=sys.stdin.fileno())
        self._ready = selectors.PollSelector()  # it keeps nothing in the kernel for forks to share
        self._dying: dict[int, socket.socket] = {}  # lifelines, by process id
        self._crashed = False

    def serve(self) -> None:
        """Obey until nobody can order any more, and leave no fork behind."""
        limits.restrict_server()
        gc.freeze()  # a collection in a fork would copy the memory that it shares with this one
        self._ready.register(self._orders, selectors.EVENT_READ)
        try:
            while self._turn():
                self._bury()
                if self._crashed and not self._dying and not self._running():
                    _begin_anew()
        finally:
            for key in self._running():
                _kill(key.data)

    def _turn(self) -> bool:
        """Do what has become due; return False once the orders have ended."""
        for key, _ in self._ready.select(DYING_S if self._dying else None):
            if key.fileobj is not self._orders:
                self._let_die(key)
                continue
            try:
                order, descriptors, _, _ = socket.recv_fds(self._orders, 1, 3)
            except ConnectionError:  # its owner was killed with a reply unread
                return False
            if not order:
                return False
            self._load(order)
            _say(self._orders, self._forked(descriptors))
            for each in descriptors:
                os.close(each)
        return True

    def _forked(self, descriptors: Sequence[int]) -> int:
        """Start a decoder and return its process id, 0 where that cannot be."""
        pid = 0
        with contextlib.suppress(OSError, ValueError):  # too many processes, or descriptors
            request, answer, lifeline = descriptors
            kept = socket.socket(fileno=os.dup(lifeline))
            pid = os.fork()
            if pid == 0:
                _decode(request, answer, self._work)
            self._ready.register(kept, selectors.EVENT_READ, pid)
        return pid

    def _running(self) -> list[selectors.SelectorKey]:
        return [key for key in self._ready.get_map().values() if key.fileobj is not self._orders]

    def _let_die(self, key: selectors.SelectorKey) -> None:
        assert isinstance(key.fileobj, socket.socket)
        self._ready.unregister(key.fileobj)
        _kill(key.data)
        self._dying[key.data] = key.fileobj

    def _bury(self) -> None:
        for pid in list(self._dying):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                ended = os.waitstatus_to_exitcode(status)
                self._crashed |= ended < 0 and ended != -signal.SIGKILL
                with self._dying.pop(pid) as lifeline:
                    _say(lifeline, ended)


def _decode(request: int, answer: int, work: Work) -> NoReturn:
    """Become a decoder: in a session of its own, with the two pipes and no other descriptor.

    The server's objects stay as they are: nothing runs their finalizers, which would close
    numbers that are this process's own by then.
    """
    try:
        os.setsid()
        os.dup2(request, 0)
        os.dup2(answer, 1)
        os.closerange(3, limits.FILES)
        work()
        os._exit(0)  # nothing is left to tidy, and a decoder's tidying may crash
    finally:
        os._exit(1)


def _kill(pid: int) -> None:
    """Kill a decoder with all of its group. It is not buried yet, so both numbers are its own.

    Whoever has closed its output is ending anyhow and keeps its own exit status.
    """
    for kill in (os.kill, os.killpg):  # it may not have had the time to make the group
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def _say(listener: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more
        listener.send(number.to_bytes(4, signed=True))


def _begin_anew() -> None:
    """Start this program again in this process: forks share its layout in memory.

    Whoever tries to guess that by crashing decoders finds another one each time.
    """
    with contextlib.suppress(OSError):
        os.execve(sys.executable, sys.orig_argv, {})  # noqa: S606  (what is running now)
