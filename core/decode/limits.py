"""What this process may use: little at first, then what the file's own header justifies.

A file that claims one pixel gets memory and time for one pixel; whatever it
unpacks to beyond that ends here. The hard limits are set before anything is
read and cannot be raised again. macOS does not enforce the address space.
"""

import contextlib
import fcntl
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

MIB = 2**20

MAX_PIXELS = 100_000_000  # of one frame
MAX_TOTAL_PIXELS = 400_000_000  # of all frames together
MAX_FRAMES = 1000
MAX_VIDEO_PIXELS = 40_000_000  # 8K is 33 million
MAX_NOTES_BYTES = 16 * MIB  # text and other metadata, unpacked
LARGE_PIXELS = 16_000_000  # from here on, one picture at a time on the whole machine

BEFORE_BYTES = 96 * MIB  # address space above the start, for reading headers
BYTES_PER_PIXEL = 32  # measured: WebP 16 for decoding, 4 more for each step after it
CPU_BEFORE_S = 5
CPU_PER_MEGAPIXEL_S = 0.5  # measured: 0.15 for a noisy PNG, read and written
HARD_MEMORY_BYTES = 3500 * MIB
HARD_CPU_S = 60
FILES = 32
LIFETIME_S = 180  # longer than the parent waits; only an orphan reaches it


def restrict_server() -> None:
    """Give up what not even forking needs: its few descriptors are all that a fork closes."""
    _limit(resource.RLIMIT_CORE, 0, 0)
    _limit(resource.RLIMIT_NOFILE, FILES, FILES)


def restrict() -> None:
    """Give up everything that decoding does not need."""
    _limit(resource.RLIMIT_CORE, 0, 0)
    _limit(resource.RLIMIT_NOFILE, FILES, FILES)
    _limit(resource.RLIMIT_CPU, CPU_BEFORE_S, HARD_CPU_S)
    _limit_memory(_address_space() + BEFORE_BYTES)
    _die_first()


def restrict_output(max_bytes: int) -> None:
    """Let no file grow beyond `max_bytes`; writing more fails with EFBIG."""
    _limit(resource.RLIMIT_FSIZE, max_bytes, max_bytes)


def max_output_bytes() -> int:
    """Return the largest file that may be written."""
    return resource.getrlimit(resource.RLIMIT_FSIZE)[0]


def start_clock() -> None:
    """Die by the kernel's hand some time after the parent should have asked for it."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(LIFETIME_S)


def allow(pixels: int, *, frames: int = 1, file_bytes: int = 0) -> None:
    """Allow what `frames` of `pixels` take; the file itself may be held in memory."""
    _limit_memory(_address_space() + BEFORE_BYTES + file_bytes + pixels * BYTES_PER_PIXEL)
    seconds = CPU_BEFORE_S + int(frames * pixels / 1e6 * CPU_PER_MEGAPIXEL_S)
    _limit(resource.RLIMIT_CPU, seconds, HARD_CPU_S)


@contextlib.contextmanager
def one_large_at_a_time(pixels: int) -> Iterator[None]:
    """Wait until no other process of this installation decodes a large picture.

    The lock lies on this very file, which all of them share; the kernel frees
    it however the holder ends.
    """
    with Path(__file__).open("rb") as lock:
        if pixels >= LARGE_PIXELS:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def peak_rss_bytes() -> int:
    """Return the most memory this process had resident.

    Not `ru_maxrss`: on Linux that includes what its parents had.
    """
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _limit_memory(wanted: int) -> None:
    with contextlib.suppress(ValueError, OSError):  # macOS knows the name and refuses the call
        _limit(resource.RLIMIT_AS, wanted, HARD_MEMORY_BYTES)


def _limit(kind: int, soft: int, hard: int) -> None:
    """Set a limit, or the lower one that whoever started this service has set."""
    already = resource.getrlimit(kind)[1]
    hard = hard if already == resource.RLIM_INFINITY else min(hard, already)
    resource.setrlimit(kind, (min(soft, hard), hard))


def _address_space() -> int:
    """Return the bytes mapped now; a guess where there is no /proc."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return 512 * MIB
    return pages * resource.getpagesize()


def _die_first() -> None:
    """When the machine runs out of memory, this process is the one to go."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
