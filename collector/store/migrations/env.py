"""Alembic's way in: the connection is given by `collector.store.migrations.upgrade`, there is no alembic.ini."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    # Two collectors that start together must not both migrate.
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('motcua migrations'))"))
context.configure(connection=connection, transactional_ddl=True, render_as_batch=True)
context.run_migrations()
