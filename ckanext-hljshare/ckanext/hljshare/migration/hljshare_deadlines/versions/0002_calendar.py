"""The calendar of rest days, by versions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "hljshare_calendar_version",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("source", sa.Text, nullable=False, server_default=""),
        sa.Column("file_name", sa.Text, nullable=False, server_default=""),
        sa.Column("user_id", sa.Text),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("hljshare_calendar_version_year", "hljshare_calendar_version", ["year", "id"])
    op.create_table(
        "hljshare_calendar_day",
        sa.Column(
            "version_id",
            sa.Integer,
            sa.ForeignKey("hljshare_calendar_version.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("date", sa.Date, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("is_off", sa.Boolean, nullable=False),
    )


def downgrade():
    op.drop_table("hljshare_calendar_day")
    op.drop_table("hljshare_calendar_version")
