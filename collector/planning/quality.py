"""Which lines are measured as a video conference would see them, and by which reflector.

The lines of centres that the inventory gives a device of the kind `video_conference`, or of all centres where the
collector's settings say so; none where no reflector is set. A mobile line is left out: its volume is paid for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from collector.inventory.cells import Value
from collector.planning.drawing import Drawn, Line, Post, Wanted, bind
from collector.store.inventory_tables import inventory
from collector.store.reflector_tables import reflector as t
from wire.reflecting import pass_of

PERIOD_S: Final = 900.0
DEADLINE_S: Final = 20.0

_BODY: Final = msgspec.json.Decoder(dict[str, Value])


@dataclass(frozen=True, slots=True)
class Quality:
    """The reflector, and who measures by it. `centres` None: all; `mobile`: keys of lines that are left out."""

    address: str
    key: bytes
    centres: frozenset[str] | None
    mobile: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"Quality({self.address})"


def add_quality(drawn: Drawn, post: Post, lines: Sequence[Line], quality: Quality | None) -> None:
    """Add to a box's plan what its centre's video conferences ask for."""
    if quality is None or not post.leads or post.role != "box":
        return
    if quality.centres is not None and post.centre not in quality.centres:
        return
    own = {"reflector": quality.address, "ticket": pass_of(quality.key, post.agent).text()}
    trained = {item.subject for item in drawn.items if item.probe == "reach"}
    for line in lines:
        bound, why = bind(line.reach_by)
        if line.key in quality.mobile:
            drawn.left_out.append((line.subject, "a mobile line's volume is paid for: no video-conference trains"))
        elif bound is not None and line.subject in trained:
            item = Wanted(line.subject, "quality", "reflector", PERIOD_S, DEADLINE_S, own | bound, why)
            drawn.items.append(item)


def read_quality(conn: Connection) -> Quality | None:
    """What the settings in force and the inventory say now."""
    row = conn.execute(select(t.c.address, t.c.key, t.c.everywhere)).first()
    if row is None:
        return None
    mobile = frozenset(str(body["key"]) for body in _rows(conn, "lines") if body["kind"] == "mobile")
    seen = None if row.everywhere else frozenset(
        str(body["centre"]) for body in _rows(conn, "devices") if body["kind"] == "video_conference"
    )  # fmt: skip
    return Quality(row.address, bytes.fromhex(row.key), seen, mobile)


def _rows(conn: Connection, table: str) -> list[dict[str, Value]]:
    query = select(inventory.c.body).where(inventory.c.kind == table, inventory.c.to_ms.is_(None))
    return [_BODY.decode(body) for body in conn.scalars(query)]
