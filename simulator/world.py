"""The simulated world: how everything is at a moment, as a pure function of seed, causes and time.

Nothing here remembers: the same moment asked for twice, in any order, is the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from simulator.causes import CUTS, FLAP_LOST, FLAPPING, Cause
from simulator.chance import Dice
from simulator.province import Province
from wire.messages import Role

BOOT_MS: Final = 40_000
"""How long a machine takes from the return of the power to its first measurement."""

_DAY_MS: Final = 86_400_000
_VIETNAM_MS: Final = 7 * 3_600_000
_QUIET: Final[tuple[tuple[int, int, float], ...]] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """A data line at a moment: whether it carries anything, its round trip in seconds, the share it loses."""

    up: bool
    rtt_s: float
    loss: float


@dataclass(frozen=True, slots=True)
class Boot:
    """A run of a machine: its number, and when it began (UTC ms)."""

    number: int
    from_ms: int


class World:
    """`origin_ms`: when simulated time begins; machines were started some days before."""

    def __init__(self, province: Province, dice: Dice, causes: Iterable[Cause], origin_ms: int) -> None:
        self.province, self.dice, self.origin_ms = province, dice, origin_ms
        self._effects: dict[tuple[str, str], list[tuple[int, int, float]]] = {}
        for cause in causes:
            for key in cause.touches:
                effect = (cause.from_ms, cause.to_ms, cause.severity)
                self._effects.setdefault((cause.kind, key), []).append(effect)

    def severity(self, kind: str, key: str, at: int) -> float | None:
        """How badly a kind of cause holds at a thing; None where it does not."""
        held = [heavy for first, last, heavy in self._effects.get((kind, key), _QUIET) if first <= at < last]
        return max(held) if held else None

    # --- centres ----------------------------------------------------------------------------------------------------

    def power(self, centre: str, at: int) -> bool:
        """Whether there is power at a centre."""
        return self.severity("power", centre, at) is None

    def lan(self, centre: str, at: int) -> bool:
        """Whether the centre's own network works."""
        return self.power(centre, at) and self.severity("lan", centre, at) is None

    def boot(self, centre: str, at: int) -> Boot:
        """The run of the machine at a centre that is the newest at a moment."""
        ended = sorted(last for _, last, _ in self._effects.get(("power", centre), _QUIET) if last <= at)
        if ended:
            return Boot(len(ended), ended[-1] + BOOT_MS // 2)
        return Boot(0, self.origin_ms - round(_DAY_MS * (0.2 + 9 * self.dice.once(f"boot/{centre}"))))

    def measures(self, centre: str, at: int, role: Role = "box") -> bool:
        """Whether an agent of a centre runs. Where one is stopped it is the box's: those of officials' PCs go on."""
        stopped = role != "pc" and self.severity("agent_stopped", centre, at) is not None
        if stopped or not self.power(centre, at):
            return False
        return at >= self.boot(centre, at).from_ms + BOOT_MS // 2

    def sends(self, centre: str, at: int, role: Role = "box") -> bool:
        """Whether what an agent of a centre says reaches the collector: by the first line of the centre."""
        if not self.measures(centre, at, role):
            return False
        site = self.province.sites.get(centre)
        if site is None or not site.lines:
            return True  # beside the collector
        return self.lan(centre, at) and self.carries(self.line_in_use(centre, at), at)

    def silences(self, centre: str) -> list[tuple[int, int]]:
        """When nothing that the agent of a centre says reaches the collector."""
        keys = [("power", centre), ("agent_stopped", centre), ("lan", centre)]
        site = self.province.sites.get(centre)
        if site is not None and site.lines:
            keys += [(kind, site.lines[0].key) for kind in sorted(CUTS - {"failover"})]
        late = {"power": BOOT_MS}
        quiet = [(a, b + late.get(key[0], 0)) for key in keys for a, b, _ in self._effects.get(key, _QUIET)]
        return quiet if site is None or not site.lines else quiet + self._flaps(site.lines[0].key)

    # --- lines ------------------------------------------------------------------------------------------------------

    def carries(self, line: str, at: int) -> bool:
        """Whether a line carries anything, as far as the carrier is concerned."""
        if any(first <= at < last for first, last in self._flaps(line)):
            return False
        return all(self.severity(kind, line, at) is None for kind in CUTS)

    def _flaps(self, line: str) -> list[tuple[int, int]]:
        """When a flapping line carries nothing: at the beginning of each of its turns."""
        found: list[tuple[int, int]] = []
        for first, last, turn_s in self._effects.get((FLAPPING, line), _QUIET):
            turn = max(60_000, round(1000 * turn_s))
            found += [(at, min(last, at + round(FLAP_LOST * turn))) for at in range(first, last, turn)]
        return found

    def line_in_use(self, centre: str, at: int) -> str:
        """The line that a centre's traffic takes: its first, its second while the router has failed over to that."""
        lines = self.province.sites[centre].lines
        over = len(lines) > 1 and self.severity("failover", lines[0].key, at) is not None
        return lines[1 if over else 0].key

    def way(self, line: str, at: int) -> Way:
        """How a line is: its own distance, more in working hours, and what went wrong."""
        own = self.dice.once(f"rtt/{line}")
        rtt_s = 0.004 + 0.012 * own + 0.006 * self.load(at)
        loss = 0.0004 * own
        rtt_s += self.severity("line_slow", line, at) or 0.0
        loss += self.severity("line_lossy", line, at) or 0.0
        return Way(self.carries(line, at), rtt_s, min(loss, 1.0))

    def load(self, at: int) -> float:
        """How busy the province is, 0 at night to 1 in the middle of the morning."""
        hour = ((at + _VIETNAM_MS) % _DAY_MS) / 3_600_000
        return max(0.0, math.sin(math.pi * (hour - 6.5) / 11.5)) if 6.5 <= hour <= 18 else 0.0

    # --- shared systems ---------------------------------------------------------------------------------------------

    def late_s(self, service: str, at: int) -> float | None:
        """What a shared system takes to its first byte, without the way there; None where it does not answer."""
        if self.severity("service_down", service, at) is not None:
            return None
        own = self.dice.once(f"service/{service}")
        return 0.08 + 0.3 * own + 0.15 * self.load(at) + (self.severity("service_slow", service, at) or 0.0)

    def skew_s(self, centre: str, at: int) -> float:
        """How far the wall clock of a centre's machine is ahead."""
        return self.severity("clock_skew", centre, at) or 0.4 * (self.dice.once(f"skew/{centre}") - 0.5)
