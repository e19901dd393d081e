"""Remember where and when each spool was last seen.

Safe while the previous release runs: it neither reads nor writes the new table. Answers that wait
in a spool now count as seen now, on the machine of the worker that asked for them.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.create_table(
        "spools",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column(
            "seen_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_spools")),
    )
    op.execute(
        """
        INSERT INTO spools (name, machine)
        SELECT DISTINCT ON (spool_host) spool_host, split_part(worker, ':', 1)
        FROM runs JOIN attempts USING (job_id)
        WHERE spool_host IS NOT NULL AND outcome = 'accepted'
        ORDER BY spool_host, attempts.id DESC
        """
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("spools")
