"""The first schema: contents, attempts, gradings and points, none of which can be changed or taken away.

It is written out here and not read from schema.py, because it must stay as it is when that file moves on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

HASH = sa.String(64)
MOMENT = sa.DateTime(timezone=True)
TABLES = ("contents", "attempts", "gradings", "points")


def upgrade() -> None:
    """Make the tables and their guards."""
    op.create_table(
        "contents",
        sa.Column("id", HASH, primary_key=True),
        sa.Column("bytes", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "attempts",
        sa.Column("id", HASH, primary_key=True),
        sa.Column("exercise", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("student", sa.Text, nullable=False),
        sa.Column("submission", HASH, sa.ForeignKey("contents.id"), nullable=False),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("submitted_at", MOMENT),
        sa.Column("added_at", MOMENT, nullable=False),
    )
    op.create_index("attempts_by_content", "attempts", ["exercise", "submission"])
    op.create_index("attempts_by_student", "attempts", ["student"])
    op.create_table(
        "gradings",
        sa.Column("id", HASH, primary_key=True),
        sa.Column("exercise", sa.Text, nullable=False),
        sa.Column("submission", HASH, sa.ForeignKey("contents.id"), nullable=False),
        sa.Column("tests", HASH, nullable=False),
        sa.Column("grader", HASH, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("max_score", sa.Float, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("record", HASH, sa.ForeignKey("contents.id"), nullable=False),
        sa.Column("graded_at", MOMENT, nullable=False),
    )
    op.create_index("gradings_by_content", "gradings", ["exercise", "submission"])
    op.create_table(
        "points",
        sa.Column("id", HASH, primary_key=True),
        sa.Column("student", sa.Text, nullable=False),
        sa.Column("exercise", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("points", sa.Float, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
    )
    op.create_index("points_by_student", "points", ["student", "exercise", "question"])
    if op.get_bind().dialect.name == "sqlite":
        _guard_in_sqlite()
    else:
        _guard_in_postgres()


def _guard_in_sqlite() -> None:
    for table in TABLES:
        for step in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{step.lower()} BEFORE {step} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, 'a gradebook is only added to: no {step} in {table}'); END"
            )
        # INSERT OR REPLACE deletes without asking a DELETE trigger; here the row that is there stays.
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table}"
            f" WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id)"
            " BEGIN SELECT RAISE(IGNORE); END"
        )


def _guard_in_postgres() -> None:
    op.execute(
        "CREATE FUNCTION gradebook_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'a gradebook is only added to: no % in %', TG_OP, TG_TABLE_NAME; END $$"
    )
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION gradebook_is_only_added_to()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION gradebook_is_only_added_to()"
        )
