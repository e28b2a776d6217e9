"""Challengers in shadow, and where they differ from the champion."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "shadows",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("champion", sa.Integer, nullable=False),
        sa.Column("challenger", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("ended_at", sa.Float),
        sa.Column("compared", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("differed", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("champion_right", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("challenger_right", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("neither_right", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("why", sa.Text),
    )
    active = sa.text("ended_at IS NULL")
    op.create_index("shadows_by_model", "shadows", ["model", "created_at"])
    op.create_index("shadows_active", "shadows", ["model"], unique=True, sqlite_where=active, postgresql_where=active)
    op.create_table(
        "differences",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("shadow", sa.String(40), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("rank", sa.Float, nullable=False),
        sa.Column("crowd", sa.Integer, nullable=False),
        sa.Column("turned", sa.Integer, nullable=False),
        sa.Column("champion_label", sa.Text, nullable=False),
        sa.Column("challenger_label", sa.Text, nullable=False),
        sa.Column("champion_confidence", sa.Float, nullable=False),
        sa.Column("challenger_confidence", sa.Float, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("asked_at", sa.Float),
        sa.Column("label", sa.Text),
        sa.Column("labelled_at", sa.Float),
        sa.UniqueConstraint("shadow", "sha256"),
    )
    op.create_index("differences_by_rank", "differences", ["shadow", "rank"])
