"""Whence agents speak: the address of the peer of their requests, noted when it changes and has settled.

An address that comes and goes (a router that spreads connections over two lines, a carrier's shared pool) is never
noted. Behind a proxy on this machine the peer says nothing and is left out; behind one elsewhere it is the proxy's,
which no line declares.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select

from collector.hub import Hub
from collector.loops import Loop
from collector.store.line_tables import egress as t
from collector.web.problems import Scope

SETTLE_MS: Final = 20_000
"""A new address counts once nothing came from another for so long; agents speak at least every 25 s."""

A_DAY: Final = 100
"""Changes noted of one agent a day: what moves more often tells nothing."""

DAY_MS: Final = 86_400_000
FLUSH_S: Final = 2.0


@dataclass(slots=True)
class _Heard:
    """`noted` is on record; `seen` is what it spoke from last, since `since_ms`, up to `last_ms`."""

    noted: str
    seen: str
    since_ms: int
    last_ms: int


class SpeakingFrom:
    """Collects addresses in memory and writes what settled."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._heard: dict[str, _Heard] = {}
        self._changed: set[str] = set()
        self._lock = threading.Lock()
        self._on_record: dict[str, str] | None = None  # what was noted before this process began

    def note(self, agent: str, address: str | None, at_ms: int) -> None:
        """An agent's request came from there. Never blocks."""
        if address is None:
            return
        with self._lock:
            known = self._heard.get(agent)
            if known is None:
                known = self._heard[agent] = _Heard("", address, at_ms, at_ms)
            elif known.seen != address:
                known.seen, known.since_ms = address, at_ms
            known.last_ms = max(known.last_ms, at_ms)
            (self._changed.discard if known.seen == known.noted else self._changed.add)(agent)

    def loop(self) -> Loop:
        return Loop("egress", "ingest", self._flush)

    def _flush(self) -> float:
        """Write what settled, and what was never known before at once."""
        now_ms = self._hub.clock.wall_ms()
        if self._on_record is None:
            with self._hub.store.reading() as conn:
                self._on_record = {name: row.address for name, row in _newest(conn).items()}
        with self._lock:
            ready = self._ready(self._on_record)
        if not ready:
            return FLUSH_S
        self._hub.store.writer.do(partial(_write, ready=ready, now_ms=now_ms))
        with self._lock:
            for name, (address, _) in ready.items():
                self._heard[name].noted = address
                if self._heard[name].seen == address:
                    self._changed.discard(name)
        self._hub.wake("inbox")  # the judge looks at this, too
        return FLUSH_S

    def _ready(self, on_record: Mapping[str, str]) -> dict[str, tuple[str, int]]:
        """Agents with the address and since when, of those that changed it."""
        found: dict[str, tuple[str, int]] = {}
        for name in list(self._changed):
            one = self._heard[name]
            one.noted = one.noted or on_record.get(name, "")
            if one.seen == one.noted:
                self._changed.discard(name)
            elif not one.noted or one.last_ms - one.since_ms >= SETTLE_MS:
                found[name] = (one.seen, one.since_ms)
        return found


def peer_of(scope: Scope) -> str | None:
    """Where a request came from; None where that tells nothing of the line it came by."""
    client = scope.get("client")
    return _telling(str(client[0])) if client else None


@lru_cache(maxsize=10_000)
def _telling(host: str) -> str | None:
    try:
        ip = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    real = (ip.ipv4_mapped or ip) if isinstance(ip, ipaddress.IPv6Address) else ip
    return None if real.is_loopback or real.is_unspecified or real.is_link_local else str(real)


def _newest(conn: Connection) -> dict[str, Row[Any]]:
    """The newest row of every agent."""
    newest = select(func.max(t.c.id)).group_by(t.c.agent)
    return {row.agent: row for row in conn.execute(select(t).where(t.c.id.in_(newest)))}


def _write(conn: Connection, ready: dict[str, tuple[str, int]], now_ms: int) -> None:
    last = {name: row for name, row in _newest(conn).items() if name in ready}
    today = select(t.c.agent, func.count()).where(t.c.agent.in_(ready), t.c.recorded_ms > now_ms - DAY_MS)
    often = {name for name, count in conn.execute(today.group_by(t.c.agent)) if count >= A_DAY}
    rows = [
        # Another process may have noted it; a clock that was set back puts nothing before what is on record.
        {"agent": name, "from_ms": max(since, last[name].from_ms + 1 if name in last else since), "address": address,
         "recorded_ms": now_ms}
        for name, (address, since) in ready.items()
        if name not in often and (name not in last or last[name].address != address)
    ]  # fmt: skip
    if rows:
        conn.execute(insert(t), rows)
