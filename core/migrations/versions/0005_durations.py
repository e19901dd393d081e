"""Remember how long videos take

Safe while the previous release runs: it neither reads nor writes the new table, and the new
column is empty where it has looked.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column(
        "runs", sa.Column("looked_at", postgresql.TIMESTAMP(timezone=True), nullable=True)
    )
    op.create_table(
        "generation_times",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("earliest_s", sa.Double(), nullable=False),
        sa.Column("latest_s", sa.Double(), nullable=False),
        sa.Column("called_back", sa.Boolean(), nullable=True),
        sa.CheckConstraint(
            "0 <= earliest_s AND earliest_s <= latest_s", name=op.f("ck_generation_times_in_order")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_generation_times_job_id")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_generation_times")),
    )
    op.create_index(op.f("ix_generation_times_kind_job_id"), "generation_times", ["kind", "job_id"])
