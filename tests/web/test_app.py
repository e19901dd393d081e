"""The web process itself, as `python app.py` starts it: what stands before every page and route."""

import base64
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from deploy.local.processes import Command
from tests import servers
from tests.application import PASSWORDS, write_accounts
from tests.core.test_settings import NEEDED
from tests.stack import free_port

ROOT = Path(__file__).parents[2]
NAME = "bench.example.com"  # what nginx passes on as Host
PATHS = [
    "/",
    "/history",
    "/job?id=x",
    "/_stcore/health",
    "/typo/typo",
    "/api",
    "/api/health",
    "/api/typo",
    "/api/openapi.json",
    "/api/assets/00000000-0000-7000-8000-000000000000/download",
    "/api/fonts/none.woff2",
]


@pytest.fixture(scope="module")
def web(databases, shared_bucket, tmp_path_factory) -> Iterator[str]:
    """The address of a web process that answers for `NAME` and for this machine."""
    folder = tmp_path_factory.mktemp("web")
    write_accounts(folder / "credentials.yaml")
    database = f"web_{uuid4().hex}"
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = Command(
        argv=(sys.executable, str(ROOT / "app.py")),
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DATABASE_URL": databases.create(database, template=servers.TEMPLATE),
            "S3_ENDPOINT_URL": shared_bucket.endpoint_url,
            "S3_REGION": shared_bucket.region,
            "S3_BUCKET": shared_bucket.name,
            "S3_ACCESS_KEY_ID": shared_bucket.access_key,
            "S3_SECRET_ACCESS_KEY": shared_bucket.secret_key,
            "AUTH_CREDENTIALS": str(folder / "credentials.yaml"),
            "AUTH_COOKIE_KEY": "k" * 32,
            "ALLOWED_HOSTS": f"{NAME},127.0.0.1",
            "WEB_PORT": str(port),
        },
        cwd=ROOT,
    )

    def ready() -> bool:
        try:
            return requests.get(f"{url}/api/health", timeout=1).ok
        except requests.RequestException:  # not yet, or slowly
            return False

    with servers.process(command, ready, folder / "log"):
        yield url
    databases.drop(database)


@pytest.fixture(scope="module")
def cookie(web) -> str:
    answer = requests.post(
        f"{web}/api/login",
        json={"login_id": "kim", "password": PASSWORDS["kim"]},
        headers={"X-Proofsheet": "1"},
        timeout=10,
    )
    (cookie,) = answer.cookies.items()
    return "=".join(cookie)


def policy_of(answer: requests.Response) -> dict[str, list[str]]:
    parts = answer.headers["content-security-policy"].split("; ")
    return {name: values for name, *values in map(str.split, parts)}


class TestHeaders:
    @pytest.mark.parametrize("path", PATHS)
    @pytest.mark.parametrize("method", ["GET", "POST"])
    @pytest.mark.parametrize("host", [NAME, "evil.example"])
    def test_every_answer_carries_them(self, web, path, method, host):
        answer = requests.request(
            method, web + path, headers={"Host": host}, timeout=10, allow_redirects=False
        )

        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert policy_of(answer)["frame-ancestors"] == ["'none'"]
        assert "server" not in answer.headers

    def test_only_our_scripts_run_and_media_come_from_the_bucket(self, web, shared_bucket):
        answer = requests.get(web, timeout=10)
        policy = policy_of(answer)

        inline = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", answer.text, re.DOTALL)
        hashes = {
            f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
            for text in inline
        }
        assert set(policy["script-src"]) == {"'self'", "blob:"} | hashes
        assert policy["default-src"] == ["'self'"]
        assert policy["object-src"] == ["'none'"]
        for kind in ("img-src", "media-src", "connect-src"):
            assert policy[kind][-1] == shared_bucket.endpoint_url


class TestHosts:
    @pytest.mark.parametrize("host", [NAME, f"{NAME}:443", "127.0.0.1"])
    def test_our_own_are_served(self, web, host):
        assert requests.get(f"{web}/api/health", headers={"Host": host}, timeout=10).ok

    @pytest.mark.parametrize("host", ["evil.example", f"{NAME}.evil.example", "", "169.254.1.1"])
    @pytest.mark.parametrize("path", ["/", "/api/health", "/_stcore/health"])
    def test_others_are_refused(self, web, host, path):
        answer = requests.get(web + path, headers={"Host": host}, timeout=10)

        assert answer.status_code == 400


class TestWebSockets:
    """Streamlit's own and ours: a browser tells the page's origin and cannot lie about it."""

    STREAM, LIVE = "/_stcore/stream", "/api/live"

    def opened(self, web: str, path: str, *, origin: str, cookie: str = "", host: str = NAME):
        _, _, port = web.rpartition(":")
        headers = {"Cookie": cookie} if cookie else {}
        return connect(
            f"ws://{host}:{port}{path}",
            sock=socket.create_connection(("127.0.0.1", int(port)), 10),
            origin=Origin(origin),
            additional_headers=headers,
            proxy=None,
            open_timeout=10,
        )

    def ours(self, web: str) -> str:
        return f"http://{NAME}:{web.rpartition(':')[2]}"

    @pytest.mark.parametrize("path", [STREAM, LIVE])
    @pytest.mark.parametrize(
        "origin",
        ["https://evil.example", "null", f"http://{NAME}.evil.example", f"http://{NAME}:1"],
    )
    def test_a_page_from_elsewhere_is_refused_even_with_the_cookie(self, web, cookie, path, origin):
        with (
            pytest.raises(InvalidStatus) as caught,
            self.opened(web, path, origin=origin, cookie=cookie),
        ):
            pass
        assert caught.value.response.status_code == 403

    @pytest.mark.parametrize("path", [STREAM, LIVE])
    def test_a_host_that_is_not_ours_is_refused_with_a_matching_origin(self, web, cookie, path):
        origin = f"http://evil.example:{web.rpartition(':')[2]}"
        with (
            pytest.raises(InvalidStatus) as caught,
            self.opened(web, path, origin=origin, cookie=cookie, host="evil.example"),
        ):
            pass
        assert caught.value.response.status_code in {400, 403}

    def test_our_own_page_is_let_in(self, web, cookie):
        with self.opened(web, self.LIVE, origin=self.ours(web), cookie=cookie) as socket:
            assert json.loads(socket.recv(10)) == {"hello": True}
        with self.opened(web, self.STREAM, origin=self.ours(web), cookie=cookie):
            pass

    def test_nobody_follows_jobs_without_signing_in(self, web):
        with pytest.raises(InvalidStatus), self.opened(web, self.LIVE, origin=self.ours(web)):
            pass


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("WEB_PORT", "99999", 2),
        ("AUTH_CREDENTIALS", "/dev/null/credentials.yaml", 2),
        ("DATABASE_URL", "postgresql://proofsheet@127.0.0.1:1/proofsheet", 1),
    ],
)
def test_what_keeps_it_from_starting_is_one_sentence(tmp_path, name, value, status):
    write_accounts(tmp_path / "credentials.yaml")
    settings = {"AUTH_CREDENTIALS": str(tmp_path / "credentials.yaml"), name: value}
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=NEEDED | {"PATH": os.environ["PATH"]} | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == status
    assert name in done.stderr
    assert "Traceback" not in done.stderr
