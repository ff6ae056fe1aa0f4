"""A shared system as one centre sees it: design §6's row, with long periods, limits by time and lines that fail."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from collector.judge.facts import Fact
from collector.judge.service import Limit
from collector.judge.timeline import ALWAYS, Span
from tests.support.measured import (
    CENTRE,
    LAN,
    LINE,
    MAIL,
    PORTAL,
    SECOND_LINE,
    Desk,
    batches,
    every,
    ms,
    run,
    train,
)
from tests.support.measured import KINDS as EVERY

DAY_S = 86_400.0
Told = list[tuple[float, str, str | None]]


def line(first: float, last: float, *, lost: int = 0) -> list[Fact]:
    """Trains to the gateway, which answers, and over the line."""
    seconds = range(int(first), int(last), 10)
    return [*every(seconds, LAN, target="gateway"), *every([s + 0.5 for s in seconds], LINE, lost=lost)]


def portal(outcomes: str, *, subject: str = PORTAL, period_s: float = 60.0, first: float = 1.0) -> list[Fact]:
    """Runs of a service: `.` passed, `x` failed, `s` passed slowly, `?` could not be asked, blank not asked at all."""
    said = {".": ("ok", 0.3), "x": ("fail", 0.0), "s": ("ok", 7.0), "?": ("unknown", 0.0)}
    return [
        run(first + n * period_s, subject, outcome=said[sign][0], total_s=said[sign][1])  # type: ignore[arg-type]  # a word of the table above
        for n, sign in enumerate(outcomes)
        if sign != " "
    ]


KINDS = {key: kind for key, kind in EVERY.items() if key != SECOND_LINE}


def tell(*parts: list[Fact], until: float, desk: Desk | None = None) -> Desk:
    judged = desk or Desk(kinds=KINDS)
    judged.take([fact for part in parts for fact in part], until)
    return judged


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        pytest.param("...xx...", [(1.0, "ok", None)], id="two fails are no outage"),
        pytest.param(
            "...xxx..", [(1.0, "ok", None), (181.0, "down", "timeout_answer"), (361.0, "ok", None)], id="three"
        ),
        pytest.param("...xxx.x.x", [(1.0, "ok", None), (181.0, "down", "timeout_answer")], id="one pass is not back"),
        pytest.param(
            "...x?xx..", [(1.0, "ok", None), (181.0, "down", "timeout_answer"), (421.0, "ok", None)], id="blind"
        ),
        pytest.param(
            "...???..", [(1.0, "ok", None), (181.0, "unknown", "resolver_failed"), (361.0, "ok", None)], id="?"
        ),
        pytest.param("...    ..", [(1.0, "ok", None), (301.0, "unknown", "stale"), (421.0, "ok", None)], id="stale"),
        pytest.param("xxx", [(1.0, "down", "timeout_answer")], id="from its first run on"),
    ],
)
def test_a_service_is_down_after_three_fails_and_back_after_two_passes(outcomes: str, expected: Told) -> None:
    until = 60.0 * len(outcomes)
    assert tell(line(0, until), portal(outcomes), until=until).told(PORTAL) == expected


def test_three_in_a_row_of_a_service_that_is_asked_every_five_minutes_are_a_quarter_of_an_hour() -> None:
    desk = tell(line(0, 3_000), portal("...xxx....", subject=MAIL, period_s=300), until=3_000)
    assert desk.told(MAIL) == [(1.0, "ok", None), (901.0, "down", "timeout_answer"), (1_801.0, "ok", None)]


@pytest.mark.parametrize("lan_too", [False, True])
def test_what_fails_while_no_line_works_says_nothing_of_the_service(lan_too: bool) -> None:
    lost = [*every(range(180, 480, 10), LAN, lost=5 * lan_too, target="gateway")]
    lost += every([s + 0.5 for s in range(180, 480, 10)], LINE, lost=5)
    desk = tell(line(0, 180), lost, line(480, 660), portal("...xxxxx..."), until=660)
    assert "down" in {state for _, state, _ in desk.told(CENTRE)}
    assert desk.told(PORTAL) == [(1.0, "ok", None), (181.0, "unknown", "line_down"), (481.0, "ok", None)]


def test_a_service_that_still_fails_when_the_line_is_back_is_down_from_then_on() -> None:
    desk = tell(line(0, 180), line(180, 480, lost=5), line(480, 780), portal("...xxxxxxxxxx"), until=780)
    assert desk.told(PORTAL) == [
        (1.0, "ok", None), (181.0, "unknown", "line_down"), (481.0, "down", "timeout_answer"),
    ]  # fmt: skip


def test_a_short_cut_of_the_line_between_two_runs_does_not_hide_the_fault_of_a_service() -> None:
    cut = [*line(0, 1_000), *line(1_000, 1_040, lost=5), *line(1_040, 3_000)]
    desk = tell(cut, portal("...xxx....", subject=MAIL, period_s=300), until=3_000)
    assert (901.0, "down", "timeout_answer") in desk.told(MAIL)


def test_while_no_line_is_measured_one_service_speaks_for_another() -> None:
    both = [*portal("...xxxx"), *portal("..", subject=MAIL, period_s=300, first=5)]
    assert tell(both, until=420).told(PORTAL) == [(1.0, "ok", None), (181.0, "down", "timeout_answer")]


def test_where_the_lan_was_not_measured_a_service_that_fails_alone_says_nothing() -> None:
    trains = [train(s + 0.5, lost=5 if s >= 180 else 0) for s in range(0, 420, 10)]
    assert tell(trains, portal("...xxxx"), until=420).told(PORTAL)[-1] == (181.0, "unknown", "line_unknown")


def test_with_nothing_else_to_go_by_three_services_that_fail_at_once_accuse_each_other() -> None:
    three = [PORTAL, "service:second@00000-1", "service:third@00000-1"]
    facts = [fact for n, key in enumerate(three) for fact in portal("...xxxxx", subject=key, first=1 + n)]
    desk = tell(facts, until=480, desk=Desk(kinds={**KINDS, three[1]: "service", three[2]: "service"}))
    # Until a minute after the last of them passed, that one still spoke for the others.
    assert [desk.told(key)[-1][1:] for key in three] == [("unknown", "line_unknown")] * 3


def test_a_service_is_slow_by_the_median_of_its_last_five_runs_and_well_again_by_it() -> None:
    desk = tell(line(0, 1_200), portal("......ss.ssss......."), until=1_200)
    assert desk.told(PORTAL) == [(1.0, "ok", None), (541.0, "degraded", "slow"), (901.0, "ok", None)]
    slow = desk.effective(PORTAL)[1]
    assert slow.detail == {"total_s": 7.0, "limit": 5.0, "runs": 5}
    assert len(slow.evidence) == 3


def test_how_slow_a_service_may_be_is_what_the_inventory_said_at_that_time() -> None:
    desk = Desk(kinds=KINDS, limits={PORTAL: [Limit(ms(-100), ms(600), 10.0), Limit(ms(600), None, 2.0)]})
    tell(line(0, 1_200), portal("ssssssssssssssssssss"), until=1_200, desk=desk)
    assert desk.told(PORTAL) == [(1.0, "ok", None), (601.0, "degraded", "slow")]


def test_a_certificate_that_ends_within_its_days_degrades_and_a_slow_service_is_told_first() -> None:
    left = [run(1 + 60 * n, certificate_s=DAY_S * (15 - n), total_s=7.0 if n > 7 else 0.3) for n in range(14)]
    desk = tell(line(0, 840), left, until=840)
    assert desk.told(PORTAL) == [(1.0, "ok", None), (121.0, "degraded", "cert_ending")]
    assert desk.effective(PORTAL)[1].detail == {"left_s": 13 * 86_400, "limit": 14 * DAY_S}


def test_a_service_never_colours_its_centre() -> None:
    desk = tell(line(0, 600), portal("...xxxxxxx"), until=600)
    assert desk.told(CENTRE) == [(0.5, "ok", None)]


# --- order ----------------------------------------------------------------------------------------------------------

LENGTH_S = 4_800
END_S = LENGTH_S + 600
SEEDS = st.integers(0, 2**32)
DRAWN = (Phase.explicit, Phase.generate)  # a story of a thousand trains is not worth shrinking


def story(seed: int) -> list[Fact]:
    """A line that is cut now and then, and two services with weather of their own, one asked every five minutes."""
    dice = Random(seed)
    facts = [*_trains(dice), *_runs(dice, PORTAL, 60.0), *_runs(dice, MAIL, 300.0)]
    return sorted(facts, key=lambda fact: fact.at)


def _trains(dice: Random) -> Iterator[Fact]:
    second = 0.0
    while second < LENGTH_S:
        lost, blind = dice.choice([0, 0, 0, 5]), dice.random() < 0.1
        for _ in range(dice.randint(3, 60)):
            if not blind:
                yield train(second, LAN, target="gateway")
            yield train(second + 0.5, LINE, lost=lost)
            second += 10.0


def _runs(dice: Random, subject: str, period_s: float) -> Iterator[Fact]:
    second = dice.uniform(0, period_s)
    while second < LENGTH_S:
        weather = dice.choice(["ok", "ok", "ok", "fail", "slow", "unknown", "nothing", "ending"])
        for _ in range(dice.randint(1, 7)):
            if weather in {"ok", "fail", "unknown"}:
                yield run(second, subject, outcome=weather)  # type: ignore[arg-type]  # the three outcomes
            elif weather != "nothing":
                total_s, left_s = (8.0, DAY_S * 90) if weather == "slow" else (0.3, DAY_S)
                yield run(second, subject, total_s=total_s, certificate_s=left_s)
            second += period_s * dice.uniform(0.9, 1.1)


def presence(seed: int) -> list[Span]:
    edges = sorted(Random(seed + 1).sample(range(LENGTH_S), 2))
    return [Span(ms(-10), ms(edges[0])), Span(ms(edges[1]), ALWAYS)]


def at_once(seed: int) -> Desk:
    desk = Desk(kinds=KINDS, presence=presence(seed))
    desk.take(story(seed), END_S)
    return desk


@settings(max_examples=8, deadline=None, phases=DRAWN)
@given(SEEDS, SEEDS)
def test_in_any_order_and_any_pieces_services_are_told_the_same(seed: int, order: int) -> None:
    by_and_by = Desk(kinds=KINDS, presence=presence(seed))
    pieces = batches(story(seed), Random(order))
    for n in range(0, len(pieces), 12):
        by_and_by.take([fact for piece in pieces[n : n + 12] for fact in piece], END_S)
    assert by_and_by.everything() == at_once(seed).everything()


@settings(max_examples=5, deadline=None, phases=DRAWN)
@given(SEEDS, st.integers(20, 400))
def test_services_judged_while_it_happens_end_up_the_same(seed: int, delay_s: int) -> None:
    live, facts = Desk(kinds=KINDS, presence=presence(seed)), story(seed)
    for now_s in range(120, END_S + 1, 120):
        first, last = ms(now_s - 120 - delay_s), ms(now_s - delay_s if now_s < END_S else now_s)
        live.take([f for f in facts if first <= f.at < last], now_s)
        live.look(Span(ms(now_s - 120), ms(now_s)), now_s)
    assert live.everything() == at_once(seed).everything()


def test_the_stories_of_services_hold_every_state() -> None:
    seen = {(key, to, why) for seed in range(30) for key in (PORTAL, MAIL) for _, to, why in at_once(seed).told(key)}
    assert {(key, to) for key, to, _ in seen} == {
        (key, to) for key in (PORTAL, MAIL) for to in ("ok", "degraded", "down", "unknown")
    }
    assert {why for _, _, why in seen} >= {
        "slow", "cert_ending", "timeout_answer", "line_down", "line_unknown", "silent", "stale", "resolver_failed",
    }  # fmt: skip
