"""The bench of leases, small: a whole day on its own clock, on a real store, with restarts of the collector."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.leaseday import Day, DayClock, Player, collisions, most, out_of_window, unserved
from bench.leases import MONDAY_MS, SERVERS
from bench.leasetown import Box, players_of
from collector.hub import Hub
from collector.leases.keeping import Asked, Leases
from collector.settings import Settings
from collector.store.databases import migrate, open_store
from tests.support import planned
from wire.messages import LeaseAnswer, LeaseAsk

CENTRES = 24
RUSH_MS = 2 * 3_600_000


class Collector:
    """Answers in one transaction after the other, and is started anew every hundred questions."""

    def __init__(self, hub: Hub) -> None:
        self._hub, self._leases, self._asked = hub, Leases(hub), 0

    def ask(self, player: Player, word: LeaseAsk) -> LeaseAnswer:
        self._asked += 1
        if self._asked % 100 == 0:
            self._leases = Leases(self._hub)
        one = Asked(player.agent, word)
        self._leases.ready(one)
        with self._hub.store.core.execution_options(motcua_writes=True).begin() as conn:
            [answer] = self._leases.do(conn, [one])
        return answer

    def wave(self, asks: Sequence[tuple[Player, LeaseAsk]]) -> list[LeaseAnswer]:
        return [self.ask(player, word) for player, word in asks]


@pytest.mark.parametrize("uplinks", [3, 24])
def test_everybody_asks_at_once_and_is_served_in_turn(tmp_path: Path, uplinks: int) -> None:
    clock = DayClock(MONDAY_MS)
    store = open_store(tmp_path / "home", clock)
    try:
        migrate(store)
        hub = Hub(store, clock, Settings(home=tmp_path / "home", measure=SERVERS))
        keys = [f"{7000 + n:05}-1" for n in range(CENTRES)]
        centres = "key,name_vi\n" + "".join(f"{key},Xã {key}\n" for key in keys)
        lines = "key,kind,carrier,contract_bps,uplink_group,reach_by\n"
        for n, key in enumerate(keys):
            lines += f"{key}/a,internet,vnpt,200000000,cabinet-{n % uplinks},default\n"
            lines += f"{key}/b,tslcd,vnpt,,cabinet-{n % uplinks},interface:eth1\n"
        planned.province(hub, tmp_path / "province", centres=centres, lines=lines)
        Leases(hub).loop().step()
        boxes = [Box(planned.enrol(hub, key).agent, "", key) for key in keys]
        players = players_of(hub, boxes, rush_ms=RUSH_MS)
        collector = Collector(hub)
        day = Day(clock, collector.ask, collector.wave)
        day.play(players, people=0.5)
    finally:
        store.close()
    assert len(players) == 2 * CENTRES
    assert (collisions(day.loads), unserved(players, day.loads), out_of_window(day.loads)) == (0, 0, 0)
    load = most(day.loads)
    assert [load[s.url][0] <= s.tests and load[s.url][1] <= s.mbps * 1_000_000 for s in SERVERS] == [True, True]
    assert len(day.loads) == len(players) + CENTRES
    assert day.refused == []
