"""The demo accounts: random passwords, made once, printed at every start.

The credentials file holds bcrypt hashes only, as on a server; the plain
passwords lie beside it for the terminal, and are shown only while they are
still the ones in force.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import bcrypt
import yaml

from core.errors import ConfigError
from deploy.local.home import Home, kept_json, write_private

DEMO = {"tester": "김하나", "admin": "Dana Park"}  # the login is also the role
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike
ROUNDS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAccount:
    """Somebody who can sign in. `password` is empty when it has been changed since."""

    login: str
    display_name: str
    password: str = field(repr=False)


def prepare(home: Home) -> None:
    """Make the accounts that are missing. Takes half a second the first time."""
    entries = _entries(home)
    passwords = _passwords(home)
    missing = [login for login in DEMO if login not in entries]
    for login in missing:
        passwords[login] = _fresh()
        entries[login] = {
            "name": DEMO[login],
            "password": passwords[login]["hash"],
            "roles": [login],
        }
    if missing:
        write_private(home.passwords, json.dumps(passwords, indent=2))
        content = {"credentials": {"usernames": entries}}
        write_private(home.credentials, yaml.safe_dump(content, allow_unicode=True))


def known(home: Home) -> list[DemoAccount]:
    """Return the demo accounts that can sign in now."""
    entries, passwords = _entries(home), _passwords(home)
    return [
        DemoAccount(
            login=login,
            display_name=str(entries[login].get("name", login)),
            password=_in_force(entries[login], passwords.get(login)),
        )
        for login in DEMO
        if login in entries
    ]


def _in_force(entry: Mapping[str, Any], password: Mapping[str, str] | None) -> str:
    if password is None or password["hash"] != entry.get("password"):
        return ""
    return password["password"]


def _fresh() -> dict[str, str]:
    password = "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(ROUNDS)).decode()
    return {"password": password, "hash": hashed}


def _entries(home: Home) -> dict[str, Any]:
    if not home.credentials.exists():
        return {}
    try:
        content = yaml.safe_load(home.credentials.read_text(encoding="utf-8"))
        return dict(content["credentials"]["usernames"])
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"{str(home.credentials)!r} is not a credentials file any more ({error!r}). "
            "Correct it, or remove it and both demo accounts are made anew."
        ) from error


def _passwords(home: Home) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = kept_json(home.passwords)
    return found
