"""Files of requests, and the identity numbers of those who apply."""

import sqlalchemy as sa
from alembic import op

revision = "002"
down_revision = "001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade():
    op.create_table(
        "hljshare_request_file",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text),
        sa.Column("uploader", sa.Text, nullable=False),
        sa.Column("created", TIME, nullable=False),
        sa.Column("not_after", TIME),
        sa.Column("erased", TIME),
        sa.CheckConstraint(
            "purpose in ('proof','attachment','delivery','report')",
            name="hljshare_request_file_purposes",
        ),
        sa.CheckConstraint(
            "purpose <> 'proof' or key_id is not null", name="hljshare_request_file_sealed"
        ),
        sa.CheckConstraint(
            "not_after is null or purpose = 'delivery'", name="hljshare_request_file_until"
        ),
    )
    op.create_table(
        "hljshare_request_identity",
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("masked", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("erased_at", TIME),
        sa.CheckConstraint(
            "(erased_at is null) = (sealed <> '')", name="hljshare_request_identity_erased"
        ),
    )
    op.create_index(
        "hljshare_request_file_request_idx", "hljshare_request_file", ["request_id", "created"]
    )
    # What is still to be erased one day, and to be sealed anew when a key is replaced.
    op.create_index(
        "hljshare_request_file_kept_idx",
        "hljshare_request_file",
        ["id"],
        postgresql_where=sa.text("key_id is not null and erased is null"),
    )
    op.create_index(
        "hljshare_request_identity_kept_idx",
        "hljshare_request_identity",
        ["request_id"],
        postgresql_where=sa.text("erased_at is null"),
    )


def downgrade():
    op.drop_table("hljshare_request_identity")
    op.drop_table("hljshare_request_file")
