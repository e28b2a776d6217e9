"""Who gave a correction, what is held back of them, and which job learned which."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds the columns and tables. Who gave the corrections that are there nobody knows; who learned them, the jobs do
    that are still remembered."""
    op.add_column("feedback", sa.Column("giver", sa.String(64)))
    op.add_column("feedback", sa.Column("held", sa.String(32)))
    op.add_column("feedback", sa.Column("held_at", sa.Float))
    op.add_column("feedback", sa.Column("held_by", sa.String(40)))
    op.add_column("feedback", sa.Column("held_group", sa.Text))
    op.add_column("feedback", sa.Column("released_at", sa.Float))
    op.create_index("feedback_by_giver", "feedback", ["giver", "created_at"])
    op.create_table(
        "lessons",
        sa.Column("correction", sa.String(40), primary_key=True),
        sa.Column("job", sa.String(40), primary_key=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("as_of", sa.Float, nullable=False),
    )
    op.create_index("lessons_by_job", "lessons", ["job"])
    op.create_table(
        "lineage",
        sa.Column("job", sa.String(40), primary_key=True),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("parent", sa.Text, nullable=False),
        sa.Column("accepted", sa.Integer, nullable=False),
    )
    op.create_index("lineage_by_version", "lineage", ["version"])
    op.create_table(
        "secrets",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.String(64), nullable=False),
    )
    _remember(op.get_bind())


def _remember(connection: sa.Connection) -> None:
    """Until now a job learned all corrections of its base's model that were given before it was made."""
    jobs = sa.table("jobs", *map(sa.column, ("id", "state", "created_at", "base", "publish_to", "training_file")),
                    sa.column("result", sa.JSON))  # fmt: skip
    feedback = sa.table("feedback", *map(sa.column, ("id", "model", "changed_at")))
    lessons = sa.table("lessons", *map(sa.column, ("correction", "job", "model", "as_of")))
    lineage = sa.table("lineage", *map(sa.column, ("job", "version", "parent", "accepted")))
    for job in connection.execute(sa.select(jobs).where(jobs.c.state == "succeeded")).all():
        made = job.result or {}
        if "version" not in made:
            continue
        row = {
            "job": job.id,
            "version": made["version"],
            "parent": job.base,
            "accepted": int(bool(made.get("accepted"))),
        }
        connection.execute(sa.insert(lineage).values(row))
        if job.training_file == "feedback":
            told = sa.literal(job.id), sa.literal(job.publish_to), sa.literal(job.created_at, sa.Float)
            which = sa.select(feedback.c.id, *told).where(
                feedback.c.model == job.base.partition("@")[0], feedback.c.changed_at <= job.created_at
            )
            connection.execute(sa.insert(lessons).from_select(["correction", "job", "model", "as_of"], which))
