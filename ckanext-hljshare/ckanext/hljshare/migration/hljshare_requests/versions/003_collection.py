"""Collection tasks (clause 5.2 b), and the addresses of calendar feeds."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "003"
down_revision = "002"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade():
    op.create_table(
        "hljshare_feed_token",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("nonce", sa.Text, nullable=False, unique=True),
        sa.Column("created", TIME, nullable=False),
    )
    op.execute("CREATE SEQUENCE IF NOT EXISTS hljshare_collection_number")
    op.execute("CREATE SEQUENCE IF NOT EXISTS hljshare_collection_receipt")
    op.create_table(
        "hljshare_collection",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("number", sa.Text, nullable=False, unique=True),
        sa.Column("client_key", sa.Text),
        sa.Column("asker_id", sa.Text, nullable=False),
        sa.Column("creator", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("processing", sa.Text, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("period_from", sa.Date, nullable=False),
        sa.Column("period_to", sa.Date, nullable=False),
        sa.Column("due", sa.Date, nullable=False),
        sa.Column("for_all", sa.Boolean, nullable=False),
        sa.Column("repeats", sa.Text, nullable=False),
        sa.Column("series_id", sa.Text, nullable=False),
        sa.Column("occurrence", sa.Integer, nullable=False),
        sa.Column("first_from", sa.Date, nullable=False),
        sa.Column("first_to", sa.Date, nullable=False),
        sa.Column("first_due", sa.Date, nullable=False),
        sa.Column("next_at", TIME),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.UniqueConstraint("series_id", "occurrence"),
        sa.UniqueConstraint("creator", "client_key"),
        sa.CheckConstraint("state in ('open','withdrawn')", name="hljshare_collection_states"),
        sa.CheckConstraint("due > period_to", name="hljshare_collection_due"),
    )
    op.create_table(
        "hljshare_collection_assignment",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("collection_id", sa.Text, nullable=False),
        sa.Column("agency_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("due", sa.Date, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("acknowledged_at", TIME),
        sa.Column("met_at", TIME),
        sa.Column("submission_id", sa.Text),
        sa.Column("returns", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("receipt", sa.Text, unique=True),
        sa.Column("closed_at", TIME),
        sa.Column("next_at", TIME),
        sa.UniqueConstraint("collection_id", "agency_id"),
        sa.CheckConstraint(
            "state in ('assigned','acknowledged','submitted','returned','accepted','withdrawn')",
            name="hljshare_collection_assignment_states",
        ),
        sa.CheckConstraint(
            "(receipt is not null) = (state = 'accepted')",
            name="hljshare_collection_assignment_receipt",
        ),
    )
    op.create_table(
        "hljshare_collection_submission",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("assignment_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("created", TIME, nullable=False),
    )
    op.create_table(
        "hljshare_collection_event",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("collection_id", sa.Text, nullable=False),
        sa.Column("assignment_id", sa.Text),
        sa.Column("at", TIME, nullable=False),
        sa.Column("recorded", TIME, nullable=False),
        sa.Column("actor", sa.Text),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("data", JSONB, nullable=False),
        sa.Column("key", sa.Text),
        sa.UniqueConstraint("assignment_id", "key"),
    )
    waiting = sa.text("next_at is not null")
    owed = sa.text("state in ('assigned','acknowledged','returned')")
    for table, name, columns, where in (
        ("collection", "next", ["next_at", "id"], waiting),
        ("collection", "asker", ["asker_id", "created", "id"], None),
        ("collection_assignment", "next", ["next_at", "id"], waiting),
        ("collection_assignment", "owed", ["agency_id", "due", "id"], owed),
        ("collection_assignment", "agency", ["agency_id", "due", "id"], None),
        ("collection_submission", "assignment", ["assignment_id", "created"], None),
        ("collection_event", "collection", ["collection_id", "id"], None),
    ):
        op.create_index(
            f"hljshare_{table}_{name}_idx", f"hljshare_{table}", columns, postgresql_where=where
        )
    # The record is never rewritten.
    op.execute(
        "CREATE FUNCTION hljshare_collection_event_fixed() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the record of a collection task is not changed'; END $$"
    )
    op.execute(
        "CREATE TRIGGER hljshare_collection_event_fixed BEFORE UPDATE ON hljshare_collection_event "
        "FOR EACH ROW EXECUTE FUNCTION hljshare_collection_event_fixed()"
    )


def downgrade():
    for table in ("event", "submission", "assignment"):
        op.drop_table(f"hljshare_collection_{table}")
    op.drop_table("hljshare_collection")
    op.execute("DROP FUNCTION hljshare_collection_event_fixed()")
    op.execute("DROP SEQUENCE hljshare_collection_receipt")
    op.execute("DROP SEQUENCE hljshare_collection_number")
    op.drop_table("hljshare_feed_token")
