"""`erase`: stop the stack and delete its data, also what lies outside the checkout."""

import shutil

from deploy.local.follow import down
from deploy.local.home import Home
from deploy.local.terminal import Terminal


def erase(home: Home) -> int:
    """Delete what this stack made in its folder, and nothing else that lies there."""
    if not home.path.exists():
        return 0
    down(home)
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
