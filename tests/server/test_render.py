import re
from pathlib import Path

from core import connections
from core.settings import Settings
from deploy.server.render import TEMPLATES, names, render

DEFAULTS = Settings(
    database_url="",
    s3_bucket="",
    s3_access_key_id="",
    s3_secret_access_key="",
    auth_credentials=Path(),
    auth_cookie_key="",
)


def test_no_name_stays_unfilled(tmp_path):
    made = render(tmp_path, names("bench.example.com"))

    assert {path.name for path in made} == {
        "proofsheet-web.service",
        "proofsheet-worker.service",
        "proofsheet.env",
        "proofsheet.nginx.conf",
    }
    for path in made:
        assert not re.search(r"@[A-Z]+@", path.read_text()), path


def worker_unit() -> dict[str, str]:
    lines = Path(TEMPLATES / "proofsheet-worker.service").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_systemd_waits_for_the_longest_request_and_for_its_result():
    longest_s = DEFAULTS.openai_timeout_s + DEFAULTS.lease_margin_s + DEFAULTS.store_lease_s

    assert float(worker_unit()["TimeoutStopSec"]) > longest_s


def test_a_dead_database_is_not_taken_for_a_hanging_loop():
    """One turn asks up to nine times: three lanes twice, the outlook, and two new connections."""
    turn_s = 9 * connections.REPLY_S + 2 * connections.CONNECT_S

    assert worker_unit()["Type"] == "notify"
    assert float(worker_unit()["WatchdogSec"]) > turn_s
