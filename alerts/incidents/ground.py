"""How a province hangs together, as the register and the inventory say now: read again when either may have changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from alerts.correlate.picture import AgentAt, LineAt, Topology
from collector.api import AgentInfo, LineInfo, Reader, SubjectInfo

OLD_MS: Final = 60_000
"""How old a register may be."""


class Ground:
    """The topology, kept. For one thread."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._read_ms: int | None = None
        self._lines: Mapping[str, Sequence[LineInfo]] = {}
        self._measured: frozenset[str] = frozenset()
        self._held = Topology()

    def topology(self, now_ms: int) -> Topology:
        """As of now, or of at most a minute ago where neither inventory nor plans changed. The same one as long as
        nothing differs."""
        lines, measured = self._reader.every_line(), self._reader.looked_at()
        same = lines is self._lines and measured is self._measured
        fresh = self._read_ms is not None and 0 <= now_ms - self._read_ms < OLD_MS
        if not (same and fresh):
            drawn = self._draw(lines, measured)
            self._held = self._held if drawn == self._held else drawn
            self._lines, self._measured, self._read_ms = lines, measured, now_ms
        return self._held

    def _draw(self, lines: Mapping[str, Sequence[LineInfo]], measured: frozenset[str]) -> Topology:
        subjects = self._reader.subjects()
        return Topology(
            areas={key: place.area for key, place in self._reader.places().items() if place.area},
            lines=_lines(lines, subjects),
            agents={f"agent:{one.id}": _agent(one) for one in self._reader.agents() if one.revoked_ms is None},
            centre_of={info.key: info.centre for info in subjects},
            measured=measured,
        )


def _lines(contracted: Mapping[str, Sequence[LineInfo]], subjects: Sequence[SubjectInfo]) -> dict[str, LineAt]:
    """Every line, contracted or only measured; the first of a centre leads, as it does where centres are judged."""
    known = {line.key: line for its in contracted.values() for line in its}
    at = {info.key: info.centre for info in subjects if info.kind == "line"}
    at |= {line.key: centre for centre, its in contracted.items() for line in its}
    found: dict[str, LineAt] = {}
    led = set[str]()
    for key in sorted(at):
        centre, line = at[key], known.get(key)
        leads = centre not in led
        led.add(centre)
        if line is None:
            found[key] = LineAt(key, centre, "", "", "", "", leads)
        else:
            found[key] = LineAt(key, centre, line.carrier, line.uplink_group, line.kind, line.circuit, leads)
    return found


def _agent(one: AgentInfo) -> AgentAt:
    return AgentAt(f"agent:{one.id}", one.centre, one.role, one.device)
