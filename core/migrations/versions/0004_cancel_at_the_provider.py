"""Note who asked to have a task dropped at the provider.

Safe while the previous release runs: it neither reads nor writes the new column, and a task that
is to be dropped is then waited for.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.execute("SET LOCAL lock_timeout = '4s'")
    op.add_column("runs", sa.Column("cancel_by", sa.Text(), nullable=True))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("runs", "cancel_by")
