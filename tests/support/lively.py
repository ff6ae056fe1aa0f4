"""The province of `reader_double` with what its inventory tells and twelve shared systems on a bad morning.

The register of births is slow for 87 of 99 centres and from the province; one more system fails at a single centre.
"""

from __future__ import annotations

import csv
import functools
import random
from pathlib import Path

from collector.api import (
    DayFigure,
    Interval,
    LineInfo,
    PhaseTimes,
    Place,
    PlannedItem,
    State,
    SubjectInfo,
    SystemInfo,
)
from tests.support.reader_double import DAY_MS, MINUTE_MS, World, observed, province, ulid

PROVINCE = Path(__file__).resolve().parents[2] / "province" / "bac-ninh"
ROOM = "00000-1"
VANTAGE = ulid(900, "A")
SLOW, ODD = "hotich", "vneid"

# id, names, owner, scope, limit, usual total
SYSTEMS = (
    ("dvcqg", "Cổng Dịch vụ công quốc gia", "National Public Service Portal", "Bộ Công an", "national", 5.0, 0.42),
    ("tthc", "Giải quyết TTHC Bắc Ninh", "Provincial procedure system", "Sở KH&CN Bắc Ninh", "province", 3.0, 0.18),
    (SLOW, "Hộ tịch điện tử", "Electronic civil register", "Bộ Tư pháp", "national", 5.0, 1.9),
    ("dkkd", "Đăng ký hộ kinh doanh", "Household business register", "Bộ Tài chính", "national", 5.0, 1.3),
    ("qlvb", "Quản lý văn bản", "Document management", "Văn phòng UBND tỉnh", "province", 3.0, 0.21),
    (ODD, "Đăng nhập VNeID", "VNeID sign-on", "Bộ Công an", "national", 5.0, 0.35),
    ("mail", "Thư công vụ", "Official mail", "Sở KH&CN Bắc Ninh", "province", 3.0, 0.11),
    ("datdai", "Đất đai VBDLIS", "Land register", "Bộ Nông nghiệp và Môi trường", "national", 5.0, 0.9),
    ("lltp", "Lý lịch tư pháp", "Criminal record register", "Bộ Công an", "national", 5.0, 0.6),
    ("bhxh", "Giám định BHYT", "Health insurance portal", "BHXH Việt Nam", "national", 5.0, 0.7),
    ("thue", "Thuế điện tử", "Electronic tax", "Cục Thuế", "national", 5.0, 0.5),
    ("tsa", "Dấu thời gian ký số", "Signing time stamps", "Ban Cơ yếu Chính phủ", "national", 10.0, 0.3),
)
OFF = (
    ("lgsp", "Trục liên thông LGSP", "Service bus", "Sở KH&CN Bắc Ninh", "province", "verify"),
    ("csdldc", "CSDL quốc gia về dân cư", "National population database", "Bộ Công an", "national", "confirmed"),
)
SHARES = {"dns": 0.06, "connect": 0.09, "tls": 0.2, "ttfb": 0.5, "transfer": 0.15}


def lively(systems: int = len(SYSTEMS)) -> World:
    """99 centres with lines, places and opening hours, and `systems` shared systems."""
    world = province()
    inventory(world)
    for row in SYSTEMS[:systems]:
        _system(world, row)
    for name, vi, en, owner, scope, confidence in OFF:
        world.known_systems.append(SystemInfo(name, vi, en, owner, scope, 5.0, 300.0, on=False, confidence=confidence))
    _past(world)
    return world


def inventory(world: World) -> None:
    """What the example province's files say of its centres and lines."""
    listed = {centre.key for centre in world.listed_centres}
    with (PROVINCE / "centres.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["key"] in listed:
                world.known_places[row["key"]] = Place(
                    row["area"], float(row["lat"]), float(row["lon"]), row["located"], row["type"], row["contact"],
                    row["phone"], row["hours"], float(row["dossiers_per_hour"] or 0) or None,
                )  # fmt: skip
    world.hours = {"thuong": ("07:30-11:30", "13:30-17:00"), "thu-bay": ("07:30-11:30",)}
    with (PROVINCE / "lines.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            centre = row["key"].partition("/")[0]
            if centre in listed:
                reach_by = "none" if row["key"].endswith("/c") else row["reach_by"]
                world.known_lines.setdefault(centre, []).append(LineInfo(
                    f"line:{row['key']}", row["kind"], row["carrier"], row["circuit"],
                    float(row["contract_bps"] or 0) or None, row["cpe_address"], row["uplink_group"], reach_by,
                ))  # fmt: skip
    _second_lines(world)


def _second_lines(world: World) -> None:
    """Line b is measured; line c cannot be from there. The province reaches the CPE of line a."""
    agents = {agent.centre: agent.id for agent in world.listed_agents}
    for centre, lines in world.known_lines.items():
        for line in lines:
            letter = line.key[-1]
            label = f"{letter.upper()} · {'Internet' if line.kind == 'internet' else 'TSLCD'} {line.carrier.upper()}"
            if letter == "a":
                place = next(n for n, info in enumerate(world.listed_subjects) if info.key == line.key)
                world.listed_subjects[place] = SubjectInfo(line.key, "line", centre, label, agents[centre])
                cut = world.held_standings[line.key].state == "down"
                _reach(world, VANTAGE, line.key, line.cpe_address, 0.011, lost=cut)
            else:
                world.listed_subjects.append(SubjectInfo(line.key, "line", centre, label, agents[centre]))
            if letter == "b":
                cut = world.held_standings[f"centre:{centre}"].state == "down"
                world.items.append(
                    PlannedItem(f"line-b-{centre}", agents[centre], line.key, "reach", "collector", 10.0)
                )
                _reach(world, agents[centre], line.key, "collector", 0.0061, lost=cut)
                world.stand(
                    line.key, "down" if cut else "ok", "no_answer" if cut else None, minutes=33 if cut else 9_000
                )
            elif letter == "c":
                world.stand(line.key, "unknown", "never_measured")


def _reach(world: World, agent: str, subject: str, target: str, rtt: float, *, lost: bool) -> None:
    numbers = {"sent_packets": 5.0, "received_packets": 0.0, "loss_ratio": 1.0} if lost else {
        "sent_packets": 5.0, "received_packets": 5.0, "loss_ratio": 0.0, "loss_low_ratio": 0.0, "loss_high_ratio": 0.43,
        "rtt_seconds": rtt, "jitter_seconds": rtt / 9,
    }  # fmt: skip
    found = {f"motcua_line_{name}": value for name, value in numbers.items()}
    outcome, reason = ("fail", "no_answer") if lost else ("ok", None)
    world.store(agent, observed(subject, "reach", target, found, outcome=outcome, reason=reason))  # type: ignore[arg-type]  # test only


def _system(world: World, row: tuple[str, str, str, str, str, float, float]) -> None:
    name, vi, en, owner, scope, slow_s, usual_s = row
    chance = random.Random(name)
    world.known_systems.append(SystemInfo(name, vi, en, owner, scope, slow_s, 300.0, on=True, confidence="confirmed"))
    world.listed_subjects.append(SubjectInfo(f"service:{name}", "service", "", name, None))
    world.stand(f"service:{name}", *(("degraded", "slow") if name == SLOW else ("ok", None)), minutes=19)
    for n, place in enumerate([ROOM, *(centre.key for centre in world.listed_centres)]):
        key = f"service:{name}@{place}"
        agent = VANTAGE if place == ROOM else next(a.id for a in world.listed_agents if a.centre == place)
        world.listed_subjects.append(SubjectInfo(key, "service", place, name, agent))
        world.items.append(
            PlannedItem(f"service-{name}-{place}", agent, key, "service", f"https://{name}.example/", 300.0)
        )
        state, reason = _seen(world, name, n, place)
        world.stand(key, state, reason, minutes=19 if state in {"degraded", "down"} else 4_000)
        if state != "unknown":
            total = (11.2 if state == "degraded" else usual_s) * chance.uniform(0.7, 1.5)
            times = {phase: total * share * chance.uniform(0.8, 1.2) for phase, share in SHARES.items()}
            if state == "degraded":
                times = {phase: took if phase == "ttfb" else usual_s * SHARES[phase] for phase, took in times.items()}
            passed = state != "down"
            at = world.now - chance.randrange(4_000, 290_000)
            world.answers[key] = PhaseTimes(key, at, times if passed else {"dns": 0.03, "connect": 8.0},
                                            sum(times.values()) if passed else None)  # fmt: skip


def _seen(world: World, name: str, n: int, place: str) -> tuple[State, str | None]:
    standing = world.held_standings.get(f"centre:{place}")
    if standing is not None and standing.state == "down":
        return "unknown", "line_down"
    if standing is not None and standing.state == "unknown":
        return "unknown", "silent"
    if name == SLOW and (n < 91 or place == ROOM):
        return "degraded", "slow"
    return ("down", "timeout_answer") if name == ODD and n == 17 else ("ok", None)


def _past(world: World) -> None:
    """Every subject was ill now and then in the last year, at moments of its own."""
    for info in world.listed_subjects:
        world.past[info.key] = list(_past_of(info.key, world.now))
    world.figures = [
        DayFigure(
            f"2026-{month:02d}-{day:02d}", "", "collector", 8_600, 0.006, 0.009, 0.08, 0.0085, 0.014, 0.031, exact=True
        )
        for month in range(8, 12)
        for day in range(1, 31)
        if (month, day) < (11, 21)
    ]


@functools.cache  # a hundred thousand intervals: most of what a test of a page would take
def _past_of(key: str, now: int) -> tuple[Interval, ...]:
    chance, at, found = random.Random(key), now - 365 * DAY_MS, list[Interval]()
    while at < now:
        well = at + round(chance.expovariate(1 / 9) * DAY_MS) + 20 * MINUTE_MS
        ill = well + round(chance.expovariate(1 / 70) * MINUTE_MS) + MINUTE_MS
        state, reason = chance.choice((("degraded", "loss"), ("degraded", "slow"), ("down", "no_answer")))
        found += [Interval(key, "ok", None, at, well), Interval(key, state, reason, well, ill)]  # type: ignore[arg-type]  # test only
        at = ill
    return tuple(found)
