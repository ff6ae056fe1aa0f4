"""The measurement servers of the settings, put in use: with them plans hold tests, without them none."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert

from collector.leases.ground import read_servers
from collector.leases.slots import Server
from collector.planning.replanning import replan
from collector.settings import MeasureServer
from collector.store.lease_tables import measure_server


def as_servers(wanted: Sequence[MeasureServer]) -> tuple[Server, ...]:
    """The servers of the settings as leases see them."""
    found = (Server(server.url, server.mbps * 1_000_000, server.tests) for server in wanted)
    return tuple(sorted(found, key=lambda server: server.url))


def put_in_use(conn: Connection, wanted: Sequence[MeasureServer], now_ms: int) -> bool:
    """These from now on and no others. True where plans are others than before: then `register` wants waking.

    Several collectors on one database have the same settings: the one that starts last is believed.
    """
    servers, before = as_servers(wanted), read_servers(conn)
    if servers == before:
        return False
    conn.execute(delete(measure_server))
    if servers:
        conn.execute(insert(measure_server), [{"url": s.url, "bps": s.bps, "tests": s.tests} for s in servers])
    return bool(servers) != bool(before) and bool(replan(conn, None, now_ms))


def redraw(conn: Connection, now_ms: int) -> bool:
    """The policy has changed, and with it how often lines are tested. True where plans are others than before."""
    return bool(read_servers(conn)) and bool(replan(conn, None, now_ms))
