"""The way and the use of a centre's lines in its box's plan: the way of every train, the use wherever it is counted.

use    at the port that the line is reached by, or by SNMP at its router where the inventory names the interface
path   once a day, and when its trains are lost; the agent then looks by itself (agent/work/reaction.py)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from collector.planning.drawing import Drawn, Line, Post, Wanted
from wire.messages import Scalar

PATH_S: Final = 86_400.0
USE_S: Final = 300.0
PORT: Final = "port"
"""The target of what is counted at a port of the measuring machine itself."""

_AT_LOSS: Final[dict[str, Scalar]] = {"after_lost": 3, "rest_s": 600.0}
_LEAVING: Final = ("interface", "source")


def add_watches(drawn: Drawn, post: Post, lines: Sequence[Line]) -> None:
    """Add to a box's plan what is watched of its lines besides their trains."""
    if not post.leads or post.role != "box":
        return
    trained = {item.subject: item for item in drawn.items if item.probe == "reach"}
    drawn.items += [_path(trained[line.subject]) for line in lines if line.subject in trained]
    for line in lines:
        found = _use(line, trained.get(line.subject))
        if isinstance(found, Wanted):
            drawn.items.append(found)
        elif found:
            drawn.left_out.append((line.subject, found))


def _path(train: Wanted) -> Wanted:
    settings = _AT_LOSS | _leaving(train)
    return Wanted(train.subject, "path", train.target, PATH_S, 15.0, settings, "and after three lost trains at once")


def _leaving(train: Wanted) -> dict[str, Scalar]:
    return {key: value for key, value in train.settings.items() if key in _LEAVING}


def _use(line: Line, train: Wanted | None) -> Wanted | str:
    """What counts the use of a line, or why nothing does; empty where no one would look for it."""
    asked = line.counters or line.reach_by
    kind, _, rest = asked.partition(":")
    if kind == "snmp":
        return _asked(line, rest)
    if train is None or asked == "none":
        return ""
    if line.reach_by.startswith("pinned:"):
        return "its use is counted at the centre's router only: write counters = snmp:<interface>@<its address>"
    why = "counted at this machine's port: what others at the centre send is in it only where it is their router"
    return Wanted(line.subject, "use", PORT, USE_S, 10.0, _leaving(train), why)


def _asked(line: Line, rest: str) -> Wanted | str:
    interface, _, address = rest.partition("@")
    address = address or line.cpe_address
    if not address:
        return "cpe_address is empty: write it, or counters = snmp:<interface>@<address of the router>"
    why = f"counted by {address}; the agent needs what is to be said to it in its snmp.toml"
    return Wanted(line.subject, "use", address, USE_S, 15.0, {"snmp": interface}, why)
