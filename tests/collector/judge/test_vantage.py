"""Lines as the province sees them while their centre is not heard, and the centre judged by them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from collector.judge.facts import Fact
from collector.judge.timeline import ALWAYS, Span
from tests.support.measured import (
    AGENT,
    CENTRE,
    LAN,
    LINE,
    SECOND_LINE,
    VANTAGE,
    Desk,
    batches,
    every,
    ms,
    train,
)
from tests.support.measured import KINDS as EVERY

ONE_LINE = {key: kind for key, kind in EVERY.items() if key != SECOND_LINE}
OTHERS = [f"line:{n:05d}-1/a" for n in range(2, 8)]
CPE, OTHER_CPE = "192.0.2.1", "192.0.2.2"
SILENT_S = 600.0
Told = list[tuple[float, str, str | None]]


def box(first: float, last: float, *, lost: int = 0, line: str = LINE) -> list[Fact]:
    """The centre's own box: a gateway that answers, and one of its lines."""
    seconds = range(int(first), int(last), 10)
    target = "collector" if line == LINE else "192.0.2.10"
    return [*every(seconds, LAN, target="gateway"), *every([s + 0.5 for s in seconds], line, lost=lost, target=target)]


def far(signs: str, *, line: str = LINE, target: str = CPE, first: float = 5.0) -> list[Fact]:
    """Trains from the province, one a minute: `.` answered, `x` lost whole, blank not asked."""
    return [
        train(first + 60 * n, line, lost=5 if sign == "x" else 0, target=target, agent=VANTAGE, period_s=60)
        for n, sign in enumerate(signs)
        if sign != " "
    ]


def others(signs: str) -> list[Fact]:
    """The other lines of the province, all alike."""
    return [fact for n, key in enumerate(OTHERS) for fact in far(signs, line=key, target=f"192.0.2.{n + 3}", first=6.0)]


def silent(*, until: float | None = None, kinds: dict[str, str] | None = None) -> Desk:
    """A box that was heard until ten minutes in, and again from `until` on."""
    heard = [Span(ms(-10), ms(SILENT_S))] + ([] if until is None else [Span(ms(until), ALWAYS)])
    return Desk(presence=heard, kinds=kinds or ONE_LINE)


def tell(desk: Desk, facts: list[Fact], seen: list[Fact], until: float) -> Desk:
    desk.seen.extend(seen)
    desk.take(facts, until)
    desk.look(Span(ms(0), ms(until)), until)
    return desk


@pytest.mark.parametrize(
    ("signs", "line", "centre"),
    [
        pytest.param("." * 20, (605.0, "ok", "seen_from_province"), (605.0, "unknown", "line_answers"), id="answers"),
        pytest.param("." * 10 + "x" * 10, (605.0, "down", "lost_from_province"), (605.0, "down", "no_line"), id="lost"),
        pytest.param("." * 10 + "xx" + "." * 8, (605.0, "ok", "seen_from_province"), None, id="two lost are no outage"),
        pytest.param("x" * 20, (605.0, "unknown", "mute_to_province"), (605.0, "unknown", "silent"), id="always mute"),
        pytest.param(" " * 20, (605.0, "unknown", "silent"), (605.0, "unknown", "silent"), id="nobody asks"),
    ],
)
def test_while_the_box_is_silent_the_far_end_of_its_line_speaks(
    signs: str, line: tuple[float, str, str], centre: tuple[float, str, str] | None
) -> None:
    desk = tell(silent(), box(0, 600), [*far(signs), *others("." * 20)], 1_200)
    # The box was heard until 600; what it measured last, at 590.5, speaks for ten seconds and is not asked again.
    [*_, held] = desk.told(LINE)
    assert held[1:] == line[1:]
    assert 600 <= held[0] <= 606
    if centre is not None:
        assert desk.told(CENTRE)[-1][1:] == centre[1:]
    assert desk.told(AGENT)[-1] == (600.0, "unknown", "silent")


def test_a_line_that_stops_answering_later_is_down_from_its_first_lost_train_and_back_with_its_first_good_one() -> None:
    desk = tell(silent(), box(0, 600), [*far("." * 14 + "xxxxx" + "." * 5), *others("." * 24)], 1_440)
    assert desk.told(LINE) == [
        (0.5, "ok", None), (600.5, "ok", "seen_from_province"), (845.0, "down", "lost_from_province"),
        (1145.0, "ok", "seen_from_province"),
    ]  # fmt: skip
    assert desk.told(CENTRE)[1:] == [
        (600.5, "unknown", "line_answers"), (845.0, "down", "no_line"), (1145.0, "unknown", "line_answers"),
    ]  # fmt: skip
    down = desk.effective(LINE)[2]
    assert down.detail == {"view": "vantage", "box": "silent", "in_a_row": 3}
    assert len(down.evidence) == 3
    assert down.evidence[0].startswith(VANTAGE)


@pytest.mark.parametrize(
    ("neighbours", "state", "reason"),
    [
        pytest.param("." * 12, "down", "lost_from_province", id="those asked meanwhile answer"),
        pytest.param("." * 10 + "xx", "unknown", "vantage_unwell", id="those asked meanwhile do not"),
    ],
)
def test_trains_that_confirm_a_loss_at_once_are_held_against_whoever_was_asked_meanwhile(
    neighbours: str, state: str, reason: str
) -> None:
    soon = [
        train(at, LINE, lost=5, target=CPE, agent=VANTAGE, period_s=60) for at in (605.0, 615.0, 625.0)
    ]  # its own turn and two that confirm; of the six others two are asked within these 20 s
    apart = [
        fact for n, key in enumerate(OTHERS)
        for fact in far(neighbours, line=key, target=f"192.0.2.{n + 3}", first=10.0 * n)
    ]  # fmt: skip
    desk = tell(silent(), box(0, 600), [*far("." * 10), *soon, *apart], 650)
    assert desk.told(LINE)[-1] == (605.0, state, reason)


def test_a_vantage_whose_own_network_died_blames_no_line() -> None:
    desk = tell(silent(), box(0, 600), [*far("." * 10 + "x" * 10), *others("." * 10 + "x" * 10)], 1_200)
    assert desk.told(LINE)[-1][1:] == ("unknown", "vantage_unwell")
    assert desk.told(CENTRE)[-1][1:] == ("unknown", "silent")


def test_a_vantage_that_has_nothing_else_to_go_by_blames_no_line() -> None:
    desk = tell(silent(), box(0, 600), far("." * 10 + "x" * 10), 1_200)
    assert desk.told(LINE)[-1][1:] == ("unknown", "vantage_unwell")


def test_what_the_vantage_loses_while_the_box_measures_shows_a_mute_end_and_no_fault() -> None:
    desk = tell(silent(), box(0, 600), [*far("....xxxxxxxxxxxxxxxx"), *others("." * 20)], 1_200)
    assert desk.told(LINE)[-1][1:] == ("unknown", "mute_to_province")


def test_a_line_that_was_dead_before_its_box_fell_silent_stays_down() -> None:
    cut = [*box(0, 60), *box(60, 600, lost=5)]
    desk = tell(silent(), cut, [*far("x" * 20), *others("." * 20)], 1_200)
    assert [state for _, state, _ in desk.told(LINE)] == ["ok", "down", "down"]


def test_when_the_vantage_falls_silent_too_nothing_is_known() -> None:
    desk = silent()
    desk.room = [Span(ms(-10), ms(900))]
    tell(desk, box(0, 600), [*far("." * 15), *others("." * 15)], 1_200)
    assert desk.told(LINE)[1:] == [(600.5, "ok", "seen_from_province"), (900.0, "unknown", "silent")]


def test_what_the_spool_brings_later_replaces_the_view_of_the_province() -> None:
    desk = tell(silent(until=1_200), box(0, 600), [*far("." * 10 + "x" * 10), *others("." * 20)], 1_260)
    assert desk.told(LINE)[-1][1:] == ("down", "lost_from_province")
    desk.take(box(600, 1_260), 1_260)
    assert desk.told(LINE) == [(0.5, "ok", None)]
    assert desk.told(CENTRE)[-1] == (0.5, "ok", None)


def test_a_centre_is_down_when_every_line_of_it_is_and_not_when_one_cannot_be_seen() -> None:
    both = [*box(0, 600), *box(0, 600, line=SECOND_LINE)]
    lost, second = far("." * 10 + "x" * 10), far("." * 10 + "x" * 10, line=SECOND_LINE, target=OTHER_CPE)
    one = tell(silent(kinds=dict(EVERY)), both, [*lost, *others("." * 20)], 1_200)
    assert one.told(CENTRE)[-1][1:] == ("unknown", "silent")
    two = tell(silent(kinds=dict(EVERY)), both, [*lost, *second, *others("." * 20)], 1_200)
    assert two.told(CENTRE)[-1][1:] == ("down", "no_line")
    assert two.effective(CENTRE)[-1].detail == {"subject": LINE, "reason": "lost_from_province"}


# --- lines that nobody measures -------------------------------------------------------------------------------------


def test_a_line_that_nobody_measures_does_not_hide_that_the_other_is_dead() -> None:
    desk = Desk(planned={LINE: 0})
    desk.take([*box(0, 60), *box(60, 120, lost=5)], 120)
    assert desk.told(CENTRE) == [(0.5, "ok", None), (60.5, "down", "no_line")]


def test_from_when_a_plan_holds_it_a_line_counts_though_nothing_came_of_it_yet() -> None:
    desk = Desk(planned={LINE: 0, SECOND_LINE: ms(90)})
    desk.take([*box(0, 60), *box(60, 120, lost=5)], 120)
    assert desk.told(CENTRE)[1:] == [(60.5, "down", "no_line"), (90.0, "unknown", "never_measured")]


def test_a_centre_with_lines_that_nobody_measures_says_so_from_when_an_agent_was_heard() -> None:
    desk = Desk(planned={}, presence=[Span(ms(20), ALWAYS)])
    desk.take(every(range(30, 120, 10), LAN, target="gateway"), 120)
    desk.look(Span(ms(0), ms(120)), 120)
    assert desk.told(CENTRE) == [(20.0, "unknown", "nobody_measures")]


# --- order ----------------------------------------------------------------------------------------------------------

END_S = 4_800
SEEDS = st.integers(0, 2**32)
DRAWN = (Phase.explicit, Phase.generate)  # a story of a thousand trains is not worth shrinking


def story(seed: int) -> tuple[list[Fact], list[Fact], Desk]:
    """A box that comes and goes, two lines, and a vantage that sees them and others, with weather of its own."""
    dice = Random(seed)
    edges = sorted(dice.sample(range(300, 4_200), 4))
    away = [(edges[0], edges[1]), (edges[2], edges[3])]
    mine = [f for f in _box(dice) if not any(a <= (f.at - ms(0)) / 1000 < b for a, b in away if dice.random() < 0.999)]
    room = sorted(dice.sample(range(300, 4_200), 2))
    desk = Desk(
        presence=[Span(ms(-10), ms(edges[0])), Span(ms(edges[1]), ms(edges[2])), Span(ms(edges[3]), ALWAYS)],
        kinds=dict(EVERY), room=[Span(ms(-10), ms(room[0])), Span(ms(room[1]), ALWAYS)],
    )  # fmt: skip
    return mine, list(_far(dice, room)), desk


def _box(dice: Random) -> Iterator[Fact]:
    second = 0
    while second < END_S - 300:
        lost = dice.choice([0, 0, 5])
        for _ in range(dice.randint(10, 60)):
            yield from box(second, second + 10, lost=lost)
            yield from box(second, second + 10, lost=5 - lost, line=SECOND_LINE)[1:]
            second += 10


def _far(dice: Random, room: list[int]) -> Iterator[Fact]:
    for key, target in [(LINE, CPE), (SECOND_LINE, OTHER_CPE), *((key, key) for key in OTHERS)]:
        second, sign = dice.uniform(0, 60), "."
        while second < END_S - 300:
            sign = dice.choice([sign, sign, sign, sign, "x", "."]) if key in (LINE, SECOND_LINE) else sign
            own = dice.choice([".", ".", ".", "x"]) if key not in (LINE, SECOND_LINE) else sign
            if not room[0] <= second < room[1]:
                yield far(own, line=key, target=target, first=second)[0]
            second += 60


@settings(max_examples=6, deadline=None, phases=DRAWN)
@given(SEEDS, SEEDS)
def test_in_any_order_and_any_pieces_what_the_province_saw_is_told_the_same(seed: int, order: int) -> None:
    mine, seen, once = story(seed)
    tell(once, mine, seen, END_S)
    _, _, by_and_by = story(seed)
    dice = Random(order)
    pieces = [(Desk.take, piece) for piece in batches(mine, dice)]
    pieces += [(Desk.see, piece) for piece in batches(sorted(seen, key=lambda f: f.at), dice)]
    dice.shuffle(pieces)
    for take, piece in pieces:
        take(by_and_by, piece, END_S)
    by_and_by.look(Span(ms(0), ms(END_S)), END_S)
    assert by_and_by.everything() == once.everything()


def test_the_stories_hold_every_word_of_the_province() -> None:
    told = set[tuple[str, str, str | None]]()
    for seed in range(12):
        mine, seen, desk = story(seed)
        tell(desk, mine, seen, END_S)
        told |= {(key, state, why) for key in (LINE, SECOND_LINE, CENTRE) for _, state, why in desk.told(key)}
    assert {why for _, _, why in told} >= {
        "seen_from_province", "lost_from_province", "mute_to_province", "silent", "line_answers", "no_line",
    }  # fmt: skip
