"""Resource codes and the numbers of providers; an index for titles within a provider."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "hljshare_catalog_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and the index."""
    op.create_table(
        "hljshare_code_provider",
        sa.Column("org_id", sa.Text, primary_key=True),
        sa.Column("region_code", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.UniqueConstraint("region_code", "number", name="hljshare_code_provider_number"),
    )
    op.create_table(
        "hljshare_resource_code",
        sa.Column("package_id", sa.Text, primary_key=True),
        sa.Column("org_id", sa.Text, nullable=False, index=True),
        sa.Column("class_code", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("allocated", sa.Boolean, nullable=False),
        sa.Column(
            "given_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
        ),
        sa.UniqueConstraint("class_code", "sequence", name="hljshare_resource_code_place"),
        sa.UniqueConstraint("code", name="hljshare_resource_code_code"),
    )
    # A title is unique within its provider; md5 keeps a long one within the size of an index entry.
    op.execute(
        "CREATE INDEX hljshare_package_title"
        " ON package (owner_org, md5(normalize(btrim(title), NFKC)))"
    )


def downgrade() -> None:
    """Drop what upgrade made."""
    op.execute("DROP INDEX hljshare_package_title")
    op.drop_table("hljshare_resource_code")
    op.drop_table("hljshare_code_provider")
