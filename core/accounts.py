"""The fixed accounts: a YAML file in streamlit-authenticator's format, bcrypt hashes only.

    credentials:
      usernames:
        kim: {name: "김하나", password: "$2b$12$...", roles: [tester]}

The file is the authority on passwords, names and roles; the `users` rows follow it.
"""

import functools
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import bcrypt
import structlog
import yaml

from core import durable_file
from core.errors import ConfigError
from core.models import Role

log = structlog.get_logger(__name__)

MAX_PASSWORD_BYTES = 72  # bcrypt reads no more and bcrypt 5 refuses longer ones
ROUNDS = 12
# What bcrypt compares with; it raises on anything else. The salt's last letter holds two bits.
HASH: Final = re.compile(
    rb"\$2[abxy]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}"
)
NOT_AN_ACCOUNTS_FILE: Final = (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One entry of the file. `login_id` is lower case, as streamlit-authenticator keeps it."""

    login_id: str
    display_name: str
    role: Role
    password_hash: bytes = field(repr=False)


class Accounts:
    """The accounts file, read again whenever it changes. Safe to share between threads.

    A file that breaks while we run keeps nobody out: what was read last stays
    in force, and the log says so.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: object = None
        self._accounts: Mapping[str, Account] | None = None

    def all(self) -> Mapping[str, Account]:
        """Return every account by login.

        Raises:
            ConfigError: the file is missing or not in the expected form, and never was.
        """
        with self._lock:
            seen = _version(self._path)
            if self._accounts is not None and seen == self._seen:
                return self._accounts
            self._seen = seen
            try:
                self._accounts = load(self._path)
            except ConfigError as error:
                if self._accounts is None:
                    raise
                log.warning("accounts_unreadable", reason=str(error), still=len(self._accounts))
            return self._accounts

    def check(self, login_id: str, password: str) -> Account | None:
        """Return the account if the password is right; unknown names take as long as known."""
        account = self.all().get(login_id.strip().lower())
        known = account.password_hash if account else _nobody()
        given = password.encode()
        fits = len(given) <= MAX_PASSWORD_BYTES
        right = bcrypt.checkpw(given if fits else b"", known)
        return account if account and fits and right else None


@functools.cache
def _nobody() -> bytes:
    """Return what an unknown name is compared with. Made once, and not before it is needed."""
    return bcrypt.hashpw(b"nobody", bcrypt.gensalt(ROUNDS))


def _version(path: Path) -> object:
    """Return what differs once the file has been changed or replaced."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def load(path: Path) -> Mapping[str, Account]:
    """Read a credentials file. Raises ConfigError naming the entry that is wrong."""
    try:
        return _accounts(_parsed(path))
    except OSError as error:
        raise ConfigError(
            f"AUTH_CREDENTIALS cannot be read: {error}. Create the file with "
            "python -m core user add LOGIN --name NAME --role tester"
        ) from error
    except NOT_AN_ACCOUNTS_FILE as error:
        raise _malformed(path, error) from error


def _parsed(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _accounts(content: Any) -> Mapping[str, Account]:
    entries = content["credentials"]["usernames"]
    return {login.lower(): _account(login.lower(), entry) for login, entry in entries.items()}


def _malformed(path: Path, error: Exception) -> ConfigError:
    return ConfigError(
        f"AUTH_CREDENTIALS {str(path)!r} is not a credentials file "
        f"(credentials: usernames: LOGIN: ...): {error!r}."
    )


def _account(login_id: str, entry: Mapping[str, Any]) -> Account:
    hashed = str(entry["password"]).encode()
    if not HASH.fullmatch(hashed):
        raise ConfigError(
            f"The account {login_id!r} holds no bcrypt hash, or not all of it. Passwords are "
            f"never stored as text: set it with python -m core user add {login_id}"
        )
    roles = entry.get("roles") or [Role.TESTER]
    if any(role not in set(Role) for role in roles):
        raise ConfigError(f"The account {login_id!r} has roles {roles}; known: {', '.join(Role)}.")
    return Account(
        login_id=login_id,
        display_name=_name(entry) or login_id,
        role=Role.ADMIN if Role.ADMIN in roles else Role.TESTER,
        password_hash=hashed,
    )


def _name(entry: Mapping[str, Any]) -> str:
    """Return the name of an entry: streamlit-authenticator has two ways to write it."""
    parts = (entry.get("first_name"), entry.get("last_name"))
    return str(entry.get("name") or " ".join(str(part) for part in parts if part))


def hash_password(password: str) -> str:
    """Return the bcrypt hash. Raises ConfigError for a password that is too short or long."""
    if len(password) < 10 or len(password.encode()) > MAX_PASSWORD_BYTES:
        raise ConfigError("A password has 10 or more characters and at most 72 bytes.")
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(ROUNDS)).decode()


def save(
    path: Path,
    login_id: str,
    *,
    password_hash: bytes,
    display_name: str | None = None,
    role: Role | None = None,
) -> Account:
    """Add an account or set its password; name and role stay unless they are given.

    Everything else in the file stays, and who may read it.

    Raises:
        ConfigError: the file is not in the expected form, or cannot be written.
    """
    try:
        content = _parsed(path) if path.exists() else {"credentials": {"usernames": {}}}
        entries = content["credentials"]["usernames"]
        entry = entries.setdefault(login_id, {})
        entry["password"] = password_hash.decode()
        if display_name or not _name(entry):
            entry["name"] = display_name or login_id
        if role is not None or not entry.get("roles"):
            entry["roles"] = [str(role or Role.TESTER)]
        account = _accounts(content)[login_id]
        durable_file.replace(path, yaml.safe_dump(content, allow_unicode=True))
    except OSError as error:
        raise ConfigError(
            f"AUTH_CREDENTIALS {str(path)!r} cannot be written: {error}. "
            "Run this as root or as the file's owner."
        ) from error
    except NOT_AN_ACCOUNTS_FILE as error:
        raise _malformed(path, error) from error
    return account
