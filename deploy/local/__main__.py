"""The local stack: python -m deploy.local up | down | status | erase."""

import argparse
import io
import os
import sys
import time

BEGAN = time.monotonic()

from deploy.local.supported import problem  # noqa: E402  (the rest does not import on Windows)

if sentence := problem(os.environ):  # noqa: TID251  (the stack hands the environment on)
    sys.exit(sentence)

from core.errors import ConfigError  # noqa: E402
from deploy.local.environment import with_file  # noqa: E402
from deploy.local.erase import erase  # noqa: E402
from deploy.local.follow import down, status  # noqa: E402
from deploy.local.home import ROOT, home_at, refused  # noqa: E402
from deploy.local.up import up  # noqa: E402


def main() -> int:
    """Run one command; return 0, or 1 after one sentence that says what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    parser.add_argument(
        "command",
        choices=("up", "down", "status", "erase"),
        help="up: start and stay; down: stop; status: what runs; erase: stop and delete the data",
    )
    command = parser.parse_args().command
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may know no Korean
    try:
        env = with_file(os.environ, ROOT / ".env")  # noqa: TID251  (handed on to the children)
        home = home_at(env)
        if command == "up":
            return up(home, env, began=BEGAN)
        return {"down": down, "status": status, "erase": erase}[command](home)
    except ConfigError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(refused(home_at(os.environ).path, error), file=sys.stderr)  # noqa: TID251  (as above)
    return 1


if __name__ == "__main__":
    sys.exit(main())
