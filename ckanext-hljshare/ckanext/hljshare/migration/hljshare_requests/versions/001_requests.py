"""Requests, their history, messages, orders and tallies."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade():
    op.execute("CREATE SEQUENCE IF NOT EXISTS hljshare_request_number")
    op.create_table(
        "hljshare_request",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("number", sa.Text, unique=True, nullable=False),
        sa.Column("client_key", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("dataset_id", sa.Text),
        sa.Column("agency_id", sa.Text),
        sa.Column("triage", sa.Boolean, nullable=False),
        sa.Column("handler_id", sa.Text),
        sa.Column("applicant_id", sa.Text, nullable=False),
        sa.Column("unit_id", sa.Text),
        sa.Column("applicant_kind", sa.Text, nullable=False),
        sa.Column("applicant_name", sa.Text, nullable=False),
        sa.Column("contact", sa.Text, nullable=False),
        sa.Column("data_name", sa.Text, nullable=False),
        sa.Column("demand_type", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("theme", sa.Text, nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("other", sa.Text, nullable=False),
        sa.Column("security_measures", sa.Text, nullable=False),
        sa.Column("use_until", sa.Date),
        sa.Column("resources", JSONB, nullable=False),
        sa.Column("business_basis", sa.Text, nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("share_mode", sa.Text, nullable=False),
        sa.Column("agreement_version", sa.Text),
        sa.Column("agreement_hash", sa.Text),
        sa.Column("created", TIME, nullable=False),
        sa.Column("updated", TIME, nullable=False),
        sa.Column("submitted_at", TIME),
        sa.Column("first_submitted_at", TIME),
        sa.Column("accepted_at", TIME),
        sa.Column("deemed", sa.Boolean, nullable=False),
        sa.Column("rule", JSONB),
        sa.Column("pauses", JSONB, nullable=False),
        sa.Column("calendar_version", sa.Text),
        sa.Column("nominal", sa.Date),
        sa.Column("due", sa.Date),
        sa.Column("due_at", TIME),
        sa.Column("provisional", sa.Boolean, nullable=False),
        sa.Column("limit_from", TIME),
        sa.Column("limit_due", sa.Date),
        sa.Column("limit_at", TIME),
        sa.Column("limit_provisional", sa.Boolean, nullable=False),
        sa.Column("next_due", TIME),
        sa.Column("next_at", TIME),
        sa.Column("overdue_at", TIME),
        sa.Column("counts_at", TIME),
        sa.Column("closed_at", TIME),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("returns", sa.Integer, nullable=False),
        sa.Column("proposal", JSONB),
        sa.Column("decision", JSONB),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("basis", JSONB, nullable=False),
        sa.Column("report_due", sa.Date),
        sa.Column("reported_at", TIME),
        sa.Column("use_ends_at", TIME),
        sa.Column("use_ended_at", TIME),
        sa.Column("flag", sa.Text, nullable=False),
        sa.Column("public_name", sa.Text, nullable=False),
        sa.Column("words", ARRAY(sa.Text), nullable=False),
        sa.UniqueConstraint("applicant_id", "client_key"),
    )
    op.create_table(
        "hljshare_request_event",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("recorded", TIME, nullable=False),
        sa.Column("actor", sa.Text),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("stead", sa.Boolean, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("visibility", sa.Text, nullable=False),
        sa.Column("data", JSONB, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    )
    op.create_table(
        "hljshare_request_message",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("created", TIME, nullable=False),
    )
    op.create_table(
        "hljshare_request_order",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("answer_due", sa.Date, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("answered_by", sa.Text),
        sa.Column("answered_at", TIME),
        sa.Column("reminded_at", TIME),
    )
    op.create_table(
        "hljshare_request_tally",
        sa.Column("agency_id", sa.Text, primary_key=True),
        sa.Column("year", sa.Integer, primary_key=True),
        sa.Column("outcome", sa.Text, primary_key=True),
        sa.Column("late", sa.Boolean, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("days", sa.BigInteger, nullable=False),
    )
    # The desk: what an agency, or all of them, owe, in the order in which it is due.
    still_open = sa.text("state in ('submitted', 'accepted', 'suspended', 'approved')")
    listed = sa.text("state <> 'draft' and kind = 'open'")
    for name, columns, where in (
        ("agency_open", ["agency_id", "next_due", "id"], still_open),
        ("open", ["next_due", "id"], still_open),
        ("overdue", ["due_at", "id"], sa.text("due_at is not null and closed_at is null")),
        ("agency", ["agency_id", "updated", "id"], sa.text("state <> 'draft'")),
        ("applicant", ["applicant_id", "created", "id"], None),
        ("dataset", ["dataset_id"], sa.text("dataset_id is not null")),
        ("unit", ["unit_id", "created", "id"], sa.text("unit_id is not null")),
        ("register", ["first_submitted_at", "id"], listed),
        ("register_agency", ["agency_id", "first_submitted_at", "id"], listed),
        ("next", ["next_at", "id"], sa.text("next_at is not null")),
    ):
        op.create_index(
            f"hljshare_request_{name}_idx", "hljshare_request", columns, postgresql_where=where
        )
    op.create_index(
        "hljshare_request_words_idx",
        "hljshare_request",
        ["words"],
        postgresql_using="gin",
        postgresql_where=listed,
    )
    op.create_index(
        "hljshare_request_event_request_idx", "hljshare_request_event", ["request_id", "position"]
    )
    op.create_index(
        "hljshare_request_message_request_idx", "hljshare_request_message", ["request_id"]
    )
    op.create_index("hljshare_request_order_request_idx", "hljshare_request_order", ["request_id"])
    op.create_index(
        "hljshare_request_order_due_idx",
        "hljshare_request_order",
        ["answer_due"],
        postgresql_where=sa.text("answered_at is null"),
    )


def downgrade():
    op.drop_table("hljshare_request_tally")
    op.drop_table("hljshare_request_order")
    op.drop_table("hljshare_request_message")
    op.drop_table("hljshare_request_event")
    op.drop_table("hljshare_request")
    op.execute("DROP SEQUENCE hljshare_request_number")
