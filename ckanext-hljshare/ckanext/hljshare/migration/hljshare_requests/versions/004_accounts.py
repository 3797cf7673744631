"""Verified addresses and blocks of applicants."""

import sqlalchemy as sa
from alembic import op

revision = "004"
down_revision = "003"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade():
    op.create_table(
        "hljshare_email_proof",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("verified_at", TIME),
        sa.Column("how", sa.Text, nullable=False, server_default=""),
        sa.Column("nonce", sa.Text),
        sa.Column("sent_at", TIME),
        sa.Column("sends", sa.Integer, nullable=False, server_default="0"),
    )
    op.create_table(
        "hljshare_applicant_block",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False, index=True),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("until", TIME),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("ended_at", TIME),
        sa.Column("ended_by", sa.Text),
    )
    # One block at a time; blocking again is a conflict, not a second row.
    op.create_index(
        "hljshare_applicant_block_one",
        "hljshare_applicant_block",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    # Who has an account already is not stopped by a rule that is newer.
    op.execute(
        "INSERT INTO hljshare_email_proof (user_id, address, verified_at, how) "
        "SELECT id, email, now(), 'before' FROM \"user\" "
        "WHERE state = 'active' AND coalesce(email, '') <> ''"
    )


def downgrade():
    op.drop_table("hljshare_applicant_block")
    op.drop_table("hljshare_email_proof")
