"""What is said again and again: that motcua is alive, and to an Alertmanager what holds."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, insert, update

from alerts.channels import Letter, alertmanager
from alerts.deliver import holding, rows
from alerts.deliver.heartbeat import Config, Heartbeat
from alerts.deliver.watching import Watched
from alerts.deliver.writing import Pen
from alerts.desk import Desk, Loop
from alerts.settings import Outlet, Settings
from alerts.tables import alert_cursor

LOOK_S: Final = 30.0
CURSOR: Final = "heartbeat"


class Alive:
    """The heartbeat, where the settings have one."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._settings = desk, Watched(desk.home)
        self._held: tuple[Settings, Heartbeat] | None = None

    def loop(self) -> Loop:
        return Loop("heartbeat", self.step)

    def step(self) -> float:
        """One beat; seconds until the next. Raises where nothing can be written: then none is heard."""
        settings = self._settings.now()
        if settings.heartbeat is None:
            return LOOK_S
        if self._held is None or self._held[0] is not settings:
            self._held = settings, self._made(settings, settings.heartbeat)
        return self._held[1].step()

    def _made(self, settings: Settings, config: Config) -> Heartbeat:
        return Heartbeat(config, settings.post(self._desk.clock), self._prove, settings.beats_to())

    def _prove(self) -> None:
        now_ms = self._desk.clock.wall_ms()
        self._desk.store.writer.do(lambda conn: _write(conn, now_ms))


class Still:
    """What holds, told again to every Alertmanager of the settings."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._settings = desk, Watched(desk.home)

    def loop(self) -> Loop:
        return Loop("holding", self.step)

    def step(self) -> float:
        """Once by each; seconds until the next time."""
        settings = self._settings.now()
        pauses = [
            self._tell(settings, outlet, outlet.config)
            for outlet in settings.outlets.values()
            if isinstance(outlet.config, alertmanager.Config)
        ]
        return min(pauses, default=LOOK_S)

    def _tell(self, settings: Settings, outlet: Outlet, config: alertmanager.Config) -> float:
        post = settings.post(self._desk.clock)
        return holding.Holding(config, post, lambda: self._letters(settings, outlet)).step()

    def _letters(self, settings: Settings, outlet: Outlet) -> list[Letter]:
        pen, found = Pen(self._desk, settings), list[Letter]()
        with self._desk.store.reading() as conn:
            held = rows.by_key(conn, holding.told(conn, outlet.name))
        for row in held:
            route = settings.route(row.audience)
            if route is not None:
                found.append(pen.letter(row, outlet, route))
        return found


def _write(conn: Connection, now_ms: int) -> None:
    own = update(alert_cursor).where(alert_cursor.c.name == CURSOR).values(moved_ms=now_ms)
    if conn.execute(own.returning(alert_cursor.c.name)).first() is None:
        conn.execute(insert(alert_cursor).values(name=CURSOR, seq=0, moved_ms=now_ms, kept=""))
