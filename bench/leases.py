"""Leases: 99 boxes that ask at once over TLS, a whole day played on its own clock; then a country of 3,321 centres.

The 99 are the example province's own centres, uplinks and hours. A decision is timed in the writer's transaction, from
the question to its rows written, without the COMMIT that a group of decisions shares.
"""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import motcua
from bench.frame import Report, main, percentile
from bench.home import Home
from bench.leaseday import Day, DayClock, Player, collisions, most, out_of_window, unserved
from bench.leasetown import country, enrol_all, players_of, province
from bench.place import scratch
from collector.hub import Hub
from collector.leases.keeping import Asked, Leases
from collector.settings import MeasureServer, Settings
from collector.store.databases import migrate, open_store
from wire.client import Client, fetch_ca, pinned
from wire.messages import LeaseAnswer, LeaseAsk

MONDAY_MS: Final = 1_795_395_600_000
"""2026-11-23 08:00 in Vietnam: in the middle of the rush."""

SERVERS: Final = (
    MeasureServer("https://one.example:8444", 1_000, 12),
    MeasureServer("https://two.example:8444", 500, 6),
)
COUNTRY: Final = tuple(MeasureServer(f"https://m{n}.example:8444", 10_000, 20) for n in range(3))
GROUP: Final = 32
BAR_MS: Final = 10.0
"""Decisions a COMMIT, as many agents that ask together cause."""


def run(report: Report) -> None:
    with scratch("leases") as folder:
        for n in range(report.runs if not report.quick else 1):
            asyncio.run(_at_once(report, folder / f"province{n}", n))
        _whole_country(report, folder / "country")


# --- 99 boxes over TLS ------------------------------------------------------------------------------------------------


async def _at_once(report: Report, folder: Path, n: int) -> None:
    settings = dataclasses.replace(Home(folder).settings, measure=SERVERS)
    clock = DayClock(MONDAY_MS)
    async with motcua.running(settings, ("ingest",), clock) as hub:
        await asyncio.to_thread(_play, report, hub, clock, n)


def _play(report: Report, hub: Hub, clock: DayClock, n: int) -> None:
    province(hub)
    boxes = enrol_all(hub)
    players = players_of(hub, boxes, rush_ms=2 * 3_600_000)
    door = Door(hub.settings.agents_url)
    day = Day(clock, door.ask, door.wave, seed=n)
    day.play(players, people=0.3)
    load = most(day.loads)
    fits = all(load[s.url][0] <= s.tests and load[s.url][1] <= s.mbps * 1e6 for s in SERVERS)
    met, missed, rush = collisions(day.loads), unserved(players, day.loads), out_of_window(day.loads)
    demanded = sum(bool(one.task) for one in day.loads)
    report.judge(
        f"{len(boxes)} boxes ask at once, {len(players)} lines, a day",
        "never two tests on one uplink",
        f"{met} met of {len(day.loads)} tests, {demanded} of them on demand",
        holds=met == 0 and fits,
        how=f"TLS, {len(boxes)} connections; at most {load[''][0]} tests at once, servers within what they carry: {fits}",
    )
    report.judge(
        "every line served within its window and period",
        "all",
        f"{len(players) - missed} of {len(players)}, {rush} in the rush, {len(day.refused)} refused",
        holds=missed == 0 and rush == 0,
        how="windows from the inventory's hours; policy of the example province",
    )
    report.keep({f"answer_p50_ms_{n}": door.p(0.5), f"answer_p99_ms_{n}": door.p(0.99), f"asks_{n}": day.asks})
    door.close()


class Door:
    """The collector over TLS: a connection for each box that asks at once, one for those that come later."""

    def __init__(self, url: str) -> None:
        self._url, self._tls = url, pinned(fetch_ca(url))
        self._clients: dict[str, Client] = {}
        self._lock = threading.Lock()
        self.took_ms: list[float] = []

    def ask(self, player: Player, word: LeaseAsk) -> LeaseAnswer:
        with self._lock:
            client = self._clients.setdefault(player.agent, Client(self._url, self._tls, token=player.token))
        began = time.perf_counter()
        answer = client.lease(word)
        self.took_ms.append((time.perf_counter() - began) * 1000)
        return answer

    def wave(self, asks: Sequence[tuple[Player, LeaseAsk]]) -> list[LeaseAnswer]:
        """All at once: one thread a box, which asks for its lines one after the other, as an agent does."""
        found: dict[str, LeaseAnswer] = {}
        by_box: dict[str, list[tuple[Player, LeaseAsk]]] = {}
        for player, word in asks:
            by_box.setdefault(player.agent, []).append((player, word))
        gate = threading.Barrier(len(by_box))

        def box(mine: list[tuple[Player, LeaseAsk]]) -> None:
            gate.wait()
            for player, word in mine:
                found[player.line] = self.ask(player, word)

        with ThreadPoolExecutor(len(by_box)) as pool:
            list(pool.map(box, by_box.values()))
        return [found[player.line] for player, _ in asks]

    def p(self, share: float) -> float:
        return round(percentile(self.took_ms, share), 1)

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


# --- a country, without sockets ---------------------------------------------------------------------------------------


def _whole_country(report: Report, folder: Path) -> None:
    clock = DayClock(MONDAY_MS)
    store = open_store(folder, clock)
    try:
        migrate(store)
        hub = Hub(store, clock, Settings(home=folder, measure=COUNTRY))
        boxes = country(hub, folder / "files")
        players = players_of(hub, boxes, rush_ms=2 * 3_600_000)
        desk = Desk(hub)
        day = Day(clock, desk.ask, desk.wave)
        day.play(players, people=0.05)
        desk.close()
    finally:
        store.close()
    met, missed = collisions(day.loads), unserved(players, day.loads)
    worst = percentile(desk.took_ms, 0.99)
    how = f"SQLite, {len(players)} lines ask in one moment, then come at their turns; {day.asks} questions"
    measured = f"{worst:.1f} ms (median {percentile(desk.took_ms, 0.5):.1f}, longest {max(desk.took_ms):.1f})"
    report.judge(
        f"lease decision, {len(boxes)} centres, p99", f"≤ {BAR_MS:.0f} ms", measured, holds=worst <= BAR_MS, how=how
    )
    report.judge(
        f"{len(boxes)} centres served fairly from one process",
        "all, never two on one uplink",
        f"{len(players) - missed} of {len(players)} lines, {met} met",
        holds=missed == 0 and met == 0,
        how=f"at most {most(day.loads)[''][0]} tests at once; {len(day.refused)} refused",
    )


class Desk:
    """Decisions timed one by one, a COMMIT for every `GROUP`."""

    def __init__(self, hub: Hub) -> None:
        self._leases, self._engine = Leases(hub), hub.store.core
        self._connection = self._engine.connect().execution_options(motcua_writes=True)
        self.took_ms: list[float] = []

    def ask(self, player: Player, word: LeaseAsk) -> LeaseAnswer:
        one = Asked(player.agent, word)
        self._leases.ready(one)
        began = time.perf_counter()
        [answer] = self._leases.do(self._connection, [one])
        self.took_ms.append((time.perf_counter() - began) * 1000)
        if len(self.took_ms) % GROUP == 0:
            self._connection.commit()
        return answer

    def wave(self, asks: Sequence[tuple[Player, LeaseAsk]]) -> list[LeaseAnswer]:
        return [self.ask(player, word) for player, word in asks]

    def close(self) -> None:
        self._connection.commit()
        self._connection.close()


if __name__ == "__main__":
    main("leases", run, __doc__)
