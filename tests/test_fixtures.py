"""What the other tests stand on."""

import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psycopg2
import pytest
from pytest_socket import SocketConnectBlockedError

from deploy.local.home import ROOT
from deploy.local.processes import birth
from tests.local.conftest import wait_until

HOLD = """
from tests import servers
with servers.postgres() as cluster:
    print(cluster.data / "postmaster.pid", flush=True)
    input()
"""


def tables(url: str) -> int:
    connection = psycopg2.connect(url.replace("+psycopg2", ""))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        row = cursor.fetchone()
    connection.close()
    assert row
    return int(row[0])


def test_nothing_beyond_this_machine_can_be_reached():
    with pytest.raises((SocketConnectBlockedError, UserWarning), match=r"192\.0\.2\.1"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)


def test_a_test_gets_a_migrated_database_that_is_not_the_templates(database_url, databases):
    assert tables(database_url) == tables(databases.url("template_proofsheet")) > 5


def test_a_test_of_migrations_gets_an_empty_one(empty_database_url):
    assert tables(empty_database_url) == 0


def test_the_store_refuses_the_anonymous_and_foreign_pages(bucket):
    url = f"{bucket.endpoint_url}/{bucket.name}/key"
    preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"}
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(url)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(urllib.request.Request(url, headers=preflight, method="OPTIONS"))


def test_both_simulators_answer(openai_simulator, minimax_simulator):
    for simulator in (openai_simulator, minimax_simulator):
        with urllib.request.urlopen(f"{simulator.url}/_control/health") as answer:
            assert answer.status == 200


def test_a_killed_test_process_leaves_no_server(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout
    assert holder.stdin
    file = Path(holder.stdout.readline().decode().strip())
    server = int(file.read_text().splitlines()[0])
    assert birth(server)

    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    holder.stdin.close()

    wait_until(lambda: not birth(server))
    assert not birth(server)
    shutil.rmtree(file.parents[1])
