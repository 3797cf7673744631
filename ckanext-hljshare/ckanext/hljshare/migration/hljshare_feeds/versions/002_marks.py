"""When organizations last changed; where datasets have left; parts of dumps by what they hold."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "002"
down_revision = "001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade():
    op.create_table(
        "hljshare_feed_mark",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False),
    )
    op.create_table(
        "hljshare_feed_departure",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("dataset_id", sa.Text, nullable=False, index=True),
        sa.Column("city", sa.Text),
        sa.Column("agency", sa.Text),
        sa.Column("changed", TIME, nullable=False),
    )
    op.execute("DROP SEQUENCE IF EXISTS hljshare_feed_organizations")
    # What goes with its table goes when CKAN clears the database.
    for name in ("position", "version"):
        op.execute(f"ALTER SEQUENCE hljshare_feed_{name} OWNED BY hljshare_feed_entry.{name}")
    op.drop_table("hljshare_feed_part")
    op.create_table(
        "hljshare_feed_part",
        sa.Column("city", sa.Text, primary_key=True),
        sa.Column("agency", sa.Text, primary_key=True),
        sa.Column("syntax", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("newest", sa.BigInteger, nullable=False),
        sa.Column("stamp", sa.Text, nullable=False),
        sa.Column("refs", ARRAY(sa.Text), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.execute("ALTER TABLE hljshare_feed_part ALTER COLUMN body SET STORAGE EXTERNAL")


def downgrade():
    op.execute("CREATE SEQUENCE hljshare_feed_organizations")
    for table in ("mark", "departure", "part"):
        op.drop_table(f"hljshare_feed_{table}")
    op.create_table(
        "hljshare_feed_part",
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("syntax", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("weight", sa.Numeric, nullable=False),
        sa.Column("stamp", sa.Text, nullable=False),
        sa.Column("refs", ARRAY(sa.Text), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
