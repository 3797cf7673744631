"""Grants and the log of access."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "002"
down_revision = "001_vault"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade():
    op.create_table(
        "hljshare_grant",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("axis", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False, index=True),
        sa.Column("organization_id", sa.Text),
        sa.Column("dataset_id", sa.Text, nullable=False, index=True),
        sa.Column("resource_id", sa.Text),
        sa.Column("columns", JSONB),
        sa.Column("rows", JSONB),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("conditions", sa.Text, nullable=False, server_default=""),
        sa.Column("not_before", TIME, nullable=False),
        sa.Column("not_after", TIME, nullable=False),
        sa.Column("max_downloads", sa.Integer),
        sa.Column("used", sa.Integer, nullable=False, server_default="0"),
        sa.Column("request_id", sa.Text),
        sa.Column("created", TIME, nullable=False),
        sa.Column("created_by", sa.Text),
        sa.Column("revoked", TIME),
        sa.Column("revoked_by", sa.Text),
        sa.Column("revoked_reason", sa.Text, nullable=False, server_default=""),
        sa.CheckConstraint("not_after > not_before", name="hljshare_grant_period"),
        sa.CheckConstraint(
            "max_downloads is null or (max_downloads > 0 and used <= max_downloads)",
            name="hljshare_grant_count",
        ),
    )
    op.create_table(
        "hljshare_access_log",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("at", TIME, nullable=False, index=True),
        sa.Column("ended", TIME),
        sa.Column("user_id", sa.Text, nullable=False, index=True),
        sa.Column("grant_id", sa.Text, index=True),
        sa.Column("ticket", sa.Text, unique=True),
        sa.Column("dataset_id", sa.Text, nullable=False, index=True),
        sa.Column("resource_id", sa.Text),
        sa.Column("owner_org", sa.Text, index=True),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False, server_default=""),
        sa.Column("size", sa.BigInteger),
        sa.Column("promised", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("sent", sa.BigInteger, nullable=False, server_default="0"),
    )


def downgrade():
    op.drop_table("hljshare_access_log")
    op.drop_table("hljshare_grant")
