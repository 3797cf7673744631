"""Previews of sources, who changed a source last, and the counts of what waits."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "005"
down_revision = "004"
branch_labels = None
depends_on = None


def upgrade():
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "hljshare_ingest_preview",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("source_id", sa.Text, nullable=False, index=True),
        sa.Column("digest", sa.Text),
        sa.Column("mapping", sa.Text),
        sa.Column("body", sa.Text),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="waiting"),
        sa.Column("problem", sa.Text),
        sa.Column("created", moment, nullable=False),
        sa.Column("heartbeat", moment),
        sa.Column("finished", moment),
        sa.Column("done", sa.Integer, nullable=False, server_default="0"),
        sa.Column("total", sa.Integer),
        sa.Column("result", JSONB),
    )
    op.add_column("hljshare_ingest_source", sa.Column("digest", sa.Text))
    op.add_column("hljshare_ingest_source", sa.Column("changed", moment))
    op.add_column("hljshare_ingest_source", sa.Column("changed_by", sa.Text))
    # Counted for the cities' page, which everybody may load.
    op.create_index(
        "hljshare_ingest_ledger_waiting",
        "hljshare_ingest_ledger",
        ["source_id", "outcome"],
        postgresql_where=sa.text("outcome IN ('held', 'rejected')"),
    )
    # What ran before there was an approval was started by the operator; the digest of what it is
    # now is taken at the first look (approval.may_run).
    op.execute(
        "INSERT INTO hljshare_ingest_source (source_id, approved, approved_by)"
        " SELECT source_id, max(started), 'operator' FROM hljshare_ingest_run GROUP BY source_id"
        " ON CONFLICT (source_id) DO UPDATE SET approved = excluded.approved,"
        " approved_by = excluded.approved_by WHERE hljshare_ingest_source.approved IS NULL"
    )


def downgrade():
    op.drop_index("hljshare_ingest_ledger_waiting")
    for column in ("digest", "changed", "changed_by"):
        op.drop_column("hljshare_ingest_source", column)
    op.drop_table("hljshare_ingest_preview")
