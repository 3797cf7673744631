"""The vault of addresses."""

import sqlalchemy as sa
from alembic import op

revision = "001_vault"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "hljshare_vault",
        sa.Column("resource_id", sa.Text, primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("uploaded", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade():
    op.drop_table("hljshare_vault")
