"""The loop of delivery: settings, ways, escalation, sorting, and rounds of letters by every channel at once."""

from __future__ import annotations

import random
from typing import Final

from alerts.deliver import rows, turn
from alerts.deliver.carrying import Carrier, Rounds
from alerts.deliver.escalating import Patience, escalate
from alerts.deliver.figures import figures_of
from alerts.deliver.manner import manner_of
from alerts.deliver.routing import CENTRE
from alerts.deliver.sweeping import sweep
from alerts.deliver.watching import Watched
from alerts.deliver.writing import Pen
from alerts.desk import Desk, Loop
from alerts.dispatch.town import steady, town_of
from alerts.settings import Settings

TOPIC: Final = "outbox"
PATIENCE_S: Final = 0.5
"""A turn waits so long for its letters; what takes longer goes on beside the next turn."""

LOOK_S: Final = 30.0
BUSY_S: Final = 1.0
SWEEP_MS: Final = 3_600_000


class Delivery:
    """`patience_s`: how long a turn waits for its letters."""

    def __init__(self, desk: Desk, *, chance: random.Random | None = None, patience_s: float = PATIENCE_S) -> None:
        self._desk, self._patience_s = desk, patience_s
        self._figures = figures_of(desk)
        self._carrier = Carrier(desk.store, desk.clock, self._figures, chance or random.Random())  # noqa: S311  # jitter
        self._rounds = Rounds(self._carrier)
        self._settings = Watched(desk.home)
        self._looked_ms = 0
        self._sweep_at_ms = 0

    def loop(self) -> Loop:
        """One process owns it; woken by whoever puts something into the outbox."""
        return Loop("deliver", self.step, wakes_on=TOPIC)

    def step(self) -> float:
        """One turn; seconds until the next."""
        manner = manner_of(self._desk.reader)
        if manner is None:
            return LOOK_S
        settings, store, now_ms = self._settings.now(), self._desk.store, self._desk.clock.wall_ms()
        self._escalate(Patience(manner.acknowledge_s, settings.has_deputy), now_ms)
        if store.writer.do(lambda conn: turn.route(conn, settings)) >= turn.AT_ONCE:
            return 0.0
        sorter = turn.Sorter(settings, manner, self._carrier.rests_until, now_ms)
        with store.reading() as conn:
            found = sorter.sort(conn, self._rounds.busy())
        for made in store.writer.do(lambda conn: turn.write(conn, found, now_ms)):
            found.ready[made.channel].append(made)
        self._figures.dropped.inc(len(found.left))
        self._send(found, settings)
        self._sweep(now_ms)
        return self._pause_s()

    def _send(self, found: turn.Sorted, settings: Settings) -> None:
        pen = Pen(self._desk, settings)
        for channel, ready in found.ready.items():
            if ready:
                self._rounds.start(channel, ready, pen.put_up if channel == CENTRE else pen.send)
        self._rounds.wait(self._patience_s)

    def _escalate(self, patience: Patience, now_ms: int) -> None:
        """Now and then: time has to pass anyway before anything comes of it."""
        if now_ms - self._looked_ms < 1000 * LOOK_S:
            return
        self._looked_ms = now_ms
        town = steady(town_of(self._desk.reader, now_ms, {}))
        self._desk.store.writer.do(lambda conn: escalate(conn, town, patience, now_ms))

    def _sweep(self, now_ms: int) -> None:
        """Every hour, and at every turn while there is more to forget."""
        mono_ms = self._desk.clock.mono_ms()
        if mono_ms >= self._sweep_at_ms:
            before_ms = now_ms - self._desk.keep_ms
            swept = self._desk.store.writer.do(lambda conn: sweep(conn, before_ms))
            self._sweep_at_ms = mono_ms + (0 if swept else SWEEP_MS)

    def _pause_s(self) -> float:
        with self._desk.store.reading() as conn:
            at_ms = rows.next_ms(conn)
        if at_ms is None:
            return LOOK_S
        return min(LOOK_S, max(BUSY_S, (at_ms - self._desk.clock.wall_ms()) / 1000))
