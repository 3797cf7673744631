"""What the ledger knows of the copies the portal holds."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "004"
down_revision = "003"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column(
        "hljshare_ingest_ledger", sa.Column("files", JSONB, nullable=False, server_default="{}")
    )


def downgrade():
    op.drop_column("hljshare_ingest_ledger", "files")
