"""The ledger's memory loses the addresses of files."""

from alembic import op

revision = "002"
down_revision = "001_ledger"
branch_labels = None
depends_on = None

# Without its address a file counts as changed once, when its record next changes.
WITHOUT_ADDRESSES = """
UPDATE hljshare_ingest_ledger SET staged = NULL, staged_hash = NULL, record = jsonb_set(
    record, '{resources}',
    (SELECT coalesce(jsonb_agg(item || '{"url": "digest:"}'), '[]')
     FROM jsonb_array_elements(record -> 'resources') AS item))
WHERE record -> 'resources' IS NOT NULL
"""


def upgrade():
    op.execute(WITHOUT_ADDRESSES)


def downgrade():
    pass
