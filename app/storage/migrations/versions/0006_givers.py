"""Who gave a correction, what is held back of them, and which job learned which."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds the columns; nobody knows them of the corrections that are there."""
    op.add_column("feedback", sa.Column("giver", sa.String(64)))
    op.add_column("feedback", sa.Column("held", sa.String(32)))
    op.add_column("feedback", sa.Column("held_at", sa.Float))
    op.add_column("feedback", sa.Column("held_by", sa.String(40)))
    op.add_column("feedback", sa.Column("held_group", sa.Text))
    op.create_index("feedback_by_giver", "feedback", ["giver", "created_at"])
    op.create_table(
        "lessons",
        sa.Column("correction", sa.String(40), primary_key=True),
        sa.Column("job", sa.String(40), primary_key=True),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("learned_at", sa.Float, nullable=False),
    )
