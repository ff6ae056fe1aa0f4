"""One Alembic history for both databases: on SQLite it runs once in each file, on PostgreSQL once.

A revision asks `parts()` which halves it is to make: `core`, `series` or both.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, Engine

from collector.store.databases import Store

_HERE = Path(__file__).parent


def upgrade(store: Store) -> None:
    """Bring a store to the newest revision, each database in one transaction."""
    if store.dialect == "postgresql":
        _upgrade(store.core, "core", "series")
    else:
        _upgrade(store.core, "core")
        _upgrade(store.ts, "series")


def parts() -> frozenset[str]:
    """Which halves the database in hand holds; for revisions."""
    chosen = context.config.attributes["parts"]
    return frozenset(str(part) for part in chosen)


def _upgrade(engine: Engine, *chosen: str) -> None:
    with engine.connect().execution_options(motcua_writes=True) as connection, connection.begin():
        run(connection, "head", *chosen)


def run(connection: Connection, revision: str, *chosen: str) -> None:
    """Bring the halves `chosen` to a revision, inside the caller's transaction."""
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"], config.attributes["parts"] = connection, chosen
    command.upgrade(config, revision)
