"""`alerts.api.Commands` over the tables: each act is one job of the writer, and an event of the incident's history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection

from alerts.api import Happened, Incident, NotFound, Refused, Said, Stage, Value
from alerts.deliver.rows import dismiss, revive
from alerts.desk import Desk
from alerts.incidents import life, links
from collector.api import Actor, CarriedIn, NotAllowed
from collector.api import NotFound as NoSuchThing

T = TypeVar("T")

KEYS_MOST = 1_000
PHONE = "phone"


class TableCommands:
    """Implements `alerts.api.Commands`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def move(self, actor: Actor, incident: str, to: Stage, *, text: str = "", proof: str = "") -> Incident:
        if proof:
            try:
                self._desk.reader.observation(proof)
            except NoSuchThing as error:
                raise NotFound(f"there is no observation {proof[:80]!r} to prove it by") from error
        return self._do(actor, text, lambda doing: life.move(doing, life.find(doing.conn, incident), to, proof))

    def comment(self, actor: Actor, incident: str, text: str) -> Happened:
        return self._do(actor, text, lambda doing: life.comment(doing, life.find(doing.conn, incident)))

    def label(self, actor: Actor, incident: str, *, wrong: bool, text: str = "") -> Incident:
        return self._do(actor, text, lambda doing: life.label(doing, life.find(doing.conn, incident), wrong=wrong))

    def mute(self, actor: Actor, incident: str, until_ms: int | None) -> Incident:
        return self._do(actor, "", lambda doing: life.mute(doing, life.find(doing.conn, incident), until_ms))

    def link(self, actor: Actor, incident: str, *, team: str, lasts_s: float = 86_400.0) -> str:
        if not 0 < lasts_s <= links.LASTS_MOST_S:
            raise Refused("a link lasts more than nothing and at most 30 days")
        if all(known.key != team for known in self._desk.reader.teams()):
            raise NotFound(f"there is no team {team[:60]!r} in the inventory")
        with self._desk.store.reading() as conn:
            found = life.find(conn, incident)
        until_ms = self._desk.clock.wall_ms() + round(1000 * lasts_s)
        return links.sign(self._desk.home, links.Pass(found.id, team, until_ms))

    def guest(self, token: str) -> tuple[Actor, str]:
        given = links.read(self._desk.home, token, self._desk.clock.wall_ms())
        with self._desk.store.reading() as conn:
            life.find(conn, given.incident)
        return Actor(f"team:{given.team}", "session"), given.incident

    def slow_now(self, actor: Actor, centre: str, text: str) -> Incident | None:
        if all(known.key != centre for known in self._desk.reader.centres()):
            raise NotFound(f"there is no centre {centre[:60]!r}")
        return self._do(actor, text, lambda doing: life.slow_now(doing, centre))

    def carry(self, blob: str) -> tuple[CarriedIn, Incident | None]:
        try:
            told = self._desk.reader.carried(blob)
        except NotAllowed as error:
            raise Refused(str(error)) from error
        bad = [one for one in told.sights if one.outcome == "fail"]
        first = min(bad, key=lambda one: one.since_ms, default=None)
        values: dict[str, Value] = {"centre": f"centre:{told.centre}", "at_ms": told.at_ms, "count": len(bad)}
        values |= {"of": len(told.sights)} | ({"since_ms": first.since_ms} if first is not None else {})
        said = Said("event.carried" if bad else "event.carried_well", values)
        at_ms = min(told.at_ms, self._desk.clock.wall_ms())

        def job(conn: Connection) -> Incident | None:
            return life.join_once(life.Doing(conn, PHONE, at_ms), told.centre, said)

        joined = self._desk.store.writer.do(job)
        self._desk.wake("incidents")
        return told, joined

    def retry(self, actor: Actor, keys: Sequence[str]) -> int:
        now_ms = self._desk.clock.wall_ms()
        count = self._desk.store.writer.do(lambda conn: revive(conn, list(keys)[:KEYS_MOST], now_ms))
        if count:
            self._desk.wake("outbox")
        return count

    def dismiss(self, actor: Actor, keys: Sequence[str]) -> int:
        return self._desk.store.writer.do(lambda conn: dismiss(conn, list(keys)[:KEYS_MOST], actor.name))

    def _do(self, actor: Actor, text: str, act: Callable[[life.Doing], T]) -> T:
        now_ms = self._desk.clock.wall_ms()

        def job(conn: Connection) -> T:
            return act(life.Doing(conn, actor.name, now_ms, text))

        done = self._desk.store.writer.do(job)
        self._desk.wake("incidents")
        return done
