import re
from pathlib import Path

import pytest

from core import connections
from core.api import storage
from core.decode import limits
from core.media import child
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
    return unit("worker")


def unit(name: str) -> dict[str, str]:
    lines = Path(TEMPLATES / f"proofsheet-{name}.service").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_systemd_waits_for_the_longest_request_and_for_its_result():
    longest_s = DEFAULTS.openai_timeout_s + DEFAULTS.lease_margin_s + DEFAULTS.store_lease_s

    assert float(worker_unit()["TimeoutStopSec"]) > longest_s


def test_a_dead_database_is_not_taken_for_a_hanging_loop():
    """One turn asks up to nine times: four lanes twice, the outlook, and two new connections."""
    turn_s = 9 * connections.REPLY_S + 2 * connections.CONNECT_S

    assert worker_unit()["Type"] == "notify"
    assert float(worker_unit()["WatchdogSec"]) > turn_s


@pytest.mark.parametrize("name", ["web", "worker"])
def test_the_largest_picture_and_one_beside_it_fit_into_a_units_memory(name):
    resting = 250 * limits.MIB
    beside = limits.BEFORE_BYTES + limits.LARGE_PIXELS * limits.BYTES_PER_PIXEL
    file = DEFAULTS.max_image_bytes
    needed = resting + limits.HARD_MEMORY_BYTES + (child.AT_ONCE - 1) * (beside + file)

    assert unit(name)["MemoryMax"] == "5G"
    assert needed < 5 * 1024 * limits.MIB


@pytest.mark.parametrize("name", ["web", "worker"])
def test_a_decoder_that_runs_out_of_memory_goes_alone(name):
    assert unit(name)["OOMPolicy"] == "continue"


def test_uploads_are_verified_on_a_disk_that_is_emptied_at_every_start():
    text = (TEMPLATES / "proofsheet-web.service").read_text(encoding="utf-8")

    assert unit("web")["CacheDirectory"] == "proofsheet-web"
    assert "\nEnvironment=TMPDIR=%C/proofsheet-web\n" in text
    assert "\nExecStartPre=/usr/bin/find %C/proofsheet-web -mindepth 1 -delete\n" in text
    assert storage.AT_ONCE * DEFAULTS.max_video_bytes <= 2 * 1024 * limits.MIB
