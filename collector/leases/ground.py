"""What leases stand on, read from the store: lines with their uplinks, opening hours, servers, policy.

Read anew where an import, a policy or the servers changed; asked for every decision, so that no process is behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, func, select

from collector.history.buckets import DAY_MS, start_of
from collector.inventory.keeping import held
from collector.inventory.opening import Calendar, calendar_of, date_of, span_of
from collector.inventory.schema import Body
from collector.judging.policy import Policies
from collector.leases.allocating import Way
from collector.leases.slots import Server
from collector.leases.windows import Span
from collector.planning.province import policies_in_force
from collector.store.inventory_tables import import_run, inventory
from collector.store.lease_tables import measure_server
from collector.store.tables import policy

DAYS_AHEAD: Final = 2
USUAL: Final = ("07:30-11:30", "13:30-17:00")
"""Monday to Friday, where the inventory gives a centre no hours: what most public offices have."""

_Mark = tuple[int, int, int]
_MARK: Final = select(
    select(func.max(inventory.c.id)).scalar_subquery(), select(func.max(import_run.c.id)).scalar_subquery(),
    select(func.max(policy.c.version)).scalar_subquery(),
)  # fmt: skip
_SERVERS: Final = select(measure_server.c.url, measure_server.c.bps, measure_server.c.tests).order_by("url")


@dataclass(frozen=True, slots=True)
class Ground:
    """One state of it. `mark` tells states apart; `opening` remembers the days that were asked for."""

    mark: _Mark
    servers: tuple[Server, ...]
    policies: Policies
    lines: Mapping[str, Body]
    schedules: Mapping[str, str]
    calendar: Calendar
    _days: dict[tuple[str, int], list[Span]] = field(default_factory=dict)

    def way(self, line: str, now_ms: int) -> Way:
        """A line as the allocator takes it; one that the inventory does not know is an uplink of its own."""
        body = self.lines.get(line, {})
        unknown_bps = self.policies.at(now_ms).policy.bandwidth.unknown_bps
        bps = body.get("contract_bps", unknown_bps)
        return Way(line, str(body.get("uplink_group", line)), round(float(bps)), self.opening(line, now_ms))

    def opening(self, line: str, now_ms: int) -> list[Span]:
        """The hours of a line's centre from today on."""
        schedule = self.schedules.get(line.partition("/")[0], "")
        first = start_of(now_ms, DAY_MS)
        return [span for n in range(DAYS_AHEAD) for span in self._on(schedule, first + n * DAY_MS)]

    def _on(self, schedule: str, day_ms: int) -> list[Span]:
        key = schedule, day_ms
        if key not in self._days:
            if len(self._days) > 1_000:
                self._days.clear()
            self._days[key] = [span_of(text, day_ms) for text in self._told(schedule, day_ms)]
        return self._days[key]

    def _told(self, schedule: str, day_ms: int) -> Sequence[str]:
        day = date_of(day_ms)
        told, worked = self.calendar.on(schedule, day), self.calendar.worked_as(day)
        if told is not None or worked is None:
            return told or ()
        return USUAL if worked.weekday() < 5 else ()


def read_ground(conn: Connection, now_ms: int, before: Ground | None = None) -> Ground:
    """The ground as it is now; `before`, with its servers of now, where nothing else changed."""
    newest, run, version = conn.execute(_MARK).one()
    mark, servers = (newest or 0, run or 0, version or 0), read_servers(conn)
    if before is not None and (mark, servers) == (before.mark, before.servers):
        return before
    rows = held(conn, ("lines", "centres", "hours", "holidays"))
    return Ground(
        mark=mark,
        servers=servers,
        policies=policies_in_force(conn),
        lines=rows["lines"],
        schedules={key: str(body.get("hours", "")) for key, body in rows["centres"].items()},
        calendar=calendar_of(rows["hours"], rows["holidays"]),
    )


def read_servers(conn: Connection) -> tuple[Server, ...]:
    """The measurement servers in use."""
    return tuple(Server(*row) for row in conn.execute(_SERVERS))
