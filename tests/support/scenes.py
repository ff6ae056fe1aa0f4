"""A small province for correlation, and what became known of it: spells told in seconds from a morning at nine.

Area bac: b1 and b2 work by vnpt with a line of viettel beside it, b3 and b4 have vnpt alone, b5 and b6 work by viettel
with a line of vnpt beside it. Area nam: n1 to n3 as b1; n4 has one line of vnpt, which no other centre shares. Every
centre has a box; b1 has two PCs of officials as well. Room 00000-1 is the province's own, with a vantage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from alerts.correlate.limits import Limits
from alerts.correlate.picture import AgentAt, Boot, LineAt, Picture, Spell, Topology
from collector.api import State, Window

NINE_MS = 1_795_400_000_000
LIMITS = Limits(
    grace_s=20, settle_s=60, together_s=180, carrier_lines=3, carrier_centres=2, carrier_share=0.6, power_centres=2,
    flaps=4, flap_window_s=3_600, flap_hold_s=900, reopen_s=86_400, late_s=600, agent_silent_s=300,
    pc_silent_s=259_200,
)  # fmt: skip
SYSTEMS = ("dvcqg", "igate")

_LINES: Mapping[str, tuple[str, ...]] = {
    "b1": ("vnpt/vnpt-bac", "vnpt/vnpt-bac", "viettel/viettel-bac"),
    "b2": ("vnpt/vnpt-bac", "vnpt/vnpt-bac", "viettel/viettel-bac"),
    "b3": ("vnpt/vnpt-bac", "vnpt/vnpt-bac"),
    "b4": ("vnpt/vnpt-bac", "vnpt/vnpt-bac"),
    "b5": ("viettel/viettel-bac", "vnpt/vnpt-bac"),
    "b6": ("viettel/viettel-bac", "vnpt/vnpt-bac"),
    "n1": ("vnpt/vnpt-nam", "vnpt/vnpt-nam", "viettel/viettel-nam"),
    "n2": ("vnpt/vnpt-nam", "vnpt/vnpt-nam", "viettel/viettel-nam"),
    "n3": ("vnpt/vnpt-nam", "vnpt/vnpt-nam", "viettel/viettel-nam"),
    "n4": ("vnpt/vnpt-n4",),
}
CENTRES = tuple(_LINES)


def topology() -> Topology:
    """The province as it stands."""
    lines: dict[str, LineAt] = {}
    agents = {f"agent:{c}": AgentAt(f"agent:{c}", c, "box", f"device:{c}") for c in CENTRES}
    agents |= {f"agent:b1-pc{n}": AgentAt(f"agent:b1-pc{n}", "b1", "pc", f"device:b1-pc{n}") for n in (1, 2)}
    agents["agent:v"] = AgentAt("agent:v", "00000-1", "vantage", "device:v")
    for centre, groups in _LINES.items():
        for letter, group in zip("abc", groups, strict=False):
            carrier, _, name = group.partition("/")
            key = f"line:{centre}/{letter}"
            lines[key] = LineAt(key, centre, carrier, name, "internet", f"VD-{centre}-{letter}", letter == "a")
    centre_of = {key: line.centre for key, line in lines.items()}
    centre_of |= {one.subject: one.centre for one in agents.values()}
    centre_of |= {one.device: one.centre for one in agents.values()}
    for centre in CENTRES:
        centre_of |= {f"{kind}:{centre}": centre for kind in ("lan", "centre")}
        centre_of |= {f"service:{system}@{centre}": centre for system in SYSTEMS}
    areas = {centre: {"b": "bac", "n": "nam"}[centre[0]] for centre in CENTRES}
    return Topology(areas, lines, agents, centre_of, frozenset(centre_of))


TOPOLOGY = topology()


@dataclass(slots=True)
class Scene:
    """What became known. Seconds from nine; `known`: when the collector learned of it, a minute later unless told."""

    spells: dict[str, list[Spell]] = field(default_factory=dict)
    boots: dict[str, list[Boot]] = field(default_factory=dict)
    planned: dict[str, list[Window]] = field(default_factory=dict)

    def at(self, now_s: float) -> Picture:
        """The picture at a moment, of what was known by then."""
        now = ms(now_s)
        spells = {
            key: kept for key, every in self.spells.items() if (kept := [s for s in every if s.recorded_ms <= now])
        }
        boots = {key: [boot for boot in every if boot.known_ms <= now] for key, every in self.boots.items()}
        return Picture(now, spells, TOPOLOGY, LIMITS, self.planned, boots)

    def told(
        self, subject: str, state: State, reason: str | None, from_s: float, to_s: float | None = None, *,
        known: float | None = None, **detail: str | float,
    ) -> Scene:  # fmt: skip
        recorded = ms(from_s + 60 if known is None else known)
        spell = Spell(subject, state, reason, ms(from_s), None if to_s is None else ms(to_s), recorded, detail, ("o1",))
        self.spells.setdefault(subject, []).append(spell)
        return self

    def silent(self, centre: str, from_s: float, to_s: float | None = None, *, known: float | None = None) -> Scene:
        """Its box, and all that only the box tells of."""
        self.told(f"agent:{centre}", "unknown", "silent", from_s, to_s, known=known)
        self.told(f"centre:{centre}", "unknown", "silent", from_s, to_s, known=known)
        self.told(f"lan:{centre}", "unknown", "silent", from_s, to_s, known=known)
        return self.told(f"device:{centre}", "unknown", "silent", from_s, to_s, known=known)

    def lost(self, line: str, from_s: float, to_s: float | None = None, *, known: float | None = None) -> Scene:
        """A line as the province sees it; that takes three of its rounds."""
        when = from_s + 180 if known is None else known
        return self.told(f"line:{line}", "down", "lost_from_province", from_s, to_s, known=when)

    def cut(self, line: str, from_s: float, to_s: float | None = None, *, known: float | None = None) -> Scene:
        """A line as its own box measured it."""
        return self.told(f"line:{line}", "down", "no_answer", from_s, to_s, known=known)

    def gone(self, centre: str, from_s: float, to_s: float | None = None) -> Scene:
        """The centre falls silent and the province loses every line of it."""
        self.silent(centre, from_s - 20, to_s, known=from_s + 40)
        for n, line in enumerate(lines_of(centre)):
            self.lost(line, from_s + 10 * n, to_s)
        return self

    def boot(self, centre: str, at_s: float, *, known: float | None = None) -> Scene:
        recorded = ms(at_s + 60 if known is None else known)
        self.boots.setdefault(centre, []).append(Boot(f"agent:{centre}", centre, ms(at_s), recorded))
        return self

    def system(self, system: str, reason: str, from_s: float, to_s: float | None = None, *, seen: str = "") -> Scene:
        """A shared system judged ill, and the centres that see it."""
        state: State = "down" if reason == "service_down" else "degraded"
        self.told(f"service:{system}", state, reason, from_s, to_s, seen=len(seen.split()), of=len(CENTRES))
        for centre in seen.split():
            self.told(f"service:{system}@{centre}", state, "slow", from_s, to_s)
        return self

    def plan(self, subject: str, from_s: float, to_s: float, *, centre: str = "") -> Scene:
        n = 1 + sum(map(len, self.planned.values()))
        window = Window(n, subject, centre, ms(from_s), ms(to_s), "đổi cáp", "officer", ms(from_s - 86_400))
        self.planned.setdefault(subject, []).append(window)
        return self


def ms(seconds: float) -> int:
    return NINE_MS + round(1000 * seconds)


def lines_of(centre: str) -> list[str]:
    return [f"{centre}/{letter}" for letter, _ in zip("abc", _LINES[centre], strict=False)]
