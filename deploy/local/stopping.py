"""How a child is stopped, and how it was."""

import asyncio
import os
import signal
from contextlib import suppress

from deploy.local.steps import Child


async def end(process: asyncio.subprocess.Process, child: Child) -> None:
    """Ask a process to stop, and make it stop when it has had its time."""
    send(process, child.stop_signal)
    try:
        await asyncio.wait_for(process.wait(), child.grace_s)
    except TimeoutError:
        send(process, signal.SIGKILL)
        await process.wait()


def send(process: asyncio.subprocess.Process, number: int) -> None:
    """Signal a process that may have just ended."""
    with suppress(ProcessLookupError):
        process.send_signal(number)


def end_orphans(process: asyncio.subprocess.Process) -> None:
    """End what a dead child's own children are still doing: they are in its group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def how_it_ended(status: int | None) -> str:
    """Return 'signal SIGKILL' or 'exit status 1'."""
    if status is None:
        return "still running"
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
