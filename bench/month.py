"""Thirty days of flips of 99 centres, by composed causes of the simulator: as the judge would have told them, directly.

Eight causes a day, told with the delays that measuring has, with silences of the boxes that they cut off, and beside
them blips: lines that are gone for one to three minutes, one in five a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from simulator.causes import CUTS
from simulator.chance import Dice
from simulator.province import Province
from simulator.scenario import Generate, Scenario, resolve
from simulator.truth import Told, tell

DAY_MS: Final = 86_400_000
CAUSES_A_DAY: Final = 8
BLIPS_A_DAY: Final = 0.2
SILENT_MS: Final = 50_000
Row = dict[str, str | int | None]

_REASONS: Final = {"down": "no_answer", "degraded": "slow", "unknown": "silent", "ok": None}


@dataclass(frozen=True, slots=True)
class Spell:
    """A subject that is not well; `late_ms`: how long until the collector knows."""

    subject: str
    state: str
    from_ms: int
    to_ms: int
    late_ms: int


def month(province: Province, names: Mapping[str, str], from_ms: int, days: int, seed: int = 1) -> list[Row]:
    """Rows of the table `flip`, in the order of recording."""
    span = from_ms, from_ms + days * DAY_MS
    made = Scenario(about="a month", generate=Generate(count=CAUSES_A_DAY * days))
    dice = Dice(seed)
    causes = resolve(made, province, dice, zero_ms=from_ms, span=span)
    spells = [*_of_causes(tell(causes, province), names, dice), *_blips(province, dice, span, days)]
    rows = [row for spell in _apart(spells) for row in _flips(spell)]
    return sorted(rows, key=lambda row: (row["recorded_ms"] or 0, str(row["subject"])))


def _of_causes(truth: Iterable[Told], names: Mapping[str, str], dice: Dice) -> Iterator[Spell]:
    for told in truth:
        for n, e in enumerate(told.expected):
            late = 10_000 + int(50_000 * dice.draws(told.cause.id.encode(), n)[0])
            yield Spell(names.get(e.subject, e.subject), e.states[0], e.from_ms + late // 4, e.to_ms, late)
        if told.cause.kind in {*CUTS, "power", "lan", "agent_stopped"}:
            for key in sorted({key.partition("/")[0] for key in told.cause.touches}):
                agent = names[f"agent@{key}"]
                yield Spell(agent, "unknown", told.cause.from_ms, told.cause.to_ms, SILENT_MS)


def _blips(province: Province, dice: Dice, span: tuple[int, int], days: int) -> Iterator[Spell]:
    for n in range(round(BLIPS_A_DAY * days * len(province.lines))):
        draw = dice.draws(b"blip", n)
        line = list(province.lines)[int(draw[0] * len(province.lines))]
        at = span[0] + int(draw[1] * (span[1] - span[0]))
        yield Spell(f"line:{line}", "down", at, at + 60_000 + int(120_000 * draw[2]), 30_000)


def _apart(spells: Iterable[Spell]) -> Iterator[Spell]:
    """Of one subject one after the other: what overlaps what went before is left out."""
    until: dict[str, int] = {}
    for spell in sorted(spells, key=lambda spell: (spell.from_ms, spell.subject)):
        if spell.from_ms > until.get(spell.subject, 0) + 60_000:
            until[spell.subject] = spell.to_ms
            yield spell


def _flips(spell: Spell) -> Iterator[Row]:
    for old, new, at in (("ok", spell.state, spell.from_ms), (spell.state, "ok", spell.to_ms)):
        yield {
            "subject": spell.subject, "at_ms": at, "from_state": old, "to_state": new, "reason": _REASONS[new],
            "detail": "{}", "policy_version": 1, "evidence": "[]", "recorded_ms": at + spell.late_ms,
            "supersedes": None,
        }  # fmt: skip
