"""Become another program that ends when its parent does.

    python -I -S launch.py PARENT DEATH_SIGNAL UID:GID PROGRAM [ARGUMENT ...]

UID:GID may be '-' (stay who you are). The order matters: changing the user
clears the wish for a death signal, and the parent may die before it is made.
On systems without prctl the supervisor's state file finds what was left over.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def become(parent: int, death_signal: int, owner: str, argv: list[str]) -> None:
    """Replace this process. Returns only when the parent is gone already."""
    if owner != "-":
        uid, gid = map(int, owner.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() == parent:
        os.execv(argv[0], argv)  # noqa: S606  (the whole point of this file)


if __name__ == "__main__":
    become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
