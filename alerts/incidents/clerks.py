"""What clerks say by the page of their box joins the incidents of their centres, each word once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, insert, select, update

from alerts.desk import Desk, Loop
from alerts.incidents import life
from alerts.tables import alert_cursor as t
from collector.api import StoredObservation

NAME: Final = "clerks"
CLERK: Final = "clerk"
LOOK_S: Final = 5.0
BACK_MS: Final = 35 * 86_400_000
"""A word may have waited as long as a box was cut off, and what was measured is kept."""

_KEPT: Final = msgspec.json.Decoder(dict[str, int])
_ENCODER: Final = msgspec.json.Encoder()


class Clerks:
    """Remembers of each centre when its last word was said; written with what comes of the next."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def loop(self) -> Loop:
        return Loop(NAME, self.step)

    def step(self) -> float:
        now_ms = self._desk.clock.wall_ms()
        told = self._desk.reader.complaints(now_ms - BACK_MS)
        if not told:
            return LOOK_S
        with self._desk.store.reading() as conn:
            known = _known(conn)
        new = [one for one in told if one.at_ms > known.get(_centre(one), 0)]
        if new:
            self._desk.store.writer.do(lambda conn: _take(conn, new, now_ms))
            self._desk.wake("incidents")
        return LOOK_S


def _take(conn: Connection, told: Sequence[StoredObservation], now_ms: int) -> None:
    known = dict(_known(conn))
    for one in told:
        if one.at_ms > known.get(_centre(one), 0):
            known[_centre(one)] = one.at_ms
            text = str(one.observation.detail.get("text", ""))[:200]
            life.slow_now(life.Doing(conn, CLERK, min(one.at_ms, now_ms), text), _centre(one))
    kept = _ENCODER.encode(known).decode()
    moved = update(t).where(t.c.name == NAME).values(moved_ms=now_ms, kept=kept).returning(t.c.name)
    if conn.scalar(moved) is None:
        conn.execute(insert(t).values(name=NAME, seq=0, moved_ms=now_ms, kept=kept))


def _known(conn: Connection) -> Mapping[str, int]:
    kept = conn.scalar(select(t.c.kept).where(t.c.name == NAME))
    return _KEPT.decode(kept) if kept else {}


def _centre(one: StoredObservation) -> str:
    return one.observation.subject.partition(":")[2]
