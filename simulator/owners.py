"""Whose a cause may rightly be called once everything is known: where nobody could tell owners apart, each is right.

- Lines of one group that are lost together look the same whether a trunk was cut or each of them: where as many are
  lost as `[alerts]` of the policy takes for a trunk, `carrier` is right for cuts of single lines as well; where fewer
  are, `line` is right for a trunk on which only so few of them hang.
- A line that is dead behind some hops is dead in the carrier's network; of one line alone, `line` is right as well.
- What lies in a planned stop is `planned`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from simulator.causes import CUTS, Cause
from simulator.province import Province

TRUNK_LINES: Final = 3
TRUNK_CENTRES: Final = 2
TRUNK_SHARE: Final = 0.6
TOGETHER_MS: Final = 180_000
"""As `[alerts]` of the policy that comes with the suite has them."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A stop that was announced, of a centre or a line (`centre:07210-1`, `line:07210-1/a`); UTC ms."""

    subject: str
    from_ms: int
    to_ms: int
    reason: str = "planned"


def planned_at(stops: Sequence[Planned], cause: Cause, centre: str, province: Province) -> Iterator[tuple[int, int]]:
    """When a planned stop explains what a cause does at a centre."""
    lines = {f"line:{key}" for key in cause.touches if key.startswith(f"{centre}/")} if centre else set()
    for stop in stops:
        if stop.subject == f"centre:{centre}" or stop.subject in lines:
            yield stop.from_ms, stop.to_ms


def owners_of(cause: Cause, causes: Sequence[Cause], province: Province) -> tuple[str, ...]:
    """Whose it is, first what it is; then what is as right."""
    own = cause.its.owner
    if cause.kind == "hop_cut":
        return "carrier", "line"
    if cause.kind not in CUTS or cause.its.names != "lines":
        return (own,)
    trunk = [_is_trunk(group, cause, causes, province) for group in sorted(_groups(cause.touches, province))]
    if cause.kind == "carrier_cut":
        return (own,) if all(trunk) else (own, "line")
    return (own, "carrier") if any(trunk) else (own,)


def _groups(keys: Iterable[str], province: Province) -> set[str]:
    return {province.lines[key].group for key in keys}


def _is_trunk(group: str, cause: Cause, causes: Sequence[Cause], province: Province) -> bool:
    """Whether so much of a group is lost about when this cause begins that it looks like a trunk."""
    if not group:
        return False
    lost = {
        key
        for other in causes
        if other.kind in CUTS and abs(other.from_ms - cause.from_ms) <= TOGETHER_MS
        for key in other.touches
        if province.lines[key].group == group
    }
    whole = sum(line.group == group for line in province.lines.values())
    centres = {key.partition("/")[0] for key in lost}
    return len(lost) >= TRUNK_LINES and len(centres) >= TRUNK_CENTRES and len(lost) >= TRUNK_SHARE * whole
