"""Run by `pages`: prints {page: median CPU in ms} as one line of JSON."""

import functools
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from core import sign_in, users
from core.models import Job
from core.services import services
from tests.benchmarks.corpus import fill

SCRIPT = Path(__file__).parents[2] / "pages/navigation.py"
RUNS = 15


def main(count: int) -> None:
    """Fill the tables, then run every page."""
    made = services()
    with made.sessions.begin() as session:
        user = users.from_account(session, made.accounts.all()["tester"])
        token = sign_in.begin(
            session,
            user,
            client=sign_in.Client(address="127.0.0.1"),
            cookie_key=made.settings.auth_cookie_key,
            ttl_s=3600,
        )
    fill(made, user.id, count)
    with made.sessions() as session:
        job_id = session.scalars(select(Job.id).order_by(Job.id.desc()).limit(1)).one()
    costs = {"sign_in": _signed_out()}
    with patch("pages.parts.viewer.read_cookie", lambda: token):
        for page in ("image_edit", "video", "history"):
            costs[page] = _cost(functools.partial(_opened, page))
        costs["job"] = _cost(lambda: _opened("job", id=str(job_id)))
    print(json.dumps(costs))


def _opened(page: str, **query: str) -> AppTest:
    at = AppTest.from_file(SCRIPT, default_timeout=30)
    at.run()
    for name, value in query.items():
        at.query_params[name] = value
    at.switch_page(f"{page}.py")
    return at


def _signed_out() -> float:
    with patch("pages.parts.viewer.read_cookie", lambda: None):
        return _cost(lambda: AppTest.from_file(SCRIPT, default_timeout=30).run())


def _cost(prepared: Callable[[], AppTest]) -> float:
    """Return the median CPU of a run in ms; what is prepared before it does not count."""
    spent = []
    for _ in range(RUNS):
        at = prepared()
        gc.collect()
        started = time.process_time()
        at.run()
        spent.append(1000 * (time.process_time() - started))
        if at.exception:
            sys.exit(str(at.exception))
    return statistics.median(spent)


if __name__ == "__main__":
    main(int(sys.argv[1]))
