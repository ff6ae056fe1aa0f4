"""Leases: 99 boxes that ask at once over TLS, a whole day played on its own clock; then a country of 3,321 centres.

The 99 are the example province's own centres, uplinks and hours. A decision is timed in the writer's transaction, from
the question to its rows written, without the COMMIT that a group of decisions shares.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
"""Decisions a COMMIT, as many agents that ask together cause."""

BAR_MS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Played:
    """What came of one day of the 99."""

    boxes: int
    players: Sequence[Player]
    day: Day
    took_ms: Sequence[float]

    @property
    def within_servers(self) -> bool:
        load = most(self.day.loads)
        return all(load[s.url][0] <= s.tests and load[s.url][1] <= s.mbps * 1e6 for s in SERVERS)


def run(report: Report) -> None:
    with scratch("leases") as folder:
        _judge_days(report, [asyncio.run(_at_once(folder / f"province{n}", n)) for n in range(report.runs)])
        _whole_country(report, folder / "country")


# --- 99 boxes over TLS ------------------------------------------------------------------------------------------------


async def _at_once(folder: Path, n: int) -> Played:
    settings = dataclasses.replace(Home(folder).settings, measure=SERVERS)
    clock = DayClock(MONDAY_MS)
    async with motcua.running(settings, ("ingest",), clock) as hub:
        return await asyncio.to_thread(_play, hub, clock, n)


def _play(hub: Hub, clock: DayClock, n: int) -> Played:
    province(hub)
    boxes = enrol_all(hub)
    players = players_of(hub, boxes, rush_ms=2 * 3_600_000)
    with contextlib.closing(Door(hub.settings.agents_url)) as door:
        day = Day(clock, door.ask, door.wave, seed=n)
        day.play(players, people=0.3)
    return Played(len(boxes), players, day, door.took_ms)


def _judge_days(report: Report, days: Sequence[Played]) -> None:
    loads, first = [load for played in days for load in played.day.loads], days[0]
    met = sum(collisions(played.day.loads) for played in days)
    at_once, asked = max(most(played.day.loads)[""][0] for played in days), sum(bool(load.task) for load in loads)
    report.judge(
        f"{first.boxes} boxes ask at once for {len(first.players)} lines", "never two tests on one uplink",
        f"{met} met of {len(loads)} tests in {len(days)} days", holds=met == 0,
        how=f"TLS, {first.boxes} connections, {asked} tests on demand between; at most {at_once} tests at once",
    )  # fmt: skip
    report.judge(
        "no measurement server is asked for more than it carries", "never",
        f"{sum(not played.within_servers for played in days)} of {len(days)} days", how="contracts against capacity",
        holds=all(played.within_servers for played in days),
    )  # fmt: skip
    lines = sum(len(played.players) for played in days)
    missed, rush = sum(unserved(played.players, played.day.loads) for played in days), out_of_window(loads)
    report.judge(
        "every one served within its window and period", "all", f"{lines - missed} of {lines}, {rush} in the rush",
        holds=missed == rush == 0, how="hours of the example province's inventory, its policy",
    )  # fmt: skip
    took = [ms for played in days for ms in played.took_ms]
    report.keep({"answer_over_tls_p50_ms": round(percentile(took, 0.5), 1)})
    report.keep({"answer_over_tls_p99_ms": round(percentile(took, 0.99), 1), "asks": len(took)})


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
    measured = (
        f"{worst:.1f} ms (median {percentile(desk.took_ms, 0.5):.1f}, longest {max(desk.took_ms):.0f}; processor: p99 "
        f"{percentile(desk.spent_ms, 0.99):.1f})"
    )
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
        self.spent_ms: list[float] = []

    def ask(self, player: Player, word: LeaseAsk) -> LeaseAnswer:
        one = Asked(player.agent, word)
        self._leases.ready(one)
        began, spent = time.perf_counter(), time.thread_time()
        [answer] = self._leases.do(self._connection, [one])
        self.took_ms.append((time.perf_counter() - began) * 1000)
        self.spent_ms.append((time.thread_time() - spent) * 1000)
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
