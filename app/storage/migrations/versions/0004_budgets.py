"""What a job may use: who asked for it, how long it may be silent, how long it has run, how much it has to do."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds the columns; nobody knows them of the jobs that are there."""
    op.add_column("jobs", sa.Column("client", sa.String(64)))
    op.add_column("jobs", sa.Column("lease_seconds", sa.Float))
    op.add_column("jobs", sa.Column("worked_seconds", sa.Float, nullable=False, server_default=sa.text("0")))
    op.add_column("jobs", sa.Column("pictures", sa.Float, nullable=False, server_default=sa.text("0")))
