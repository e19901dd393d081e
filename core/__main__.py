"""The operator's commands: python -m core COMMAND.

Each command imports what it needs: two of them run at every local start, and
importing everything would cost each of them a second.
"""

import argparse
import contextlib
import getpass
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from core.errors import AppError, ConfigError
from core.logs import configure_logs
from core.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

Command = Callable[[Settings, argparse.Namespace], int]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0, or 1 after one sentence that says what is wrong."""
    configure_logs()
    options = _parser().parse_args(arguments)
    command: Command = options.command
    try:
        settings = Settings.from_env(os.environ)  # noqa: TID251  (a root of its own)
        return command(settings, options)
    except AppError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m core", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command, text in (
        ("migrate", _migrate, "bring the database's schema up to date"),
        ("provision-bucket", _provision, "make the bucket and its CORS rules"),
        (
            "doctor",
            _doctor,
            "prove what the processes rely on: database, accounts, spool, keys, bucket",
        ),
        ("after-restore", _after_restore, "send nothing by itself that a backup does not know of"),
    ):
        commands.add_parser(name, help=text).set_defaults(command=command)
    user = commands.add_parser("user", help="accounts").add_subparsers(required=True)
    add = user.add_parser("add", help="add an account or set its password (asked for, or stdin)")
    add.add_argument("login")
    add.add_argument("--name", help="as pages show it; stays as it is, or the login")
    add.add_argument("--role", choices=("tester", "admin"), help="stays as it is, or tester")
    add.set_defaults(command=_add_user)
    disable = user.add_parser("disable", help="keep somebody out from the next page run on")
    disable.add_argument("login")
    disable.set_defaults(command=_disable_user)
    return parser


def _migrate(settings: Settings, _: argparse.Namespace) -> int:
    from core.schema import migrate

    migrate(settings.database_url)
    print("The schema is up to date.")
    return 0


def _provision(settings: Settings, _: argparse.Namespace) -> int:
    from core.origins import origins
    from core.storage import bucket_of
    from core.storage.provision import provision

    steps = provision(bucket_of(settings), origins=origins(settings))
    for step in steps:
        print(f"{'ok ' if step.done else 'BAD'} {step.name}: {step.detail}")
    return 0 if all(step.done for step in steps) else 1


def _doctor(settings: Settings, _: argparse.Namespace) -> int:
    from core.doctor import examined
    from core.services import build

    sound = True
    for check in examined(build(settings, application="proofsheet-doctor")):
        print(f"{'ok ' if check.ok else 'BAD'} {check.name}: {check.detail}", flush=True)
        sound = sound and check.ok
    return 0 if sound else 1


def _after_restore(settings: Settings, _: argparse.Namespace) -> int:
    from core.restore import after_restore

    with _transaction(settings) as session:
        count = after_restore(session)
    waiting = "1 job waits" if count == 1 else f"{count} jobs wait"
    print(f"{waiting} for a decision now. Everybody has to sign in again.")
    return 0


def _add_user(settings: Settings, options: argparse.Namespace) -> int:
    from core import accounts, audit, sign_in, users
    from core.models import Role

    login = options.login.strip().lower()
    password = accounts.hash_password(_password(login)).encode()
    account = accounts.save(
        settings.auth_credentials,
        login,
        password_hash=password,
        display_name=options.name,
        role=Role(options.role) if options.role else None,
    )
    with _transaction(settings) as session:
        user = users.from_account(session, account)
        users.enabled(user)
        sign_in.revoke(session, user.id)
        audit.record(session, "account_set", user_id=None, on=("user", user.id), role=user.role)
    print(f"{login} can sign in as {account.role}; who was signed in as {login} is signed out.")
    return 0


def _password(login: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass(f"Password for {login}: ")
    if getpass.getpass("Once more: ") != password:
        raise ConfigError("The two passwords differ. Nothing was changed.")
    return password


def _disable_user(settings: Settings, options: argparse.Namespace) -> int:
    from core import audit, users

    with _transaction(settings) as session:
        user = users.named(session, options.login)
        users.disabled(user)
        audit.record(session, "account_disabled", user_id=None, on=("user", user.id))
    print(f"{user.login_id} can no longer sign in.")
    return 0


@contextlib.contextmanager
def _transaction(settings: Settings) -> "Iterator[Session]":
    from core.database import open_engine, open_sessions
    from core.fitness import usable

    engine = open_engine(settings.database_url, application="proofsheet-core")
    try:
        with usable(), open_sessions(engine).begin() as session:
            yield session
    finally:
        engine.dispose()


if __name__ == "__main__":
    sys.exit(main())
