"""The outbox and the notices."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "hljshare_outbox",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("payload", JSONB, nullable=False),
        sa.Column("created", moment, nullable=False),
        sa.Column("not_before", moment, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_error", sa.Text),
        sa.Column("state", sa.Text, nullable=False, server_default="pending"),
        sa.Column("done_at", moment),
        sa.UniqueConstraint("kind", "key"),
        sa.CheckConstraint("state IN ('pending', 'done', 'failed')"),
    )
    for name, column, state in (
        ("due", "not_before", "pending"),
        ("done", "done_at", "done"),
        ("failed", "id", "failed"),
    ):
        op.create_index(
            f"hljshare_outbox_{name}",
            "hljshare_outbox",
            [column],
            postgresql_where=sa.text(f"state = '{state}'"),
        )
    op.create_table(
        "hljshare_notice",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("params", JSONB, nullable=False),
        sa.Column("link", sa.Text, nullable=False, server_default=""),
        sa.Column("created", moment, nullable=False),
        sa.Column("read_at", moment),
        sa.Column("emailed_at", moment),
        sa.UniqueConstraint("user_id", "key"),
    )
    op.create_index("hljshare_notice_inbox", "hljshare_notice", ["user_id", "created"])
    op.create_index(
        "hljshare_notice_unread",
        "hljshare_notice",
        ["user_id"],
        postgresql_where=sa.text("read_at IS NULL"),
    )


def downgrade():
    op.drop_table("hljshare_notice")
    op.drop_table("hljshare_outbox")
