"""Signing in and out: lock-out, sessions, and the one way from a cookie to a person.

The cookie's value is a token in streamlit-authenticator's form (HS256 with
`username` and `exp_date`) and one claim more, `jti`, which names a row in
`sessions`: without that row the token is worth nothing, so sign-out revokes.
"""

import hashlib
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import jwt
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.orm.attributes import set_committed_value

from core import audit, users
from core.accounts import Accounts
from core.errors import NotSignedIn, Rejected, TooMany, msg
from core.models import LoginAttempt, User
from core.models import Session as SessionRow

COOKIE: Final = "proofsheet_session"
WINDOW_S: Final = 900
MAX_FAILURES_PER_ACCOUNT: Final = 10
MAX_FAILURES_PER_ADDRESS: Final = 50
SEEN: Final = 40  # characters of a browser's name that are kept
# The session that a cookie names, if it still counts, and its person. Made once: pages ask at
# every run, and making a statement takes longer than asking it.
_COUNTS: Final = (
    SessionRow.token_sha256 == bindparam("token_sha256"),
    SessionRow.revoked_at.is_(None),
    SessionRow.expires_at > func.now(),
)
_SESSION: Final = select(SessionRow).where(*_COUNTS)
_WHO: Final = select(User).join(SessionRow, SessionRow.user_id == User.id).where(*_COUNTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """From where somebody speaks to us."""

    address: str
    user_agent: str = ""


def sign_in(
    sessions: sessionmaker[Session],
    accounts: Accounts,
    *,
    login_id: str,
    password: str,
    client: Client,
    cookie_key: str,
    ttl_s: int,
) -> tuple[User, str]:
    """Return the person and the value for their cookie.

    The try is counted before the slow comparison and outside its transaction:
    a thousand tries at once are a thousand tries.

    Raises:
        TooMany: too many failed tries on this account or from this address.
        Rejected: name or password are wrong; the same words for both.
    """
    name = login_id.strip().lower()[:100]
    with sessions.begin() as session:
        attempt_id, locks = _count_try(session, name, client.address)
    account = accounts.check(name, password)
    with sessions.begin() as session:
        user = users.from_account(session, account) if account else None
        if user is not None and user.disabled_at is None:
            session.get_one(LoginAttempt, attempt_id).succeeded = True
            audit.record(session, "signed_in", user_id=user.id, address=client.address)
            return user, begin(session, user, client=client, cookie_key=cookie_key, ttl_s=ttl_s)
        audit.record(session, "sign_in_failed", user_id=None, address=client.address, login_id=name)
        for on in locks:
            audit.record_once(
                session, "sign_in_locked", on=on, within_s=WINDOW_S, address=client.address
            )
    raise Rejected(msg("The name or the password is wrong."))


def _count_try(
    session: Session, login_id: str, address: str
) -> tuple[int, Sequence[tuple[str, str]]]:
    """Count a try as failed until it has succeeded; refuse it when there were too many.

    Return its id and what it locks if it fails: the account, the address, both or nothing.
    """
    # The account before the address, always: tries that share both never wait in a circle.
    for counted in (f"account:{login_id}", f"address:{address}"):
        key = func.hashtextextended(f"sign_in:{counted}", 0)
        session.execute(select(func.pg_advisory_xact_lock(key)))
    since = func.now() - timedelta(seconds=WINDOW_S)
    failures = select(func.count()).where(LoginAttempt.at > since, ~LoginAttempt.succeeded)
    on_account = session.scalar(failures.where(LoginAttempt.login_id == login_id)) or 0
    from_address = session.scalar(failures.where(LoginAttempt.address == address)) or 0
    if on_account >= MAX_FAILURES_PER_ACCOUNT or from_address >= MAX_FAILURES_PER_ADDRESS:
        raise TooMany(
            msg("Too many tries. Wait {minutes} minutes and try again.", minutes=WINDOW_S // 60),
            retry_after_s=WINDOW_S,
        )
    attempt = LoginAttempt(login_id=login_id, address=address, succeeded=False)
    session.add(attempt)
    session.flush()
    locks = []
    if on_account + 1 == MAX_FAILURES_PER_ACCOUNT:
        locks.append(("account", login_id))
    if from_address + 1 == MAX_FAILURES_PER_ADDRESS:
        locks.append(("address", address))
    return attempt.id, locks


def begin(session: Session, user: User, *, client: Client, cookie_key: str, ttl_s: int) -> str:
    """Open a session for a person and return the cookie's value."""
    name = secrets.token_urlsafe(32)
    session.add(
        SessionRow(
            token_sha256=_hash(name),
            user_id=user.id,
            expires_at=func.now() + timedelta(seconds=ttl_s),
            address=client.address,
            user_agent=client.user_agent[:SEEN],
        )
    )
    claims = {"username": user.login_id, "exp_date": time.time() + ttl_s, "jti": name}
    return jwt.encode(claims, cookie_key, algorithm="HS256")


def current_user(
    session: Session, accounts: Accounts, token: str | None, *, cookie_key: str
) -> User:
    """Return who a cookie belongs to; account, role and disabled state are as of now.

    Raises:
        NotSignedIn: no, forged, ended or revoked session, or a person who is
            disabled or no longer among the accounts.
    """
    name = _session_name(token, cookie_key)
    user = session.scalar(_WHO, {"token_sha256": _hash(name)}) if name is not None else None
    account = accounts.all().get(user.login_id) if user is not None else None
    if user is None or account is None or user.disabled_at is not None:
        raise NotSignedIn(msg("Please sign in."))
    # The file is the authority; the row follows at the next sign-in.
    set_committed_value(user, "role", account.role)
    return user


def sign_out(session: Session, token: str | None, *, cookie_key: str, client: Client) -> None:
    """End the session a cookie belongs to. An ended one is not an error."""
    name = _session_name(token, cookie_key)
    row = session.scalar(_SESSION, {"token_sha256": _hash(name)}) if name is not None else None
    if row is not None:
        row.revoked_at = func.now()
        audit.record(session, "signed_out", user_id=row.user_id, address=client.address)


def revoke(session: Session, user_id: UUID | None = None) -> None:
    """End every session of a person, or of everybody."""
    live = update(SessionRow).where(SessionRow.revoked_at.is_(None))
    if user_id is not None:
        live = live.where(SessionRow.user_id == user_id)
    session.execute(live.values(revoked_at=func.now()))


def _session_name(token: str | None, cookie_key: str) -> str | None:
    try:
        claims: dict[str, Any] = jwt.decode(
            token or "",
            cookie_key,
            algorithms=["HS256"],
            options={"require": ["username", "exp_date", "jti"]},
        )
        # `exp_date` is streamlit-authenticator's own claim: PyJWT does not check it.
        return str(claims["jti"]) if float(claims["exp_date"]) > time.time() else None
    except (jwt.InvalidTokenError, TypeError, ValueError):
        return None


def _hash(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
