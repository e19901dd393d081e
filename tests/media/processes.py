"""Other processes, looked at from outside: what they do, and a decoder that does what it likes."""

import sys
import threading
import time
from collections.abc import Callable

import psutil

from core.media.child import Decoder

# The real server; only what its forks do is another.
PROGRAM = """
import sys
from core.decode.server import Server

def work():
    exec({code!r}, {{}})
    sys.stdout.flush()

Server(work, lambda order: None).serve()
"""


def command(code: str) -> list[str]:
    """Return how a server starts whose forks run `code`, as one taken over might."""
    return [sys.executable, "-S", "-c", PROGRAM.format(code=code)]


# The real one, in whose forks a part of Pillow fails.
CRIPPLED = """
from PIL import Image
from core.decode import __main__ as program

def fail(*_, **__):
    raise {error}

{part} = fail
program.main()
"""


def crippled(part: str, error: str) -> Decoder:
    """Return a decoder in whose processes a part of Pillow, `Image.Image.save` say, fails."""
    code = CRIPPLED.format(part=part, error=error)
    return Decoder(command=[sys.executable, "-s", "-E", "-c", code])


def dying(number: int) -> str:
    """Return what ends such a process by a signal where it would fail."""
    return f"__import__('signal').raise_signal({int(number)})"


def until(condition: Callable[[], bool], *, within_s: float = 10) -> bool:
    """Wait for what happens by itself."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        threading.Event().wait(0.01)
    return True


def gone(pid: int) -> bool:
    """Return whether a process does nothing any more; somebody may still have to wait for it."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def sleeps(process: psutil.Process) -> bool:
    """Return whether a process waits for something."""
    return bool(process.status() == psutil.STATUS_SLEEPING)


def server_of(decoder: Decoder) -> psutil.Process:
    """Return the process that forks."""
    decoder.warm()
    assert decoder._server._running is not None
    return psutil.Process(decoder._server._running.process.pid)


def inspected(decoder: Decoder, path: str) -> int:
    """Return the width of a picture, to see whether a decoder works."""
    return int(decoder.run("inspect_image", path=path, declared=None)["facts"]["width"])
