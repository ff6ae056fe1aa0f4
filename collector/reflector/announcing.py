"""The reflector of the settings, brought into plans: written down, and all plans drawn anew where it changed."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from collector.hub import Hub
from collector.measure.ticket import KEY_FILE, load_key
from collector.planning.replanning import replan
from collector.store.reflector_tables import reflector as t
from wire.reflecting import passes_key


def announce(hub: Hub) -> bool:
    """Have the reflector of the settings in all plans; whether that changed any. Raises KeyFileError."""
    settings = hub.settings
    wanted: dict[str, object] | None = None
    if settings.reflector is not None:
        key = passes_key(load_key(settings.home / KEY_FILE, make=True)).hex()
        address, everywhere = str(settings.reflector), settings.reflector_everywhere
        wanted = {"number": 1, "address": address, "key": key, "everywhere": everywhere}
    with hub.store.reading() as conn:
        if _held(conn) == wanted:
            return False
    now_ms = hub.clock.wall_ms()

    def job(conn: Connection) -> None:
        conn.execute(delete(t))
        if wanted is not None:
            conn.execute(insert(t).values(wanted))
        replan(conn, None, now_ms)

    hub.store.writer.do(job)
    hub.wake("register")
    return True


def _held(conn: Connection) -> dict[str, object] | None:
    row = conn.execute(select(t)).mappings().first()
    return None if row is None else dict(row)
