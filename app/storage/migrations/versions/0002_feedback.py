"""Corrections."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Makes the table; `sha256` is of a picture's pixels, which a model has once."""
    op.create_table(
        "feedback",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("changed_at", sa.Float, nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("read_by", sa.Text),
        sa.Column("read_as", sa.Text),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("job", sa.String(40)),
    )
    op.create_index("feedback_by_pixels", "feedback", ["model", "sha256"], unique=True)
    op.create_index("feedback_by_time", "feedback", ["created_at", "id"])
