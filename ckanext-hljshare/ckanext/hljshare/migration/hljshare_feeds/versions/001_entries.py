"""What machines are told of the catalog, and triggers that note every write to it.

A note stands in the transaction of the write, whoever writes, in whichever way: what was made of
the dataset before is not used any more once that transaction is committed. Notes are only ever
inserted, so no writer waits for another because of them.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
SYNTAXES = ("ttl", "rdf", "jsonld", "nt")
# By table: what a note says of the rows that were written: the dataset, or "" for organizations.
FOLLOWED = {
    "package": "SELECT DISTINCT id FROM touched",
    "resource": "SELECT DISTINCT package_id FROM touched WHERE package_id IS NOT NULL",
    "package_tag": "SELECT DISTINCT package_id FROM touched WHERE package_id IS NOT NULL",
    "group": "SELECT '' FROM touched LIMIT 1",
    "member": "SELECT '' FROM touched WHERE table_name = 'group' LIMIT 1",
}
EVENTS = {"insert": "NEW", "update": "NEW", "delete": "OLD"}


def upgrade():
    op.execute("CREATE SEQUENCE hljshare_feed_position MINVALUE 0 START 0")
    op.execute("CREATE SEQUENCE hljshare_feed_version")
    op.execute("CREATE SEQUENCE hljshare_feed_organizations")
    op.create_table(
        "hljshare_feed_touch",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("dataset_id", sa.Text, nullable=False, index=True),
    )
    op.create_table(
        "hljshare_feed_entry",
        sa.Column("dataset_id", sa.Text, primary_key=True),
        sa.Column(
            "position",
            sa.BigInteger,
            server_default=sa.text("nextval('hljshare_feed_position')"),
            nullable=False,
            unique=True,
        ),
        sa.Column(
            "version",
            sa.BigInteger,
            server_default=sa.text("nextval('hljshare_feed_version')"),
            nullable=False,
        ),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("live", sa.Boolean, nullable=False),
        sa.Column("city", sa.Text),
        sa.Column("agency", sa.Text),
        sa.Column("changed", TIME, nullable=False, index=True),
        sa.Column("stamp", sa.Text),
        sa.Column("refs", ARRAY(sa.Text)),
        *(sa.Column(syntax, sa.Text) for syntax in SYNTAXES),
    )
    op.create_index("ix_hljshare_feed_entry_city", "hljshare_feed_entry", ["city", "position"])
    op.create_index("ix_hljshare_feed_entry_agency", "hljshare_feed_entry", ["agency", "position"])
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
    # Some kilobytes each, read much more often than written: LZ4 unpacks several times as fast.
    for syntax in SYNTAXES:
        op.execute(f"ALTER TABLE hljshare_feed_entry ALTER COLUMN {syntax} SET COMPRESSION lz4")
    op.execute("ALTER TABLE hljshare_feed_part ALTER COLUMN body SET STORAGE EXTERNAL")
    for table, noted in FOLLOWED.items():
        op.execute(
            f"CREATE OR REPLACE FUNCTION hljshare_feed_on_{table}() RETURNS trigger "
            "LANGUAGE plpgsql AS $$ BEGIN "
            f"INSERT INTO hljshare_feed_touch (dataset_id) {noted}; RETURN NULL; END $$"
        )
        for event, rows in EVENTS.items():
            op.execute(
                f'CREATE TRIGGER hljshare_feed_{event} AFTER {event} ON "{table}" '
                f"REFERENCING {rows} TABLE AS touched "
                f"FOR EACH STATEMENT EXECUTE FUNCTION hljshare_feed_on_{table}()"
            )
    op.execute("INSERT INTO hljshare_feed_touch (dataset_id) SELECT id FROM package")


def downgrade():
    for table in FOLLOWED:
        for event in EVENTS:
            op.execute(f'DROP TRIGGER hljshare_feed_{event} ON "{table}"')
        op.execute(f"DROP FUNCTION hljshare_feed_on_{table}()")
    for table in ("part", "entry", "touch"):
        op.drop_table(f"hljshare_feed_{table}")
    for sequence in ("position", "version", "organizations"):
        op.execute(f"DROP SEQUENCE hljshare_feed_{sequence}")
