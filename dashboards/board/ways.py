"""The way of a line then and now, hop beside hop, with the first broken one marked. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from collector.api import Hop, PathLook, PathView


@dataclass(frozen=True, slots=True)
class Step:
    """One number on the way: who answered there then and now. `broken`: from here on it leads nowhere any more.

    `changed`: somebody else answers here now than then.
    """

    number: int
    then: Hop | None
    now: Hop | None
    broken: bool = False
    changed: bool = False


def steps(view: PathView) -> list[Step]:
    """As many steps as the longer of both ways has."""
    then, now = _hops(view.then), _hops(view.now)
    broken = view.first_broken
    last = max((*then, *now, broken.number if broken else 0), default=0)
    return [
        Step(
            number,
            then.get(number),
            now.get(number),
            broken=broken is not None and broken.number == number,
            changed=broken is not None and broken.changed == number,
        )
        for number in range(1, last + 1)
    ]


def _hops(path: PathLook | None) -> dict[int, Hop]:
    return {} if path is None else {hop.number: hop for hop in path.hops}
