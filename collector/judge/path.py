"""Where the way of a line breaks off: the hops of now beside those of the last looks that led to the target.

Routers that share load answer in turn, some never answer at all, and routes change: so a hop is told by its place on
the way, and `then` holds all addresses that answered there. What cannot be told is left empty.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from collector.api import Broken, Hop, PathLook, StoredObservation

PROBE: Final = "path"
MOST_HOPS: Final = 64


def look_of(stored: StoredObservation) -> PathLook | None:
    """The look in an observation of probe `path`; None where it says nothing of the way (`unknown`)."""
    o = stored.observation
    if o.probe != PROBE or o.outcome == "unknown":
        return None
    hops = [_hop(number, o.detail.get(f"hop_{number:02}")) for number in range(1, MOST_HOPS + 1)]
    last = max((hop.number for hop in hops if f"hop_{hop.number:02}" in o.detail), default=0)
    return PathLook(
        stored.id, stored.at_ms, o.target, str(o.detail.get("address", ""))[:64], o.outcome == "ok", tuple(hops[:last])
    )


def _hop(number: int, text: object) -> Hop:
    """A hop as the agent writes it, `<address or *> <round trip in ms or ->`; silent where that cannot be read."""
    address, _, rtt = (text if isinstance(text, str) else "").partition(" ")
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return Hop(number)
    return Hop(number, (address,), _seconds(rtt))


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text) / 1000
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def merged(good: Sequence[PathLook]) -> PathLook | None:
    """Good looks, the newest first, as one: the newest, and at each hop whoever answered there in ways as long."""
    if not good:
        return None
    alike = [look for look in good if len(look.hops) == len(good[0].hops)]
    places = zip(*(look.hops for look in alike), strict=True)
    return replace(good[0], hops=tuple(_joined(hops) for hops in places))


def _joined(hops: Sequence[Hop]) -> Hop:
    addresses = dict.fromkeys(address for hop in hops for address in hop.addresses)
    return replace(hops[0], addresses=tuple(addresses))


def first_broken(then: PathLook | None, now: PathLook | None) -> Broken | None:
    """Where `now` breaks off, and who was there `then`; None where it leads to its target, or was not looked at."""
    if now is None or now.reached:
        return None
    heard, loop = _until_it_turns([hop for hop in now.hops if not hop.silent])
    number, after = (heard[-1].number + 1, heard[-1].addresses[0]) if heard else (1, "")
    if then is None:
        return Broken(number, after, until=number, loop=loop)
    shift = _shift(then, heard)
    behind = (hop for hop in then.hops if hop.number >= number + shift and not hop.silent)
    gone = next(behind, None)
    was, until = (gone.addresses, gone.number - shift) if gone is not None else ((), number)
    return Broken(number, after, was, until, _changed(then, heard), loop)


def _until_it_turns(hops: list[Hop]) -> tuple[list[Hop], bool]:
    """The hops before the way comes back to where it was already; and whether it does.

    The same address twice in a row is no loop: there are routers that pass on what should have ended at them.
    """
    seen: dict[str, None] = {}
    for n, hop in enumerate(hops):
        if hop.addresses[0] in seen and hop.addresses != hops[n - 1].addresses:
            return hops[:n], True
        seen[hop.addresses[0]] = None
    return hops, False


def _shift(then: PathLook, heard: Sequence[Hop]) -> int:
    """How many hops further on the way was then, by the last hop now that was on it then too."""
    for hop in reversed(heard):
        numbers = [old.number for old in then.hops if hop.addresses[0] in old.addresses]
        if numbers:
            return min(numbers, key=lambda number: abs(number - hop.number)) - hop.number
    return 0


def _changed(then: PathLook, heard: Sequence[Hop]) -> int | None:
    """The first hop where somebody else answers now than then."""
    were = {hop.number: hop.addresses for hop in then.hops}
    for hop in heard:
        addresses = were.get(hop.number)
        if addresses and hop.addresses[0] not in addresses:
            return hop.number
    return None
