"""Numbers of the fleet and of this machine for `/metrics`: what rules for motcua itself watch."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from typing import Any, Final

from cryptography import x509
from prometheus_client import Gauge
from sqlalchemy import Row, func, literal, select

from collector.hub import Hub
from collector.judging.flips import LATEST
from collector.store.tables import agent, flip, subject

CERTIFICATES: Final = {"server": "server.pem", "ca": "ca.pem"}

_LIVE: Final = agent.c.revoked_ms.is_(None)
_ROLES: Final = select(agent.c.role, func.count()).where(_LIVE).group_by(agent.c.role)
_VERSIONS: Final = select(agent.c.version, func.count()).where(_LIVE).group_by(agent.c.version)
_HELD: Final = select(LATEST).select_from(subject).where(subject.c.kind == "agent")
_STATES: Final = (
    select(agent.c.role, flip.c.to_state, func.coalesce(flip.c.reason, ""), func.count())
    .select_from(flip.join(agent, flip.c.subject == literal("agent:") + agent.c.id))
    .where(flip.c.seq.in_(_HELD), _LIVE)
    .group_by(agent.c.role, flip.c.to_state, flip.c.reason)
)


def measure(hub: Hub) -> None:
    """Set the gauges anew. Raises OSError where the home is away, ValueError for a damaged certificate."""
    with hub.store.reading() as conn:
        _set(hub.counters.agents, conn.execute(_ROLES))
        _set(hub.counters.versions, conn.execute(_VERSIONS))
        _set(hub.counters.states, conn.execute(_STATES))
    now_ms = hub.clock.wall_ms()
    hub.counters.time_s.set(now_ms / 1000)
    hub.counters.build.labels(version()).set(1)
    for which, name in CERTIFICATES.items():
        path = hub.settings.home / name
        if path.exists():
            ends = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
            left = ends - datetime.fromtimestamp(now_ms / 1000, UTC)
            hub.counters.certificate_s.labels(which).set(left.total_seconds())


@cache
def version() -> str:
    """What runs here."""
    try:
        return metadata.version("motcua")
    except metadata.PackageNotFoundError:  # run from a checkout that was never installed
        return "unpackaged"


def _set(gauge: Gauge, rows: Iterable[Row[Any]]) -> None:
    gauge.clear()  # what nobody is any more is gone, not as it was
    for row in rows:
        gauge.labels(*row[:-1]).set(row[-1])
