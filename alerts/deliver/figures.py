"""Figures of delivery for Prometheus, so that rules can watch it: what waits, how old it is, what nobody will get."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from alerts.desk import Desk, Store
from alerts.tables import outbox as t
from wire.clock import Clock

STATES: Final = ("waiting", "sending", "sent", "answered", "dead", "dropped")
_OF: Final[WeakKeyDictionary[CollectorRegistry, Figures]] = WeakKeyDictionary()


class Figures:
    """Counters of one process; what lies in the outbox is read when it is asked for, so any process may tell it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"motcua_alerts_{name}", text, labels, registry=registry)

        self.sent: Final = counter("sent_total", "messages that the other side took", "channel")
        self.failed: Final = counter(
            "failed_total", "tries that failed, by whether another makes sense", "channel", "how"
        )
        self.dropped: Final = counter("dropped_total", "messages that nobody needed any more")


def figures_of(desk: Desk) -> Figures:
    """The figures of this process, made and registered at the first call."""
    registry = desk.registry
    if registry not in _OF:
        _OF[registry] = Figures(registry)
        registry.register(Outbox(desk.store, desk.clock))
    return _OF[registry]


class Outbox(Collector):
    """What lies in the outbox at the moment it is asked for."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def describe(self) -> Iterable[Metric]:
        return [_states(), _oldest()]

    def collect(self) -> Iterable[Metric]:
        states, oldest = _states(), _oldest()
        try:
            with self._store.reading() as conn:
                found = conn.execute(select(t.c.state, func.count()).group_by(t.c.state)).all()
                late = t.c.state.in_(("waiting", "sending")) & (t.c.due_ms <= self._clock.wall_ms())
                first = conn.scalar(select(func.min(t.c.due_ms)).where(late))
        except SQLAlchemyError:  # the database is away: no figure is better than a wrong one
            return []
        held = {state: count for state, count in found}  # noqa: C416  # rows are no pairs to dict
        for state in STATES:
            states.add_metric([state], held.get(state, 0))
        oldest.add_metric([], 0.0 if first is None else (self._clock.wall_ms() - first) / 1000)
        return [states, oldest]


def _states() -> GaugeMetricFamily:
    return GaugeMetricFamily("motcua_alerts_outbox_messages", "messages in the outbox, by state", labels=["state"])


def _oldest() -> GaugeMetricFamily:
    text = "how long the message that waits longest beyond its time has been due"
    return GaugeMetricFamily("motcua_alerts_outbox_oldest_seconds", text)
