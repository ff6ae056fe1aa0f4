"""The plan of one agent, drawn: a pure function of its role, its centre's lines and its share of the services.

box      itself; its centre's lan, lines, resolver, Wi-Fi and services, where no other box measures them already
pc       itself
vantage  itself; services as seen from the province, and the customer's end (CPE) of every line
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from wire.messages import Role, Scalar

MAX_ITEMS: Final = 2_000
"""What an agent takes of a plan (agent/work/plan.py); lines beyond it are left out of a vantage's plan."""

LINES_A_MINUTE: Final = 600
"""Trains to CPEs that one vantage sends a minute; where there are more lines, each has its turn less often."""

DEFAULT: Final = "default"
UNDECLARED: Final = "undeclared"
"""`reach_by` of the line a centre is taken to have where the inventory declares none: whatever its box sends by."""

ANCHOR: Final = "collector"
"""Whom a line's trains ask unless the inventory pins one."""

REDIRECTS: Final = 3

_TRAIN: Final[dict[str, Scalar]] = {"packets": 5, "interval_s": 0.2, "timeout_s": 2.0}
# To hundreds of lines a minute: a train must not keep one of the agent's few threads for a second.
# What ends otherwise than before is asked again at once: by a train a minute a loss would be known after three.
_SHORT_TRAIN: Final[dict[str, Scalar]] = {"packets": 5, "interval_s": 0.05, "timeout_s": 1.0, "confirm_s": 10.0}
_ASKING: Final[dict[str, Scalar]] = {"dual": True, "redirects": REDIRECTS}


@dataclass(frozen=True, slots=True)
class Post:
    """An agent at its place. `leads`: it is the one of its role that measures what its centre has in common."""

    agent: str
    role: Role
    centre: str
    device: str
    leads: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A declared line; `reach_by`, `cpe_address` and `counters` are empty where the inventory does not tell."""

    key: str
    reach_by: str = ""
    cpe_address: str = ""
    kind: str = ""
    counters: str = ""

    @property
    def subject(self) -> str:
        return f"line:{self.key}"


@dataclass(frozen=True, slots=True)
class Turn:
    """A service as this centre is to ask it."""

    service: str
    target: str
    period_s: float
    private: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A plan item before it has its id. `why`: what a person who wonders about it should know."""

    subject: str
    probe: str
    target: str
    period_s: float
    deadline_s: float
    settings: Mapping[str, Scalar] = field(default_factory=dict)
    why: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.subject, self.probe, self.target


@dataclass(slots=True)
class Drawn:
    """What an agent is to measure, and what somebody might miss in it, each with its reason."""

    items: list[Wanted] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)


def draw(post: Post, lines: Sequence[Line], turns: Sequence[Turn], *, name: str = "") -> Drawn:
    """The plan of `post`. `lines`: those of its centre, for a vantage all of them; `name`: what resolvers are asked."""
    drawn = Drawn([Wanted(post.device, "pc", "self", 60.0, 20.0)])
    if not post.leads or post.role == "pc":
        return drawn
    if post.role == "box":
        lan = f"lan:{post.centre}"
        drawn.items.append(Wanted(lan, "reach", "gateway", 10.0, 8.0, _TRAIN))
        _lines(drawn, lines, name=name)
        drawn.items.append(Wanted(lan, "wifi", DEFAULT, 300.0, 5.0))
    drawn.items += [_service(post.centre, turn) for turn in turns]
    if post.role == "vantage":
        _far_ends(drawn, lines)
    return drawn


def _service(centre: str, turn: Turn) -> Wanted:
    settings = _ASKING | ({"allow_private": True} if turn.private else {})
    deadline_s = min(30.0, 0.8 * turn.period_s)
    subject = f"service:{turn.service}@{centre}"
    return Wanted(subject, "service", turn.target, turn.period_s, deadline_s, settings, turn.why)


# --- lines ----------------------------------------------------------------------------------------------------------


def _lines(drawn: Drawn, lines: Sequence[Line], *, name: str) -> None:
    """Trains by every line that this box can send by, and the resolver of the default one."""
    default: Line | None = None
    for line in lines:
        if line.reach_by == DEFAULT and default is not None:
            drawn.left_out.append((line.subject, f"{default.subject} is the default line already"))
            continue
        default = line if line.reach_by == DEFAULT else default
        target, bound, why = way_of(line.reach_by)
        if bound is None:
            drawn.left_out.append((line.subject, why))
        else:
            drawn.items.append(Wanted(line.subject, "reach", target, 10.0, 8.0, _TRAIN | bound, why))
    if default is not None:
        settings: dict[str, Scalar] = {"name": name} if name else {}
        drawn.items.append(Wanted(default.subject, "dns", "resolver", 60.0, 10.0, settings))


def way_of(reach_by: str) -> tuple[str, dict[str, Scalar] | None, str]:
    """Whom trains by a line ask, and what `bind` tells. A pinned line is told by the target, and by nothing else."""
    kind, _, rest = reach_by.partition(":")
    if kind == "pinned":
        return rest, {}, f"the centre's router sends what goes to {rest} by this line"
    return ANCHOR, *bind(reach_by)


def bind(reach_by: str) -> tuple[dict[str, Scalar] | None, str]:
    """What must be told to whatever leaves by a line, wherever it goes; None with the reason where it cannot be."""
    kind, _, rest = reach_by.partition(":")
    if reach_by in {DEFAULT, UNDECLARED}:
        return {}, ""
    if kind in {"interface", "source"}:
        return {kind: rest}, f"leaves by the {kind} {rest}"
    if kind == "gateway":
        return None, f"a train cannot choose {rest} as its gateway: route by source there, and write source:<address>"
    if kind == "pinned":
        return None, f"the centre's router sends only what goes to {rest} by this line"
    if kind == "snmp":
        return None, f"nothing can be sent by this line: only its router's counters of {rest} are read"
    return None, "the inventory says none: not measurable from here" if reach_by else "reach_by is empty"


def _far_ends(drawn: Drawn, lines: Sequence[Line]) -> None:
    ends = [line for line in lines if line.cpe_address]
    drawn.left_out += [(line.subject, "cpe_address is empty") for line in lines if not line.cpe_address]
    room = max(0, MAX_ITEMS - len(drawn.items))
    drawn.left_out += [(line.subject, f"a plan holds {MAX_ITEMS} items") for line in ends[room:]]
    turns = max(1, math.ceil(len(ends[:room]) / LINES_A_MINUTE))
    why = f"{len(ends[:room])} lines take turns, {LINES_A_MINUTE} a minute" if turns > 1 else ""
    drawn.items += list(_trains(ends[:room], 60.0 * turns, why))


def _trains(lines: Sequence[Line], period_s: float, why: str) -> Iterator[Wanted]:
    for line in lines:
        yield Wanted(line.subject, "reach", line.cpe_address, period_s, 8.0, _SHORT_TRAIN, why)
