"""Batches, results of lines, what is held; on a city's side what was sent and acknowledged."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade():
    op.execute("CREATE SEQUENCE IF NOT EXISTS hljshare_push_entry_position")
    op.create_table(
        "hljshare_push_batch",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("source_id", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("lines", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("received", TIME, nullable=False),
        sa.Column("finished", TIME),
        sa.Column("receipt", sa.Text),
        sa.UniqueConstraint("source_id", "key"),
    )
    op.create_index("ix_hljshare_push_batch_finished", "hljshare_push_batch", ["finished"])
    op.create_table(
        "hljshare_push_result",
        sa.Column(
            "batch_id",
            sa.BigInteger,
            sa.ForeignKey("hljshare_push_batch.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("line", sa.Integer, primary_key=True),
        sa.Column("native_id", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("reasons", JSONB, nullable=False),
        sa.Column("content_hash", sa.Text),
        sa.Column("dataset", sa.Text),
    )
    # By bytes, as both sides sort.
    native_id = sa.Text(collation="C")
    op.create_table(
        "hljshare_push_entry",
        sa.Column("source_id", sa.Text, primary_key=True),
        sa.Column("native_id", native_id, primary_key=True),
        sa.Column("bucket", sa.SmallInteger, nullable=False),
        sa.Column(
            "position",
            sa.BigInteger,
            server_default=sa.text("nextval('hljshare_push_entry_position')"),
            nullable=False,
        ),
        sa.Column("content_hash", sa.Text),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("package_id", sa.Text),
    )
    op.create_index(
        "ix_hljshare_push_entry_position",
        "hljshare_push_entry",
        ["source_id", "position"],
        unique=True,
    )
    op.create_index(
        "ix_hljshare_push_entry_bucket",
        "hljshare_push_entry",
        ["source_id", "bucket", "native_id"],
    )
    op.create_table(
        "hljshare_push_acknowledged",
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("native_id", native_id, primary_key=True),
        sa.Column("content_hash", sa.Text),
        sa.Column("refused_hash", sa.Text),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("reasons", JSONB, nullable=False),
    )
    op.create_table(
        "hljshare_push_outgoing",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("lines", sa.Integer, nullable=False),
        sa.Column("content", sa.LargeBinary),
        sa.Column("made", TIME, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("receipt", JSONB),
    )


def downgrade():
    for table in ("outgoing", "acknowledged", "entry", "result", "batch"):
        op.drop_table(f"hljshare_push_{table}")
    op.execute("DROP SEQUENCE hljshare_push_entry_position")
