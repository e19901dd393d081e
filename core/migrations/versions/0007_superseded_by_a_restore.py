"""Let a request be superseded without a consent that an older database had forgotten

Safe while the previous release runs: it writes no such row, and reads one as any other that was
sent again.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NAME = "ck_attempts_superseded_by_consent"
BY_CONSENT = "outcome <> 'superseded' OR consent_by IS NOT NULL"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.drop_constraint(op.f(NAME), "attempts")
    op.create_check_constraint(
        op.f(NAME), "attempts", f"{BY_CONSENT} OR observation IS NOT DISTINCT FROM 'restored'"
    )
