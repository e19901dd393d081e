"""What killed workers leave in a spool folder, and when it is dropped."""

import contextlib
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from workers.permits import Permits

KEPT_CUT_S = 7 * 24 * 3600  # an answer that broke off: it may still be asked for in a complaint
LITTER_AFTER_S = 24 * 3600  # longer than anything that is still being written


def tidy(folder: Path, permits: Permits) -> None:
    """Drop what nobody will ask for any more."""
    for path in _older(KEPT_CUT_S, folder.glob("*.cut")):
        path.unlink(missing_ok=True)
    for path in _older(LITTER_AFTER_S, _litter(folder, permits)):
        path.unlink(missing_ok=True)
    for path in _older(LITTER_AFTER_S, folder.glob("work/*")):
        shutil.rmtree(path, ignore_errors=True)


def _litter(folder: Path, permits: Permits) -> Iterator[Path]:
    yield from permits.paths()  # of an intent that was never committed
    for name in ("*.new", "*.part"):  # of a mark, or an image, that was just being written
        yield from folder.glob(name)
    # Of an answer that was removed while its worker was killed, or copied it a second time.
    for name in ("*.json", "*.body-*"):
        for path in folder.glob(name):
            if not path.with_name(path.name.split(".")[0] + ".body").exists():
                yield path


def _older(age_s: float, paths: Iterable[Path]) -> Iterator[Path]:
    """Yield what has not been written for so long; what others remove meanwhile is left out."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > age_s:
                yield path
