"""A cable that loses a known share of packets, and what trains over it tell: for the bar of loss and its short test.

nft draws for every packet anew (`numgen random`) and counts what it saw and what it dropped: the truth of a run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeVar

from agent.context import Context, Facts
from agent.probes import reach
from collector.reflector.serving import bind
from collector.settings import Address
from tests.support.netns import PEER_V4, Wire, wired
from tests.support.reflecting import numbers, reflecting, train
from wire.clock import SystemClock
from wire.messages import PlanItem, Scalar
from wire.reflecting import PORT, QUESTION

ECHO: Final = "icmp type echo-request"
QUESTIONS: Final = f"udp dport {PORT} @th,96,8 {QUESTION}"
"""Questions alone: kind is the byte behind the UDP header and four of a magic number."""

CLASSES: Final = ("ef", "af41", "be")
T = TypeVar("T")

_SCALE: Final = 1_000_000
_COUNTER: Final = re.compile(r"counter packets (\d+)")


@dataclass(frozen=True, slots=True)
class Found:
    """One train as it was told: `low` and `high` are its Wilson interval; `heard`, the numbers that came back.

    `lost_up`: how many the reflector did not see, which is the truth even where an answer came too late.
    """

    sent: int
    lost: int
    low: float
    high: float
    heard: frozenset[int] = frozenset()
    lost_up: int = 0

    def holds(self, truth: float) -> bool:
        return self.low <= truth <= self.high


@dataclass(frozen=True, slots=True)
class Truth:
    """What nft counted of a run."""

    seen: int
    dropped: int


@contextmanager
def lossy() -> Iterator[Wire]:
    """A cable with a reflector at its far end."""
    with wired() as wire:
        wire.here.allow_ping()
        with reflecting(lambda: wire.peer.call(lambda: bind(Address("0.0.0.0", PORT)))) as running:
            # One address sends hundreds of trains a minute here, which no centre does.
            running.mirror.limit(burst=1e6, a_minute=1e6)
            yield wire


def lose(wire: Wire, what: str, ratio: float) -> None:
    """Drop this share of such packets where they arrive, each by its own chance; count them anew."""
    wire.peer.filter_input(
        f"{what} counter", f"{what} numgen random mod {_SCALE} < {round(ratio * _SCALE)} counter drop"
    )


def counted(wire: Wire) -> Truth:
    """What was seen and dropped since `lose`."""
    seen, dropped = (int(text) for text in _COUNTER.findall(wire.peer.run("nft", "list", "ruleset")))
    return Truth(seen, dropped)


def echo_trains(wire: Wire, count: int, *, packets: int = 5, at_once: int = 4) -> list[Found]:
    """So many trains of the probe `reach`, fast."""
    settings: dict[str, Scalar] = {"packets": packets, "interval_s": 0.001, "timeout_s": 0.1}

    def one() -> Found:
        clock = SystemClock()
        ctx = Context(clock, clock.mono_ms() + 5_000, Facts(""), proc=Path("/proc/thread-self"))
        found = reach.probe(PlanItem("r", "line:00000-1/a", "reach", PEER_V4, 10, 5, settings), ctx)
        told = {v.metric.removeprefix("motcua_line_"): v.value for v in found.values}
        return _found(told, frozenset(_numbers(str(found.detail.get("received", "")))))

    return _many(wire, count, one, at_once)


def conference_trains(wire: Wire, runs: int, *, at_once: int = 2) -> list[Found]:
    """Trains of the probe `quality` as it sends them, three classes a run, four times as fast."""

    def one() -> list[Found]:
        found = train(f"{PEER_V4}:{PORT}", {"packets": 125, "interval_s": 0.005, "timeout_s": 0.5})
        assert found.result.outcome == "ok", (found.result, found.detail)
        return [_found({k.removeprefix("udp_"): v for k, v in numbers(found, name).items()}) for name in CLASSES]

    return [each for three in _many(wire, runs, one, at_once) for each in three]


def neighbours(trains: Sequence[Found]) -> tuple[int, int]:
    """How many neighbours within a train there were, and how many of them were lost both."""
    pairs = both = 0
    for one in trains:
        gone = [n not in one.heard for n in range(one.sent)]
        pairs += len(gone) - 1
        both += sum(a and b for a, b in pairwise(gone))
    return pairs, both


def _found(told: dict[str, float], heard: frozenset[int] = frozenset()) -> Found:
    sent, received = round(told["sent_packets"]), round(told["received_packets"])
    lost_up = round(told.get("lost_up_ratio", 0.0) * sent)
    return Found(sent, sent - received, told["loss_low_ratio"], told["loss_high_ratio"], heard, lost_up)


def _numbers(text: str) -> Iterator[int]:
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def _many(wire: Wire, count: int, one: Callable[[], T], at_once: int) -> list[T]:
    def share(n: int) -> list[T]:
        mine = len(range(n, count, at_once))
        return wire.here.call(lambda: [one() for _ in range(mine)])

    with ThreadPoolExecutor(at_once) as pool:
        return [found for some in pool.map(share, range(at_once)) for found in some]
