"""The operator's commands, as they are typed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core import accounts, sign_in
from core.errors import NotSignedIn, Rejected
from core.models import Role
from tests.core.conftest import filed, person

ROOT = Path(__file__).parents[2]
KEY = "k" * 32
PASSWORD = "correct horse battery"
CLIENT = sign_in.Client(address="203.0.113.7")


@pytest.fixture
def environment(database_url, tmp_path):
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": database_url,
        "S3_BUCKET": "proofs",
        "S3_ACCESS_KEY_ID": "id",
        "S3_SECRET_ACCESS_KEY": "secret",
        "AUTH_CREDENTIALS": str(tmp_path / "credentials.yaml"),
        "AUTH_COOKIE_KEY": KEY,
    }


@pytest.fixture
def operator(environment):
    def run(*words, stdin="", **env):
        return subprocess.run(
            [sys.executable, "-m", "core", *words],
            cwd=ROOT,
            env=environment | env,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def enter(sessions, tmp_path):
    held = accounts.Accounts(tmp_path / "credentials.yaml")

    def try_it(password=PASSWORD):
        return sign_in.sign_in(
            sessions,
            held,
            login_id="kim",
            password=password,
            client=CLIENT,
            cookie_key=KEY,
            ttl_s=3600,
        )

    return try_it


class TestUser:
    def test_add_makes_an_account_that_can_sign_in(self, operator, enter):
        done = operator("user", "add", " Kim ", "--name", "김하나", stdin=f"{PASSWORD}\n")

        assert done.returncode == 0, done.stderr
        assert enter()[0].display_name == "김하나"

    def test_a_new_password_signs_out_and_keeps_name_and_role(
        self, operator, enter, sessions, tmp_path
    ):
        operator("user", "add", "kim", "--name", "김하나", "--role", "admin", stdin=PASSWORD)
        _, token = enter()
        done = operator("user", "add", "kim", stdin="another long password")

        assert "kim can sign in as admin" in done.stdout, done.stderr
        held = accounts.Accounts(tmp_path / "credentials.yaml")
        with sessions() as session, pytest.raises(NotSignedIn):
            sign_in.current_user(session, held, token, cookie_key=KEY)
        user, _ = enter("another long password")
        assert (user.display_name, user.role) == ("김하나", Role.ADMIN)

    def test_a_disabled_person_comes_back_with_a_new_password(self, operator, enter):
        operator("user", "add", "kim", stdin=PASSWORD)
        assert operator("user", "disable", "KIM").stdout == "kim can no longer sign in.\n"
        with pytest.raises(Rejected):
            enter()

        operator("user", "add", "kim", stdin=PASSWORD)

        assert enter()

    def test_without_the_database_the_command_ends_with_one_sentence(self, operator):
        nowhere = "postgresql://proofsheet@127.0.0.1:1/proofsheet"
        done = operator("user", "disable", "kim", DATABASE_URL=nowhere)

        assert done.returncode == 1
        assert done.stderr.startswith("DATABASE_URL cannot be used: ")
        assert "Traceback" not in done.stderr

    def test_without_the_tables_the_command_says_to_migrate(self, operator, empty_database_url):
        done = operator("user", "disable", "kim", DATABASE_URL=empty_database_url)

        assert done.stderr.endswith("Run python -m core migrate first.\n")


def test_disabling_nobody_is_one_sentence(operator, sessions):
    person(sessions, "lee")

    assert operator("user", "disable", "kim").stderr == "Nobody is called 'kim'.\n"


def test_after_restore_says_how_many_jobs_wait(operator, sessions):
    filed(sessions, person(sessions, "lee"))

    done = operator("after-restore")

    assert done.stdout.startswith("1 job waits for a decision now."), done.stderr
