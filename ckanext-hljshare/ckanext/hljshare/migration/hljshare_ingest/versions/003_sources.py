"""Settings of sources, mappings edited on the site, versions of records, progress of runs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "003"
down_revision = "002"
branch_labels = None
depends_on = None

NEW_IN_RUN = (
    sa.Column("total", sa.Integer),
    sa.Column("stage", sa.Text, nullable=False, server_default="read"),
    sa.Column("done", sa.Integer, nullable=False, server_default="0"),
    sa.Column("todo", sa.Integer),
    sa.Column("heartbeat", sa.DateTime(timezone=True)),
    sa.Column("missing", sa.Integer, nullable=False, server_default="0"),
    sa.Column("reconciled", JSONB),
)
NEW_IN_LEDGER = (
    sa.Column("seen_run", sa.Text),
    sa.Column("seen_hash", sa.Text),
    sa.Column("step", JSONB),
)


def upgrade():
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "hljshare_ingest_source",
        sa.Column("source_id", sa.Text, primary_key=True),
        sa.Column("approved", moment),
        sa.Column("approved_by", sa.Text),
        sa.Column("approved_digest", sa.Text),
        sa.Column("every", sa.Integer),
        sa.Column("next_run", moment, index=True),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_try", moment),
        sa.Column("last_success", moment),
        sa.Column("supplier_name", sa.Text, nullable=False, server_default=""),
        sa.Column("supplier_contact", sa.Text, nullable=False, server_default=""),
        sa.Column("missed_after", sa.Integer),
        sa.Column("validators", JSONB, nullable=False, server_default="{}"),
        sa.Column("let_pass", JSONB),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
    )
    op.create_table(
        "hljshare_ingest_mapping",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("name", sa.Text, nullable=False, index=True),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created", moment, nullable=False),
    )
    op.create_table(
        "hljshare_ingest_version",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("source_id", sa.Text, nullable=False),
        sa.Column("native_id", sa.Text, nullable=False),
        sa.Column("package_id", sa.Text, index=True),
        sa.Column("content_hash", sa.Text),
        sa.Column("record", JSONB),
        sa.Column("run_id", sa.Text),
        sa.Column("created", moment, nullable=False),
    )
    op.create_index(
        "hljshare_ingest_version_of", "hljshare_ingest_version", ["source_id", "native_id"]
    )
    for column in NEW_IN_RUN:
        op.add_column("hljshare_ingest_run", column.copy())
    op.execute("UPDATE hljshare_ingest_run SET stage = 'done' WHERE finished IS NOT NULL")
    for column in NEW_IN_LEDGER:
        op.add_column("hljshare_ingest_ledger", column.copy())
    # What a run has still to write, in its order; nothing once it is over.
    op.create_index(
        "hljshare_ingest_ledger_steps",
        "hljshare_ingest_ledger",
        ["source_id", "id"],
        postgresql_where=sa.text("step IS NOT NULL"),
    )


def downgrade():
    op.drop_index("hljshare_ingest_ledger_steps")
    for column in NEW_IN_LEDGER:
        op.drop_column("hljshare_ingest_ledger", column.name)
    for column in NEW_IN_RUN:
        op.drop_column("hljshare_ingest_run", column.name)
    for table in ("version", "mapping", "source"):
        op.drop_table(f"hljshare_ingest_{table}")
