"""People. The credentials file says who may sign in; the row is made from it."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.accounts import Account
from core.errors import NotFound
from core.models import User


def from_account(session: Session, account: Account) -> User:
    """Return the person's row, made or brought up to date from the credentials file."""
    user = session.scalar(select(User).where(User.login_id == account.login_id))
    if user is None:
        user = User(login_id=account.login_id)
        session.add(user)
    user.display_name = account.display_name
    user.role = account.role
    session.flush()
    return user


def named(session: Session, login_id: str) -> User:
    """Return a person by login. Raises NotFound."""
    user = session.scalar(select(User).where(User.login_id == login_id.strip().lower()))
    if user is None:
        raise NotFound(f"Nobody is called {login_id!r}.")
    return user


def names(session: Session, ids: set[UUID]) -> dict[UUID, str]:
    """Return display names for a page of jobs."""
    rows = session.execute(select(User.id, User.display_name).where(User.id.in_(ids)))
    return {row.id: row.display_name for row in rows}


def speaks(session: Session, user_id: UUID, *, locale: str) -> None:
    """Remember the language a person chose."""
    user = session.get(User, user_id)
    if user is not None:
        user.locale = locale


def enabled(user: User) -> None:
    """Let a person in again who was kept out."""
    user.disabled_at = None


def disabled(user: User) -> None:
    """Keep a person out from the next page run on."""
    user.disabled_at = func.now()
