"""Where the database's folder and socket are, and whom the server runs as."""

import os
import shlex
import stat
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from core.errors import ConfigError
from deploy.local.home import NEEDED_BYTES, Home, check_space, refused
from deploy.local.postgres import SOCKET_FILE, Cluster
from deploy.local.postgres_programs import find
from deploy.local.processes import Identity, nobody, require_name

SOCKET_PATH_BYTES = 107 if sys.platform == "linux" else 103
OUTSIDE = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108  (made with mkdtemp)


def cluster_in(home: Home, env: Mapping[str, str]) -> Cluster:
    """Return the stack's cluster, its folder made and its programs found.

    Raises:
        ConfigError: no usable programs, no place for the data, or a full disk.
    """
    base = _base(home.postgres)
    check_space(base, NEEDED_BYTES)
    return cluster_at(base, env)


def cluster_at(base: Path, env: Mapping[str, str]) -> Cluster:
    """Return the cluster in a folder that everybody can reach. Raises ConfigError as above."""
    owner = _owner(base)
    try:
        if owner:
            os.chown(base, owner.uid, owner.gid)
    except OSError as error:
        raise refused(base, error) from error
    programs = find(env, owner=owner, copies=base)
    return Cluster(programs=programs, base=base, sockets=socket_folder(base, owner), owner=owner)


def _base(wanted: Path) -> Path:
    """Return the database's folder: `wanted`, or one outside that 'nobody' can reach.

    As root the server runs as 'nobody', who cannot enter a checkout in /root.
    We open no folder of anybody's for that: the data goes outside and `wanted`
    becomes a link to it.
    """
    if wanted.is_symlink() and not wanted.exists():
        wanted.unlink()
    if wanted.exists() or os.geteuid() != 0 or reachable(wanted.parent):
        wanted.mkdir(mode=0o700, exist_ok=True)
        return wanted.resolve()
    for place in OUTSIDE:
        if place.is_dir() and reachable(place):
            outside = Path(tempfile.mkdtemp(prefix="proofsheet-", dir=place))
            wanted.symlink_to(outside)
            return outside
    raise ConfigError(
        f"Postgres runs as 'nobody' when started by root, and 'nobody' can reach neither "
        f"{str(wanted.parent)!r} nor /var/lib. Choose a folder it can: PROOFSHEET_HOME=/srv/x"
    )


def reachable(folder: Path) -> bool:
    """Return whether everybody may pass through all of the path."""
    path = folder.resolve()
    return all(part.stat().st_mode & stat.S_IXOTH for part in (path, *path.parents))


def _owner(base: Path) -> Identity | None:
    """Return whom the server must run as: as root never root, but whoever has the data already."""
    if os.geteuid() != 0:
        require_name()
        return None
    for data in base.glob("pg*"):
        found = data.stat()
        if found.st_uid != 0:
            return Identity(uid=found.st_uid, gid=found.st_gid)
    return nobody()


def socket_folder(base: Path, owner: Identity | None) -> Path:
    """Return a private folder whose path is short enough for a socket.

    A comma would separate hosts in a DSN, so such a path is 'too long' as well.
    """
    if len(os.fsencode(base / SOCKET_FILE)) <= SOCKET_PATH_BYTES and "," not in str(base):
        return base
    uid, gid = (owner.uid, owner.gid) if owner else (os.geteuid(), os.getegid())
    short = Path(tempfile.gettempdir()) / f"proofsheet-{uid}-{base.stat().st_ino}"
    short.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0 and short.lstat().st_uid == 0:
        os.chown(short, uid, gid)
    found = short.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or found.st_mode & 0o077:
        raise ConfigError(
            f"{shlex.quote(str(short))} is in the way: the socket of Postgres needs that folder to "
            "itself. Remove it, or move the checkout to a shorter path."
        )
    return short
