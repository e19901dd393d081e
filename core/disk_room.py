"""Room on a disk, taken for a file before its content comes. On Linux alone, fallocate(2)."""

import ctypes
import errno
import os
from typing import IO, Final

KEEP_SIZE: Final = 1  # FALLOC_FL_KEEP_SIZE: the room lies beyond the file's end, unseen
# Of a file system that knows nothing of it, of a system without it, and of what is no file.
UNKNOWN: Final = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.ENODEV, errno.EINVAL})


def reserve(file: IO[bytes], size_bytes: int) -> bool:
    """Take room for the first bytes of an open file; return whether this system can.

    Whatever else fills the disk, so many bytes can be written then.

    Raises:
        OSError: there is no such room.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    # Its numbers have 64 bits in every libc; plain fallocate's do where there is no other.
    fallocate = getattr(libc, "fallocate64", None) or getattr(libc, "fallocate", None)
    if fallocate is None:
        return False
    asked = (file.fileno(), KEEP_SIZE, ctypes.c_int64(0), ctypes.c_int64(size_bytes))
    if fallocate(*asked) == 0:
        return True
    code = ctypes.get_errno()
    if code in UNKNOWN:
        return False
    raise OSError(code, os.strerror(code))


def give_back(file: IO[bytes]) -> None:
    """Give back what of the room has not been needed. The file ends where it is written next."""
    file.truncate(file.tell())
