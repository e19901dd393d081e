"""The operator's commands: python -m core COMMAND."""

import argparse
import getpass
import sys
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from core import accounts, audit, users
from core.database import migrate
from core.errors import AppError, ConfigError
from core.logs import configure_logs
from core.models import Role
from core.services import Services, build, settings_from_environment
from core.storage.doctor import doctor
from core.storage.provision import provision


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0, or 1 after one sentence that says what is wrong."""
    configure_logs()
    options = _parser().parse_args(arguments)
    try:
        settings = settings_from_environment()
        command: Callable[[Services, argparse.Namespace], int] = options.command
        return command(build(settings, application="proofsheet-core"), options)
    except (AppError, SQLAlchemyError) as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m core", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command, text in (
        ("migrate", _migrate, "bring the database's schema up to date"),
        ("provision-bucket", _provision, "make the bucket and its CORS rules"),
        ("doctor", _doctor, "prove that database and bucket do what we rely on"),
    ):
        commands.add_parser(name, help=text).set_defaults(command=command)
    user = commands.add_parser("user", help="accounts").add_subparsers(required=True)
    add = user.add_parser("add", help="add an account or set its password (asked for, or stdin)")
    add.add_argument("login")
    add.add_argument("--name", default="")
    add.add_argument("--role", choices=list(Role), default=Role.TESTER)
    add.set_defaults(command=_add_user)
    disable = user.add_parser("disable", help="keep somebody out from the next page run on")
    disable.add_argument("login")
    disable.set_defaults(command=_disable_user)
    return parser


def _migrate(services: Services, _: argparse.Namespace) -> int:
    migrate(services.settings.database_url)
    print("The schema is up to date.")
    return 0


def _provision(services: Services, _: argparse.Namespace) -> int:
    settings = services.settings
    origins = {f"http://{settings.web_host}:{settings.web_port}"}
    if settings.web_host == "127.0.0.1":
        origins.add(f"http://localhost:{settings.web_port}")
    if settings.public_base_url:
        origins.add(settings.public_base_url)
    steps = provision(services.bucket, origins=sorted(origins))
    for step in steps:
        print(f"{'ok ' if step.done else 'BAD'} {step.name}: {step.detail}")
    return 0 if all(step.done for step in steps) else 1


def _doctor(services: Services, _: argparse.Namespace) -> int:
    settings = services.settings
    origin = settings.public_base_url or f"http://{settings.web_host}:{settings.web_port}"
    checks = doctor(services.bucket, environment=settings.environment, origin=origin)
    for check in checks:
        print(f"{'ok ' if check.ok else 'BAD'} {check.name}: {check.detail}")
    return 0 if all(check.ok for check in checks) else 1


def _add_user(services: Services, options: argparse.Namespace) -> int:
    login = options.login.strip().lower()
    if sys.stdin.isatty():
        password = getpass.getpass(f"Password for {login}: ")
        if getpass.getpass("Once more: ") != password:
            raise ConfigError("The two passwords differ. Nothing was changed.")
    else:
        password = sys.stdin.readline().rstrip("\n")
    account = accounts.Account(
        login_id=login,
        display_name=options.name or login,
        role=Role(options.role),
        password_hash=accounts.hash_password(password).encode(),
    )
    accounts.save(services.settings.auth_credentials, account)
    with services.sessions.begin() as session:
        user = users.from_account(session, account)
        audit.record(session, "account_set", user_id=None, on=("user", user.id), role=user.role)
    print(f"{login} can sign in as {options.role}.")
    return 0


def _disable_user(services: Services, options: argparse.Namespace) -> int:
    with services.sessions.begin() as session:
        user = users.named(session, options.login)
        users.disabled(user)
        audit.record(session, "account_disabled", user_id=None, on=("user", user.id))
    print(f"{user.login_id} can no longer sign in.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
