"""The measurement servers of the settings, put in use: with them plans hold tests, without them none."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert

from collector.leases.ground import read_servers
from collector.leases.slots import Server
from collector.planning.replanning import replan
from collector.settings import MeasureServer
from collector.store.lease_tables import measure_server


def put_in_use(conn: Connection, wanted: Sequence[MeasureServer], now_ms: int) -> bool:
    """These from now on and no others. False where they were before; else plans are new, and `register` wants waking.

    Several collectors on one database have the same settings: the one that starts last is believed.
    """
    servers = tuple(sorted((Server(s.url, s.mbps * 1_000_000, s.tests) for s in wanted), key=lambda s: s.url))
    before = read_servers(conn)
    if servers == before:
        return False
    conn.execute(delete(measure_server))
    if servers:
        conn.execute(insert(measure_server), [{"url": s.url, "bps": s.bps, "tests": s.tests} for s in servers])
    if bool(servers) != bool(before):
        replan(conn, None, now_ms)
    return True
