"""Starts workers in milliseconds: `python -m tests.workers.nursery`.

A worker spends seconds of a processor on its imports, and some tests start
thousands. This process has them done, forks, and the fork becomes
`python -m workers` in all else. It has no threads, opens no connection, and
waits for no child before it is asked to: a child's number stays its own.

One JSON object per line on standard input, one answer per line on standard output:
{"start": {"log": PATH, "env": {…}}} → pid; {"signal": N, "pid": PID} → true;
{"ended": PID} → exit status or null. When the input ends, so do all children.
"""

import contextlib
import ctypes
import gc
import json
import os
import runpy
import signal
import sys
import tempfile
from typing import Any

# Imported now, so that no fork has to.
from apscheduler.schedulers import background  # noqa: F401
from botocore import loaders
from botocore import session as botocore_session
from sqlalchemy.orm import configure_mappers

from core import heartbeats, live, models  # noqa: F401
from core.providers import catalog
from core.storage import s3  # noqa: F401
from workers import dispatch, housekeeping, sweep  # noqa: F401

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Answer until the input ends. In a fork: work until a signal."""
    nursery = os.getpid()
    _learn()
    children: set[int] = set()
    for line in sys.stdin:
        asked = json.loads(line)
        answer = None
        match asked:
            case {"start": order}:
                answer = os.fork()
                if answer == 0:
                    _become_worker(order, nursery)
                    return
                children.add(answer)
            case {"signal": number, "pid": pid}:
                os.kill(pid, number)
                answer = True
            case {"ended": pid}:
                answer = _ended(pid)
                if answer is not None:
                    children.discard(pid)
        print(json.dumps(answer), flush=True)
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _learn() -> None:
    """Read and prepare what is the same for every worker, and read anew by each that starts."""
    catalog.load()
    configure_mappers()
    known = loaders.create_loader()
    setattr(botocore_session, "create_loader", lambda _path=None: known)  # noqa: B010  (typed)
    known.load_service_model("s3", "service-2")
    gc.freeze()


def _ended(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _die_with(parent: int) -> None:
    """Be killed when the nursery is, however it ends. Elsewhere the end of its input does that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


def _become_worker(order: dict[str, Any], nursery: int) -> None:
    """Take on the session, the files and the environment of a process of its own, and work."""
    os.setsid()
    _die_with(nursery)
    null = os.open(os.devnull, os.O_RDONLY)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for ours, theirs in ((null, 0), (log, 1), (log, 2)):
        os.dup2(ours, theirs)
    os.environ.clear()
    os.environ.update(order["env"])
    tempfile.tempdir = None  # TMPDIR is another now
    sys.argv = ["workers"]
    runpy.run_module("workers", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
