"""Whence agents speak: noted when it changed and settled, and what the judge makes of it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from collector.hub import Hub
from collector.judging.loop import Judge
from collector.reading.reader import HubReader
from collector.register.speaking_from import A_DAY, SpeakingFrom, peer_of
from collector.store.line_tables import egress
from tests.support.handclock import HandClock
from tests.support.lined import declare, line
from tests.support.measured import BOX, CENTRE, LAN, LINE, every, ms
from tests.support.town import Town

FIRST, OTHER = "192.0.2.1", "198.51.100.9"


@pytest.mark.parametrize(
    ("client", "told"),
    [
        pytest.param(("192.0.2.7", 4711), "192.0.2.7", id="ipv4"),
        pytest.param(("::ffff:192.0.2.7", 4711), "192.0.2.7", id="ipv4 in ipv6"),
        pytest.param(("2001:db8::7", 4711), "2001:db8::7", id="ipv6"),
        pytest.param(("127.0.0.1", 4711), None, id="a proxy on this machine"),
        pytest.param(("::1", 4711), None, id="the same over ipv6"),
        pytest.param(("fe80::1%eth0", 4711), None, id="the same cable"),
        pytest.param(("/run/motcua.sock", None), None, id="no address"),
        pytest.param(None, None, id="nobody"),
    ],
)
def test_the_address_of_a_peer(client: tuple[str, int | None] | None, told: str | None) -> None:
    assert peer_of({"type": "http", "client": client}) == told


class Ear:
    """A collector that hears a box, second by second."""

    def __init__(self, hub: Hub, clock: HandClock) -> None:
        self.hub, self.clock = hub, clock
        self.whence = SpeakingFrom(hub)

    def hear(self, *heard: tuple[float, str]) -> None:
        step = self.whence.loop().step
        for second, address in heard:
            self.clock.wall = ms(second)
            self.whence.note(BOX, address, ms(second))
            step()

    def rows(self) -> list[tuple[int, str]]:
        with self.hub.store.reading() as conn:
            return [
                tuple(row) for row in conn.execute(select(egress.c.from_ms, egress.c.address).order_by(egress.c.id))
            ]


def test_a_change_is_noted_from_its_beginning_once_it_has_settled(hub: Hub, clock: HandClock) -> None:
    ear = Ear(hub, clock)
    ear.hear((0, FIRST), (25, FIRST), (30, OTHER), (45, OTHER))
    assert ear.rows() == [(ms(0), FIRST)]
    ear.hear((50, OTHER), (75, OTHER))
    assert ear.rows() == [(ms(0), FIRST), (ms(30), OTHER)]


def test_an_address_that_comes_and_goes_is_never_noted(hub: Hub, clock: HandClock) -> None:
    ear = Ear(hub, clock)
    ear.hear(*((10.0 * n, (FIRST, OTHER)[n % 2]) for n in range(40)))
    assert ear.rows() == [(ms(0), FIRST)]


def test_after_a_restart_what_was_noted_is_known(hub: Hub, clock: HandClock) -> None:
    Ear(hub, clock).hear((0, FIRST))
    again = Ear(hub, clock)
    again.hear((100, FIRST), (130, OTHER), (140, FIRST), (200, FIRST))
    assert again.rows() == [(ms(0), FIRST)]


def test_what_changes_all_day_is_noted_so_often_and_no_more(hub: Hub, clock: HandClock) -> None:
    ear = Ear(hub, clock)
    for n in range(A_DAY + 20):
        ear.hear((100.0 * n, f"203.0.113.{n}"), (100.0 * n + 30, f"203.0.113.{n}"))
    assert len(ear.rows()) == A_DAY


@pytest.fixture
def town(hub: Hub, clock: HandClock) -> Town:
    """A centre with two lines that declare whence their traffic comes; one is measured."""
    made = Town(hub)
    made.settle()
    clock.wall = ms(-100)
    rows = {"00000-1/a": line(cpe_address=FIRST), "00000-1/b": line(egress="198.51.100.0/28", reach_by="none")}
    declare(hub, "lines", rows, ms(-100))
    return made


def test_a_centre_runs_on_its_backup_since_its_traffic_left_by_it(hub: Hub, town: Town, clock: HandClock) -> None:
    ear, judge = Ear(hub, clock), Judge(hub)
    town.hear(ms(300), since_ms=ms(0))
    town.send([*every(range(0, 300, 10), LAN, target="gateway"), *every(range(5, 300, 10), LINE)])
    ear.hear((0, FIRST), (25, FIRST), (112, OTHER), (140, OTHER), (300, OTHER))
    while judge.step() == 0:
        pass
    reader = HubReader(hub)
    standing = reader.standings("00000-1")[CENTRE]
    assert (standing.state, standing.reason, standing.since_ms) == ("degraded", "on_backup", ms(112))
    assert standing.detail["line"] == "line:00000-1/b"
    now = reader.carrying()["00000-1"]
    assert (now.line, now.address, now.since_ms, now.backup) == ("line:00000-1/b", OTHER, ms(112), True)
    ear.hear((310, FIRST), (335, FIRST), (400, FIRST))
    town.hear(ms(400), since_ms=ms(300))
    town.send([*every(range(300, 400, 10), LAN, target="gateway"), *every(range(305, 400, 10), LINE)])
    while judge.step() == 0:
        pass
    assert reader.standings("00000-1")[CENTRE].state == "ok"
    now = reader.carrying()["00000-1"]
    assert (now.line, now.since_ms, now.backup) == (LINE, ms(310), False)


def test_an_address_that_no_line_declares_is_told_and_means_nothing(hub: Hub, town: Town, clock: HandClock) -> None:
    ear, judge = Ear(hub, clock), Judge(hub)
    town.hear(ms(300), since_ms=ms(0))
    town.send([*every(range(0, 300, 10), LAN, target="gateway"), *every(range(5, 300, 10), LINE)])
    ear.hear((0, FIRST), (100, "203.0.113.5"), (130, "203.0.113.5"), (300, "203.0.113.5"))
    while judge.step() == 0:
        pass
    reader = HubReader(hub)
    assert reader.standings("00000-1")[CENTRE].state == "ok"
    now = reader.carrying()["00000-1"]
    assert (now.line, now.address, now.since_ms, now.backup) == (None, "203.0.113.5", ms(100), False)
