"""A stack whose pages, worker and errands are stand-ins: what is tested is who owns them.

    python -m tests.local.stand_in [PARTS]

PARTS (comma list) limits it: postgres, s3, openai, minimax, accounts, worker, web.
"""

import os
import sys
import time
from dataclasses import replace

from core.errors import ConfigError
from deploy.local.home import home_at
from deploy.local.stack import Plan, Site, plan
from deploy.local.steps import Chore, Errand, Step
from deploy.local.up import up

WEB = """
import http.server, os
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"pages")
    def log_message(self, *_): pass
address = (os.environ["WEB_HOST"], int(os.environ["WEB_PORT"]))
http.server.ThreadingHTTPServer(address, Page).serve_forever()
"""
WORKER = """
import signal, sys, os
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if os.environ.get("WORKER_FAILS"):
    sys.exit("DATABASE_URL is not set.")
if os.environ.get("WORKER_IS_DEAF"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("event=worker_started", flush=True)
while True:
    signal.pause()
"""
CODE = {"web": WEB, "worker": WORKER, "tables": "", "bucket": ""}


def main(parts: str) -> int:
    """Start it as `up` would."""

    def table(site: Site) -> Plan:
        wanted = {name for name in parts.split(",") if name}
        found = plan(site)
        names = {step.name for step in found.steps if not wanted or step.name in wanted}
        names |= {step.name for step in found.steps if isinstance(step, Errand)}
        steps = tuple(_stand_in(step, names) for step in found.steps if step.name in names)
        return replace(found, steps=steps)

    try:
        env = dict(os.environ)
        return up(home_at(env), env, began=time.monotonic(), table=table)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1


def _stand_in(step: Step, names: set[str]) -> Step:
    needs = tuple(name for name in step.needs if name in names)
    if isinstance(step, Chore) or step.name not in CODE:
        return replace(step, needs=needs)
    argv = (step.command.argv[0], "-c", CODE[step.name])
    return replace(step, needs=needs, command=replace(step.command, argv=argv))


if __name__ == "__main__":
    sys.exit(main(",".join(sys.argv[1:])))
