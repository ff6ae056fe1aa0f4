"""The province of `lively` with what is measured of its lines: tests of speed, use, ways, conferences, norms, ranks.

Lạng Giang's line A is below its contract and carries the traffic; Tây Yên Tử is cut off behind its second hop.
"""

from __future__ import annotations

import math
import random
from dataclasses import replace

from collector.api import (
    NEVER_TESTED,
    Broken,
    CarrierRank,
    Carrying,
    Hop,
    LineInfo,
    LineRank,
    NormCheck,
    PathLook,
    PathView,
    PlannedItem,
    Point,
    Ranking,
    Series,
    SpeedTest,
    Spread,
    Team,
    Unproved,
    Use,
)
from tests.support.lively import lively
from tests.support.reader_double import DAY_MS, MINUTE_MS, World, observed
from tests.support.speedruns import told

SLOW = "line:07375-1/a"  # Lạng Giang, Internet
CUT = "line:07616-1/a"  # Tây Yên Tử
SPARE = "line:07375-1/b"
BLIND = "line:07375-1/c"  # cannot be measured from there
HOUR_MS = 3_600_000
_STAMPS = ("contaminated", "cpu_bound", "nic_bound", "server_bound")


def lined() -> World:
    """Everything the pages of lines show."""
    world = lively(0)
    world.known_teams = [
        Team("vnpt-bac", "Tổ VNPT Bắc Giang", "VNPT team Bac Giang", "vnpt", ("bac-giang",), ("line",), "0204 000 000"),
        Team("vnpt", "Tổ VNPT tỉnh", "VNPT team", "vnpt", (), ("line",)),
    ]
    ranks, chance = list[LineRank](), random.Random(5)
    for centre in [centre.key for centre in world.listed_centres]:
        for line in world.known_lines.get(centre, []):
            ranks.append(_line(world, centre, line, chance))
        first = next(iter(world.known_lines.get(centre, [])), None)
        if first is not None:
            since = world.now - 40 * MINUTE_MS
            world.carries[centre] = Carrying(first.key, "192.0.2.77", since, backup=False)
    _slow(world)
    _cut(world)
    carriers = [_carrier(name, ranks) for name in sorted({rank.carrier for rank in ranks})]
    ranks.sort(key=lambda rank: (rank.share is None, rank.share or 0.0, rank.line))
    world.ranked = Ranking(0, world.now, 0.8, tuple(ranks), tuple(carriers))
    world.touch()
    return world


def _line(world: World, centre: str, line: LineInfo, chance: random.Random) -> LineRank:
    """A line with a month of tests, or without any and why."""
    contract = line.contract_bps or 1e8
    if line.reach_by == "none":
        return LineRank(line.key, centre, line.kind, line.carrier, line.contract_bps, why="not_measurable")
    agent = next(agent.id for agent in world.listed_agents if agent.centre == centre)
    world.items.append(PlannedItem(f"speed-{line.key[5:]}", agent, line.key, "bandwidth", "province", 86_400.0))
    if chance.random() < 0.04:
        world.never_proved.append(Unproved(line.key, centre, line.kind, line.carrier, None))
        return LineRank(line.key, centre, line.kind, line.carrier, line.contract_bps, why=NEVER_TESTED)
    share = chance.uniform(0.35, 0.75) if chance.random() < 0.08 or line.key == SLOW else chance.uniform(0.86, 1.01)
    share = 0.31 if line.key == SLOW else share
    if share < 0.8:
        world.stand(line.key, "degraded", "below_contract", minutes=3_000)
    tests = [_one(world, line.key, contract * share / 1e6, n, chance) for n in range(30)]
    world.tested[line.key] = tests
    down = Spread(contract * share, contract * share * 0.9, contract * share * 1.05)
    up = Spread(contract * share * 0.94, contract * share * 0.8, contract * share)
    held = [test for test in tests if test.outcome == "ok"]
    if chance.random() < 0.05:
        at_ms = world.now - 9 * DAY_MS
        world.never_proved.append(Unproved(line.key, centre, line.kind, line.carrier, at_ms))
    use = Use("2026-11-20", contract * 0.4, contract * 0.1, 0.97)
    return LineRank(
        line.key, centre, line.kind, line.carrier, line.contract_bps, down, up, share, share < 0.8, len(held),
        {"contaminated": 30 - len(held)}, held[0].at_ms if held else None, use,
    )  # fmt: skip


def _one(world: World, line: str, mbps: float, n: int, chance: random.Random) -> SpeedTest:
    at_ms = world.now - n * DAY_MS - 3 * HOUR_MS - n * 7 * MINUTE_MS
    if n % 7 == 3:
        return told(line, at_ms, mbps * 0.6, mbps * 0.5, why=_STAMPS[n % 4], loaded=0.2)
    if n % 11 == 5:
        return told(line, at_ms, why="line_busy")
    speed = mbps * chance.uniform(0.95, 1.04)
    return told(line, at_ms, speed, speed * 0.94, loaded=chance.uniform(0.05, 0.2), idle=0.012)


def _carrier(name: str, ranks: list[LineRank]) -> CarrierRank:
    own = [rank for rank in ranks if rank.carrier == name]
    shares = sorted(rank.share for rank in own if rank.share is not None)
    median = shares[len(shares) // 2] if shares else None
    return CarrierRank(name, len(own), len(shares), sum(1 for rank in own if rank.below), median)


def _slow(world: World) -> None:
    """Lạng Giang's first line: every part of its page has something to show."""
    tests = [told(SLOW, world.now - 25 * MINUTE_MS, why="line_busy"), *world.tested[SLOW]]
    world.tested[SLOW] = tests
    world.stand(
        SLOW, "degraded", "below_contract", minutes=131, metric="motcua_line_download_bps", value=31e6, limit=80e6
    )
    world.stand("centre:07375-1", "degraded", "own_fault", minutes=131)
    world.carries["07375-1"] = Carrying(SLOW, "192.0.2.77", world.now - 2 * HOUR_MS, backup=True)
    world.curves[SLOW] = [*_speeds(tests), *_passive(world), *_reach(world), *_conference(world)]
    agent = next(agent.id for agent in world.listed_agents if agent.centre == "07375-1")
    udp = {
        f"motcua_line_udp_{name}|{of}": value * factor
        for of, factor in (("ef", 1.0), ("af41", 1.6), ("be", 2.4))
        for name, value in {
            "sent_packets": 500.0, "received_packets": 496.0, "loss_ratio": 0.008, "loss_low_ratio": 0.003,
            "loss_high_ratio": 0.02, "lost_up_ratio": 0.006, "rtt_seconds": 0.021, "jitter_seconds": 0.0031,
            "jitter_up_seconds": 0.0044,
        }.items()
    }  # fmt: skip
    world.store(agent, observed(SLOW, "quality", "reflector", udp))
    port = {"motcua_line_port_bps": 1e8, "motcua_line_port_duplex_ratio": 1.0, "motcua_line_port_up_ratio": 1.0}
    world.store(agent, observed(SLOW, "use", "counters", port))
    hops = tuple(Hop(n, (f"192.0.2.{n}",), 0.001 * n * n) for n in range(1, 6))
    then = PathLook(next(iter(world.stored)), world.now - 20 * HOUR_MS, "collector", "192.0.2.200", True, hops)
    world.ways[SLOW] = PathView(SLOW, then, replace(then, at_ms=world.now - HOUR_MS))
    world.checked[SLOW] = [
        NormCheck("ftth-delay", "QCVN 34: trễ trung bình", "QCVN 34: mean delay", "2023-07-01", 0.05, "s", "at_most",
                  "QCVN 34:2022/BTTTT", "second_hand", "met", 0.0094, 30),
        NormCheck("ftth-down", "QCVN 34: tốc độ tải xuống", "QCVN 34: mean download", "2023-07-01", 80e6, "bit_s",
                  "at_least", "QCVN 34:2022/BTTTT", "confirmed", "not_met", 31e6, 30),
        NormCheck("ftth-available", "QCVN 34: độ khả dụng", "QCVN 34: availability", "2023-07-01", 0.995, "ratio",
                  "at_least", "QCVN 34:2022/BTTTT", "confirmed", "unknown", None, 0, "too_few"),
    ]  # fmt: skip


def _cut(world: World) -> None:
    """Tây Yên Tử: the way ends behind its second hop."""
    hops = tuple(Hop(n, (f"192.0.2.{n + 16}",), 0.002 * n) for n in range(1, 7))
    then = PathLook("x/y/1/0", world.now - 9 * HOUR_MS, "collector", "192.0.2.200", True, hops)
    short = (*hops[:2], Hop(3), Hop(4))
    now = PathLook("x/y/2/0", world.now - 30 * MINUTE_MS, "collector", "192.0.2.200", False, short)
    world.curves[CUT] = _reach(world)
    world.ways[CUT] = PathView(CUT, then, now, Broken(3, "192.0.2.18", ("192.0.2.19",), 3))


def series(metric: str, points: list[Point], of: str = "", *, target: str = "collector", step_s: float = 300) -> Series:
    """A series of the slow line."""
    return Series(SLOW, f"motcua_line_{metric}", of, target, step_s, tuple(points), 0.97)


def _speeds(tests: list[SpeedTest]) -> list[Series]:
    """What history makes of tests: a series of every figure and stamp."""
    found: dict[tuple[str, str], list[Point]] = {}
    for test in sorted(tests, key=lambda test: test.at_ms):
        if test.idle_rtt_s is not None:
            found.setdefault(("idle_rtt_seconds", ""), []).append(_point(test.at_ms, test.idle_rtt_s))
        for name, way in test.ways.items():
            for metric, of, value in (
                (f"{name}_bps", test.stamp, way.bps), (f"{name}_low_bps", test.stamp, way.low_bps),
                (f"{name}_high_bps", test.stamp, way.high_bps), ("loaded_rtt_seconds", name, way.loaded_rtt_s),
                ("responsiveness_hertz", name, way.responsiveness_hz),
            ):  # fmt: skip
                if value is not None:
                    found.setdefault((metric, of), []).append(_point(test.at_ms, value))
    return [series(metric, points, of, target="province") for (metric, of), points in found.items()]


def _passive(world: World) -> list[Series]:
    """A week of counters: 61 Mbit/s for 6 % of the time, so the 95 % lie below that in one direction only."""
    samples = range(2_016)
    at = [world.now - (2_016 - n) * 300_000 for n in samples]
    receive = [_point(at[n], 61e6 if n % 17 == 0 else 4e6 * (2 + math.sin(n / 40))) for n in samples]
    transmit = [_point(at[n], 1e6 * (2 + math.sin(n / 55))) for n in samples]
    return [series("receive_bps", receive), series("transmit_bps", transmit)]


def _reach(world: World) -> list[Series]:
    at = [world.now - (288 - n) * 300_000 for n in range(288)]
    rtt = [_point(moment, 0.009 * (1 + 0.2 * math.sin(n / 9))) for n, moment in enumerate(at)]
    sent = [Point(moment, 5, 5, 5, 30) for moment in at]
    back = [Point(moment, 0, 5 - (0.2 if n % 60 < 6 else 0), 5, 30) for n, moment in enumerate(at)]
    return [
        series("rtt_seconds", rtt),
        series("sent_packets", sent),
        series("received_packets", back),
    ]


def _conference(world: World) -> list[Series]:
    at = [world.now - (24 - n) * HOUR_MS for n in range(24)]
    made = []
    for of, factor in (("ef", 1.0), ("af41", 1.6), ("be", 2.4)):
        jitter = [_point(moment, 0.003 * factor * (1 + 0.3 * math.sin(n))) for n, moment in enumerate(at)]
        sent, back = ([_point(moment, packets) for moment in at] for packets in (500.0, 500.0 - 3 * factor))
        made += [
            series(name, points, of, target="reflector", step_s=3_600)
            for name, points in (
                ("udp_jitter_seconds", jitter), ("udp_sent_packets", sent), ("udp_received_packets", back)
            )
        ]  # fmt: skip
    return made


def _point(at_ms: int, value: float) -> Point:
    return Point(at_ms, value, value, value, 1)
