"""Gates: limits per key, fair turns and trials

The release before must not run against this schema: it reads provider_gates.tokens, which
goes. Stop pages and workers, migrate, start the new ones.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    moment = postgresql.TIMESTAMP(timezone=True)
    op.drop_column("provider_gates", "tokens")
    op.add_column("provider_gates", sa.Column("checked_at", moment, nullable=True))
    op.add_column("provider_gates", sa.Column("trial_at", moment, nullable=True))
    op.add_column("provider_gates", sa.Column("slow_until", moment, nullable=True))
    op.add_column(
        "provider_gates", sa.Column("slow_requests_per_minute", sa.BigInteger(), nullable=True)
    )
    op.add_column("runs", sa.Column("key_id", sa.Text(), nullable=True))
    op.add_column(
        "runs", sa.Column("input_images", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column(
        "attempts", sa.Column("input_images", sa.BigInteger(), server_default="0", nullable=False)
    )
    # What was sent before counts on: jobs that wait or run keep the key that sent them.
    op.execute(
        """
        UPDATE runs SET
            input_images = (
                SELECT count(*) FROM assets
                WHERE assets.job_id = runs.job_id AND assets.kind = 'input'
            ),
            key_id = (
                SELECT attempts.key_id FROM attempts
                WHERE attempts.job_id = runs.job_id ORDER BY attempts.n DESC LIMIT 1
            )
        """
    )
    op.create_index(
        op.f("ix_attempts_dialect_key_id_created_at"),
        "attempts",
        ["dialect", "key_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "ix_runs_ready",
        "runs",
        ["dialect", "user_id", "due_at", "job_id"],
        unique=False,
        postgresql_where=sa.text("stage = 'ready'"),
    )
    op.create_index(
        "ix_runs_waiting",
        "runs",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("stage = 'ready'"),
    )
    op.create_index(
        "ix_runs_in_hand",
        "runs",
        ["dialect", "key_id"],
        unique=False,
        postgresql_where=sa.text("stage IN ('submitting', 'generating', 'uncertain')"),
    )
    op.drop_index("ix_runs_due", table_name="runs")
    op.create_index(
        "ix_runs_due",
        "runs",
        ["due_at", "job_id"],
        unique=False,
        postgresql_where=sa.text("lease_owner IS NULL AND stage IN ('generating', 'storing')"),
    )
