"""Level changes: the levels last published, and the history of changes."""

import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "003"
down_revision = "002"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
OPEN = ("open", "on_request", "closed")
SHARE = ("unconditional", "conditional", "none")


def upgrade():
    state = op.create_table(
        "hljshare_level_state",
        sa.Column("dataset_id", sa.Text, primary_key=True),
        sa.Column("levels", JSONB, nullable=False),
        sa.Column("published", TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("updated", TIME, nullable=False, server_default=sa.func.now()),
    )
    op.create_table(
        "hljshare_level_change",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("dataset_id", sa.Text, nullable=False, index=True),
        sa.Column("resource_id", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("before", JSONB, nullable=False),
        sa.Column("after", JSONB, nullable=False),
        sa.Column("values", JSONB, nullable=False, server_default="{}"),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        sa.Column("proposer", sa.Text, nullable=False, index=True),
        sa.Column("decider", sa.Text),
        sa.Column("message", sa.Text, nullable=False, server_default=""),
        sa.Column("created", TIME, nullable=False),
        sa.Column("decided", TIME),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        sa.CheckConstraint(
            "state in ('proposed','confirmed','rejected','withdrawn','stale','applied')",
            name="hljshare_level_change_states",
        ),
        sa.CheckConstraint(
            "decider is null or state in ('confirmed','rejected')",
            name="hljshare_level_change_decider",
        ),
        sa.CheckConstraint("decider <> proposer", name="hljshare_level_change_two_people"),
    )
    op.create_index(
        "hljshare_level_change_open",
        "hljshare_level_change",
        ["created"],
        postgresql_where=sa.text("state = 'proposed'"),
    )
    fill(state)


def fill(state):
    """What is public when this is installed is what later changes are measured against."""
    connection = op.get_bind()
    packages = connection.execute(
        sa.text(
            "SELECT id, extras, metadata_created FROM package "
            "WHERE type = 'dataset' AND state = 'active' AND NOT private"
        )
    ).all()
    files = {}
    for package_id, resource_id, extras in connection.execute(
        sa.text("SELECT package_id, id, extras FROM resource WHERE state = 'active'")
    ):
        files.setdefault(package_id, []).append((resource_id, plain(extras)))
    rows = []
    for package_id, extras, created in packages:
        values = plain(extras)
        level = values.get("open_type")
        level = level if level in OPEN else "closed"
        share = values.get("share_type")
        levels = {
            "open_type": level,
            "share_type": share if share in SHARE else "none",
            "files": {key: effective(level, own) for key, own in files.get(package_id, [])},
        }
        rows.append({"dataset_id": package_id, "levels": levels, "published": created})
    if rows:
        op.bulk_insert(state, rows)


def plain(extras):
    if isinstance(extras, str):
        extras = json.loads(extras or "{}")
    return extras or {}


def effective(level, own):
    wanted = own.get("open_type")
    if not wanted:
        return level
    wanted = wanted if wanted in OPEN else "closed"
    looser = own.get("derivative") in ("masked", "sample")
    return wanted if looser or OPEN.index(wanted) >= OPEN.index(level) else level


def downgrade():
    op.drop_table("hljshare_level_change")
    op.drop_table("hljshare_level_state")
