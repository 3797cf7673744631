"""What a record was made from, so that it need not be made again."""

import sqlalchemy as sa
from alembic import op

revision = "006"
down_revision = "005"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("hljshare_ingest_ledger", sa.Column("fingerprint", sa.Text))


def downgrade():
    op.drop_column("hljshare_ingest_ledger", "fingerprint")
