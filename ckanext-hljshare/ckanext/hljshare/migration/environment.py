"""What every plugin's env.py does: run its migrations against the portal's database."""

from pathlib import Path

from alembic import context
from sqlalchemy import engine_from_config, pool


def run(env_file: str) -> None:
    """Run the migrations of the plugin whose folder holds `env_file`."""
    settings = context.config.get_section(context.config.config_ini_section, {})
    engine = engine_from_config(settings, prefix="sqlalchemy.", poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=None,
            version_table=f"{Path(env_file).parent.name}_alembic_version",
        )
        with context.begin_transaction():
            context.run_migrations()
