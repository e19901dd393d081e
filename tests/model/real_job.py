"""One job in the real tables and in the real spool."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import attempts
from core.claims import Claim
from core.models import Attempt, Job, User
from tests.model import rows
from tests.model import state as s
from tests.model.rules import Rules
from tests.model.state import State
from workers.hands import Hands
from workers.spool import Spool


class RealJob:
    """A new job, its attempts in order, and the claims of its workers."""

    def __init__(self, hands: Hands, user: User, rules: Rules) -> None:
        """`hands` serve every worker: they are threads of one process and share its name."""
        self.hands = hands
        elsewhere = hands.services.settings.spool_dir / "elsewhere"
        self.elsewhere = replace(hands, spool=Spool(elsewhere))  # of another host
        self.user = user
        self.services = hands.services
        self.rules = rules
        self.job: Job = rows.filed(hands, user, rules.dialect)
        self.key_id = str(self.job.id)
        with self.begin() as session:  # no attempt of another walk is a rival
            session.execute(text("UPDATE attempts SET provider_task_id = id::text"))
        self.claims: dict[int, Claim] = {}
        self.attempts: list[UUID] = []
        self.token = 0

    def begin(self) -> Any:
        """Open a transaction."""
        return self.services.sessions.begin()

    def seen(self) -> rows.Seen:
        """Return what the tables say."""
        with self.services.sessions() as session:
            return rows.in_the_tables(session, self.hands.spool, self.job.id)

    def attempt(self, number: int) -> Attempt:
        """Return a row."""
        with self.services.sessions() as session:
            return session.get_one(Attempt, self.attempts[number])

    def live(self, session: Session, before: State) -> Attempt:
        """Return the live attempt, which both sides have to agree on."""
        found = attempts.live(session, self.job.id)
        number = s.live(before)
        assert found is not None
        assert number is not None
        assert found.id == self.attempts[number]
        return found

    def task_id(self, number: int) -> str:
        """Return what the provider calls the task of an attempt."""
        return f"task-{str(self.attempts[number])[-12:]}"

    def took(self, worker: int, claim: Claim) -> None:
        """Note a worker's new claim: its token is above every earlier one."""
        assert claim.job_id == self.job.id
        assert claim.token > self.token
        self.token = claim.token
        self.claims[worker] = claim
