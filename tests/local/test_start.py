"""Starting: from nothing, again, and when something is in the way."""

import json
import re
import shutil
import socket
import stat
import urllib.request

import psycopg2
import pytest
import yaml

from core.accounts import Accounts
from core.errors import ConfigError
from deploy.local import home, s3
from deploy.local.stack import DATABASE
from tests.local.conftest import Stack, Terminal, gone


def passwords(terminal: Terminal) -> list[str]:
    return re.findall(r"\b(?:[a-z2-9]{4}-){3}[a-z2-9]{4}\b", terminal.text)


def database(stack: Stack) -> "psycopg2.extensions.connection":
    return psycopg2.connect(
        host=stack.home.postgres.resolve(), port=5432, user=DATABASE, dbname=DATABASE
    )


def test_a_first_start_brings_up_every_part_and_says_where_to_sign_in(stack):
    terminal = stack.up("postgres,s3,openai,accounts,worker,web")

    for part in ("Postgres", "S3 store", "OpenAI simulator", "Accounts", "Tables", "Pages"):
        terminal.shows(rf"{part}.* \d+\.\d\d s")
    terminal.shows(r"Ready in \d+\.\d s$")
    url = terminal.shows(r"http://127\.0\.0\.1:\d+")
    with urllib.request.urlopen(url) as page:
        assert page.read() == b"pages"
    assert terminal.stop() == 0


def test_a_second_start_finds_the_data_the_ports_and_the_passwords_of_the_first(stack):
    first = stack.up("postgres,s3,accounts,worker,web")
    with database(stack) as connection:
        connection.cursor().execute("CREATE TABLE kept (x int)")
    connection.close()
    first.stop()
    ports = stack.home.ports.read_text()

    second = stack.up("postgres,s3,accounts,worker,web")

    with database(stack) as connection:
        connection.cursor().execute("SELECT FROM kept")
    connection.close()
    assert passwords(second) == passwords(first) != []
    assert stack.home.ports.read_text() == ports


def test_the_printed_passwords_open_the_accounts_and_are_stored_as_hashes_only(stack):
    terminal = stack.up("accounts,worker,web")

    tester, admin = passwords(terminal)
    accounts = Accounts(stack.home.credentials)
    assert accounts.check("tester", tester)
    found = accounts.check("admin", admin)
    assert found
    assert found.role == "admin"
    assert tester not in stack.home.credentials.read_text()


def test_no_secret_is_in_a_log_or_readable_by_others(stack):
    terminal = stack.up("s3,accounts,worker,web")

    keys = json.loads(stack.home.keys.read_text()).values()
    logged = "".join(log.read_text() for log in stack.home.logs.iterdir())
    assert not [secret for secret in (*keys, *passwords(terminal)) if secret in logged]
    for file in (stack.home.keys, stack.home.passwords, stack.home.credentials):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_changed_password_is_not_printed_any_more(stack):
    first = stack.up("accounts,worker,web")
    first.stop()
    content = yaml.safe_load(stack.home.credentials.read_text())
    content["credentials"]["usernames"]["admin"]["password"] = "$2b$12$another"
    stack.home.credentials.write_text(yaml.safe_dump(content))

    second = stack.up("accounts,worker,web")

    assert passwords(second) == passwords(first)[:1]
    second.shows("admin .*its password was changed")


def test_spaces_and_korean_in_the_path_and_a_users_own_pg_settings_do_no_harm(folder):
    elsewhere = {"PGPORT": "1", "PGHOST": "192.0.2.1", "PGSSLMODE": "require", "LC_ALL": "xx"}
    stack = Stack(folder / "내 폴더 'a' & b", **elsewhere)
    try:
        stack.up("postgres,s3,openai,worker,web")
        with database(stack) as connection:
            connection.cursor().execute("SELECT 1")
        connection.close()
    finally:
        stack.close()


def test_a_database_and_a_bucket_of_ones_own_are_used_instead(stack):
    terminal = stack.up(
        DATABASE_URL="postgresql://u:secret@db.example/x",
        S3_BUCKET="ours",
        OPENAI_API_KEY="sk-real",
        MINIMAX_API_KEY="mm-real",
        AUTH_CREDENTIALS="/etc/accounts.yaml",
    )

    terminal.shows("- Postgres .*DATABASE_URL")
    terminal.shows("- S3 store .*ours")
    terminal.shows("OPENAI_API_KEY is set: edits are real and cost money")
    assert "simulator" not in terminal.text
    assert "secret" not in terminal.text
    assert not stack.home.postgres.exists()


def test_a_taken_port_is_one_sentence(stack):
    with socket.create_server(("127.0.0.1", int(stack.env["WEB_PORT"]))):
        terminal = stack.open("worker,web")
        assert terminal.ends() == 1

    assert terminal.lines[-1].startswith(f"Port {stack.env['WEB_PORT']} on 127.0.0.1 is taken")
    assert "WEB_PORT=" in terminal.lines[-1]


def test_a_port_of_a_part_that_is_taken_now_is_replaced(stack):
    stack.up("s3,worker,web").stop()
    before = json.loads(stack.home.ports.read_text())["s3"]

    with socket.create_server(("127.0.0.1", before)):
        stack.up("s3,worker,web")

    assert json.loads(stack.home.ports.read_text())["s3"] != before


def test_a_part_that_does_not_start_stops_the_others_and_is_one_sentence(stack):
    terminal = stack.open("s3,worker,web", WORKER_FAILS="1")

    assert terminal.ends() == 1
    assert terminal.lines[-1].startswith("Worker did not start: DATABASE_URL is not set. (see ")
    assert not stack.home.state.exists()


def test_a_folder_that_cannot_be_written_is_one_sentence(stack):
    terminal = stack.open(PROOFSHEET_HOME="/dev/null/home")

    assert terminal.ends() == 1
    assert len(terminal.lines) == 1
    assert "cannot be written" in terminal.text
    assert "PROOFSHEET_HOME=" in terminal.text


def test_a_full_disk_is_one_sentence(folder):
    with pytest.raises(ConfigError, match=r"is full: \d+ MB are free and .* MB are needed"):
        home.prepare(home.Home(path=folder / "home"), needed_bytes=2**60)


@pytest.mark.parametrize("wrong", [{"WEB_PORT": "http"}, {"SIMULATOR_SPEED": "fast"}])
def test_a_wrong_setting_is_one_sentence(stack, wrong):
    terminal = stack.open(**wrong)

    assert terminal.ends() == 1
    assert len(terminal.lines) == 1
    assert next(iter(wrong)) in terminal.text


def test_without_the_s3_servers_environment_one_sentence_says_how_to_get_it(monkeypatch, folder):
    monkeypatch.setattr(s3, "ROOT", folder)

    with pytest.raises(ConfigError, match=r"\.venv-s3 is missing\). Run 'make run'"):
        s3.python()


def test_a_large_log_is_put_aside_at_the_next_start(stack):
    stack.up("worker,web").stop()
    with stack.home.log("worker").open("ab") as log:
        log.truncate(home.KEPT_LOG_BYTES + 1)

    stack.up("worker,web")

    assert stack.home.log("worker").stat().st_size < 1000
    assert stack.home.logs.joinpath("worker.log.1").stat().st_size > home.KEPT_LOG_BYTES


def test_erase_deletes_its_own_data_and_nothing_else(stack):
    stack.up("postgres,accounts,worker,web").stop()
    stack.home.path.joinpath("mine.txt").write_text("kept")

    assert stack.run("erase").returncode == 0

    assert [path.name for path in stack.home.path.iterdir()] == ["mine.txt"]
    shutil.rmtree(stack.home.path)


def test_stopping_leaves_no_process(stack):
    terminal = stack.up("postgres,s3,worker,web")
    pids = [stack.pid(name) for name in ("postgres", "s3", "worker", "web")]

    terminal.stop()

    assert all(gone(pid) for pid in pids)
    assert not stack.home.state.exists()
