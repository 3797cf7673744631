"""The ledger of sources and the reports of runs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "001_ledger"
down_revision = None
branch_labels = None
depends_on = None

COUNTS = ("seen", "created", "updated", "unchanged", "held", "withdrawn", "rejected")


def upgrade():
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "hljshare_ingest_ledger",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("source_id", sa.Text, nullable=False),
        sa.Column("native_id", sa.Text, nullable=False),
        sa.Column("package_id", sa.Text, index=True),
        sa.Column("content_hash", sa.Text),
        sa.Column("record", JSONB),
        sa.Column("staged_hash", sa.Text),
        sa.Column("staged", JSONB),
        sa.Column("outcome", sa.Text, nullable=False, server_default="staged"),
        sa.Column("reasons", JSONB, nullable=False, server_default="[]"),
        sa.Column("unmirrored", sa.Integer, nullable=False, server_default="0"),
        sa.Column("first_seen", moment, nullable=False),
        sa.Column("last_seen", moment, nullable=False),
        sa.Column("missing_since", moment),
        sa.UniqueConstraint("source_id", "native_id"),
    )
    op.create_table(
        "hljshare_ingest_run",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("source_id", sa.Text, nullable=False, index=True),
        sa.Column("harvest_job_id", sa.Text, index=True),
        sa.Column("trigger", sa.Text, nullable=False),
        sa.Column("started", moment, nullable=False),
        sa.Column("finished", moment),
        *(sa.Column(name, sa.Integer, nullable=False, server_default="0") for name in COUNTS),
        sa.Column("stopped", sa.Text),
    )
    op.create_table(
        "hljshare_ingest_entry",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column(
            "run_id",
            sa.Text,
            sa.ForeignKey("hljshare_ingest_run.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("native_id", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False, server_default=""),
        sa.Column("package_id", sa.Text),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("reasons", JSONB, nullable=False, server_default="[]"),
    )


def downgrade():
    for table in ("hljshare_ingest_entry", "hljshare_ingest_run", "hljshare_ingest_ledger"):
        op.drop_table(table)
