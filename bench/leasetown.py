"""Places for the bench of leases: the example province, or a country, with a box in every centre and its plan."""

from __future__ import annotations

import base64
import csv
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, insert, select

from bench.leaseday import DAY_MS, Player
from bench.place import ROOT
from collector.api import Actor
from collector.commands import create_join_code
from collector.hub import Hub
from collector.inventory import importing
from collector.leases.ground import read_ground
from collector.leases.keeping import Leases
from collector.planning.replanning import replan
from collector.planning.speedtests import PROBE
from collector.register import enrolment, plans
from collector.store.tables import agent, centre, token
from wire.identity import new_ulid
from wire.messages import Enrol

BENCH: Final = Actor("bench", "system")
KEY: Final = base64.b64encode(bytes(32)).decode()
CENTRES: Final = 3_321
UPLINKS: Final = 300
LINES: Final = (
    ("a", "internet", 100_000_000, "default"),
    ("b", "tslcd", 20_000_000, "interface:tslcd0"),
    ("c", "tslcd", 50_000_000, "interface:tslcd1"),
)


@dataclass(frozen=True, slots=True)
class Box:
    agent: str
    token: str
    centre: str


def province(hub: Hub) -> None:
    """The example province, with its measurement servers in use."""
    _import(hub, ROOT / "province" / "bac-ninh")
    Leases(hub).loop().step()


def country(hub: Hub, folder: Path) -> list[Box]:
    """3,321 centres with an internet line and one or two of the office network behind 300 cabinets."""
    folder.mkdir(parents=True)
    keys = [f"{10_000 + 3 * n:05d}-1" for n in range(CENTRES)]
    _write(folder / "centres.csv", ("key", "name_vi"), [(key, f"Xã Số {n}") for n, key in enumerate(keys)])
    _write(folder / "lines.csv", ("key", "kind", "carrier", "contract_bps", "uplink_group", "reach_by"), [
        (f"{key}/{letter}", kind, "vnpt", bps, f"cabinet-{n % UPLINKS}", reach_by)
        for n, key in enumerate(keys) for letter, kind, bps, reach_by in LINES[: 2 + (n % 3 == 0)]
    ])  # fmt: skip
    _import(hub, folder)
    Leases(hub).loop().step()
    boxes = [Box(new_ulid(hub.clock.wall_ms()), secrets.token_urlsafe(16), key) for key in keys]
    hub.store.writer.do(lambda conn: _put_boxes(conn, boxes, hub.clock.wall_ms()))
    return boxes


def enrol_all(hub: Hub) -> list[Box]:
    """A box in every centre that is not the province's own rooms, by the register's own way."""
    with hub.store.reading() as conn:
        keys = [key for key in conn.scalars(select(centre.c.key)) if not key.startswith("00000")]
    return [_enrol(hub, key) for key in keys]


def players_of(hub: Hub, boxes: Sequence[Box], *, rush_ms: int) -> list[Player]:
    """Every test of every plan; kept from the first hours after each opening of two days."""
    now_ms = hub.clock.wall_ms()
    with hub.store.reading() as conn:
        ground, found = read_ground(conn, now_ms), list[Player]()
        for box in boxes:
            for item in plans.items_of(conn, box.agent):
                if item.probe != PROBE:
                    continue
                way = ground.way(item.subject.removeprefix("line:"), now_ms)
                later = ground.way(way.line, now_ms + 2 * DAY_MS).opening
                rush = [(start, min(start + rush_ms, end)) for start, end in [*way.opening, *later]]
                found.append(Player(box.agent, box.token, item.id, way.line, way.group, way.bps, rush))
    return found


def _enrol(hub: Hub, key: str) -> Box:
    word = Enrol(create_join_code(hub, key, "box"), "box", "0.1.0", [], KEY, KEY, "box")
    made = hub.store.writer.do(lambda conn: enrolment.enrol(conn, word, hub.clock.wall_ms()))
    return Box(made.agent, made.token, key)


def _put_boxes(conn: Connection, boxes: Sequence[Box], now_ms: int) -> None:
    conn.execute(insert(agent), [
        {"id": box.agent, "centre": box.centre, "role": "box", "name": "bench", "version": "0", "capabilities": "[]",
         "sign_key": "", "seal_key": "", "device": f"device:{new_ulid(now_ms)}", "enrolled_ms": now_ms}
        for box in boxes
    ])  # fmt: skip
    conn.execute(insert(token), [
        {"sha256": hashlib.sha256(box.token.encode()).hexdigest(), "agent": box.agent, "created_ms": now_ms}
        for box in boxes
    ])  # fmt: skip
    replan(conn, None, now_ms)


def _import(hub: Hub, folder: Path) -> None:
    importing.carry_out(hub, BENCH, importing.prepare(hub, folder, _quiet), _quiet)


def _quiet(_stage: str, _done: int, _total: int) -> None:
    """No bar: this is no terminal."""


def _write(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.writer(sink)
        writer.writerow(header)
        writer.writerows(rows)
