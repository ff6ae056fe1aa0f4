"""The way of a line, hop by hop: as it was when it last led to its target, as it is now, where it breaks off."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hop:
    """One place on the way, counted from 1. No address: nobody there answered; several: good looks saw them in turn."""

    number: int
    addresses: tuple[str, ...] = ()
    rtt_s: float | None = None

    @property
    def silent(self) -> bool:
        return not self.addresses


@dataclass(frozen=True, slots=True)
class PathLook:
    """One look at a way. `observation` is its id; the last hop of a way that was `reached` is the target itself."""

    observation: str
    at_ms: int
    target: str
    address: str
    reached: bool
    hops: tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """Where a way breaks off: at hop `number`, behind `after` (empty: nobody answers at all, not even the first hop).

    `was`: who answered there then; empty where nobody can be named. Where hops in between never answered, `was` is
    hop `until` and the break is anywhere from `number` to it. `changed`: the first hop where somebody else answers now
    than then; None where the way is the same up to its end. `loop`: from there it leads back to where it came from.
    """

    number: int
    after: str
    was: tuple[str, ...] = ()
    until: int = 0
    changed: int | None = None
    loop: bool = False


@dataclass(frozen=True, slots=True)
class PathView:
    """The way of a line then and now. `then` None: it was never seen whole; `now` None: never looked at at all.

    `then` holds at each hop all who answered there in the last good looks; `first_broken` None: it leads there now.
    """

    line: str
    then: PathLook | None = None
    now: PathLook | None = None
    first_broken: Broken | None = None
