"""The audit log. The database itself refuses to change an entry, to put one anywhere but at the end, and to delete one
that no entry names as deleted.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_CHANGED = "An entry of the audit log is never changed."
_INSERTED = "Entries of the audit log are added at its end."
_DELETED = "An entry of the audit log is deleted only where an entry audit_trimmed names it."
_NAMED = "EXISTS (SELECT 1 FROM audit WHERE what = 'audit_trimmed' AND refers_to >= OLD.number)"
_IS_LAST = "NEW.number = COALESCE((SELECT MAX(number) FROM audit) + 1, NEW.number)"

# REPLACE deletes a row without asking the trigger for that: the one for INSERT refuses it.
_SQLITE = (
    f"CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, '{_CHANGED}'); END",
    f"CREATE TRIGGER audit_at_the_end BEFORE INSERT ON audit WHEN NOT ({_IS_LAST}) "
    f"BEGIN SELECT RAISE(ABORT, '{_INSERTED}'); END",
    f"CREATE TRIGGER audit_kept BEFORE DELETE ON audit WHEN NOT {_NAMED} BEGIN SELECT RAISE(ABORT, '{_DELETED}'); END",
)
_POSTGRESQL = (
    f"""CREATE OR REPLACE FUNCTION audit_guarded() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'INSERT' THEN
    IF {_IS_LAST} THEN RETURN NEW; END IF;
    RAISE EXCEPTION '{_INSERTED}';
  ELSIF TG_OP = 'DELETE' THEN
    IF {_NAMED} THEN RETURN OLD; END IF;
    RAISE EXCEPTION '{_DELETED}';
  END IF;
  RAISE EXCEPTION '{_CHANGED}';
END $$""",
    "CREATE TRIGGER audit_rows BEFORE INSERT OR UPDATE OR DELETE ON audit "
    "FOR EACH ROW EXECUTE FUNCTION audit_guarded()",
    "CREATE TRIGGER audit_whole BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_guarded()",
)


def upgrade() -> None:
    """Makes the table and what guards it."""
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("who", sa.String(160), nullable=False),
        sa.Column("what", sa.String(40), nullable=False),
        sa.Column("target", sa.Text),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("request_id", sa.String(64)),
        sa.Column("refers_to", sa.Integer),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.create_index("audit_by_reference", "audit", ["refers_to"])
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)
