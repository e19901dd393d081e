"""`erase`: stop the stack and delete its data, also what lies outside the checkout."""

import shutil

from core.errors import ConfigError
from deploy.local.follow import down
from deploy.local.home import Home
from deploy.local.running import State
from deploy.local.terminal import Terminal


def erase(home: Home) -> int:
    """Delete what this stack made in its folder, and nothing else that lies there.

    Raises:
        ConfigError: something of it still runs; nothing was deleted.
    """
    if not home.path.exists():
        return 0
    _stop(home)
    if home.postgres.is_symlink():
        shutil.rmtree(home.postgres.resolve(), ignore_errors=True)
        home.postgres.unlink()
    for folder in (home.postgres, *home.folders()):
        shutil.rmtree(folder, ignore_errors=True)
    files = (home.credentials, home.passwords, home.keys, home.ports, home.lock, home.state)
    for file in files:
        file.unlink(missing_ok=True)
    if not any(home.path.iterdir()):
        home.path.rmdir()
    Terminal().say(f"Deleted the data in {home.path}")
    return 0


def _stop(home: Home) -> None:
    """Stop everything; a worker that finishes a paid request needs its spool until it ends."""
    before = State.load(home)
    down(home)
    left = [seen.pid for seen in before.children.values() if seen.alive()] if before else []
    if left:
        raise ConfigError(
            f"Nothing was deleted: a worker ({', '.join(map(str, left))}) still finishes a paid "
            "request. Wait until it has ended, and try again."
        )
