"""A shared system in the province: how many must see a fault, what the vantage's word weighs, and any order of news."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.api import State
from collector.judge.shared import Views, judge_shared, settle_shared, touched_by
from collector.judge.timeline import ALWAYS, Segment, Span, Timeline
from collector.judging.policy import Policies, Version, parse_policy, read_policy_file
from tests.support.measured import POLICIES, POLICY

_WORDS: dict[str, tuple[State, str | None]] = {
    ".": ("ok", None), "x": ("down", "timeout_answer"), "s": ("degraded", "slow"), "c": ("degraded", "cert_ending"),
    "?": ("unknown", "silent"), "l": ("unknown", "line_down"),
}  # fmt: skip


def seen(signs: str, *, name: str = "", step_ms: int = 1_000) -> Timeline:
    """What a place sees: a sign a second, a blank for what was never measured."""
    return Timeline(
        Segment(n * step_ms, *_WORDS[sign], evidence=(f"{name}/{n}",)) for n, sign in enumerate(signs) if sign != " "
    )


def views(centres: Iterable[str], vantages: Iterable[str] = ()) -> Views:
    return Views(
        {f"service:portal@{n:05d}-1": seen(signs, name=str(n)) for n, signs in enumerate(centres, 1)},
        {f"service:portal@00000-{n}": seen(signs, name=f"v{n}") for n, signs in enumerate(vantages, 1)},
    )


def tell(told: Views, until: int = 99_000, policies: Policies = POLICIES) -> list[Segment]:
    return judge_shared(told, before=Timeline(), span=Span(0, until), policies=policies, lasting=True)


def words(segments: list[Segment]) -> list[tuple[int, State, str | None]]:
    return [(s.at // 1000, s.state, s.reason) for s in segments]


@pytest.mark.parametrize(
    ("centres", "vantages", "expected"),
    [
        pytest.param(["."] * 6, [], ("ok", None), id="well"),
        pytest.param(["x"] * 2 + ["."] * 4, [], ("ok", None), id="two of six are their own fault"),
        pytest.param(["x"] * 3 + ["."] * 3, [], ("down", "service_down"), id="half of them are not"),
        pytest.param(["x"] * 3 + ["."] * 4, [], ("ok", None), id="three of seven are less than half"),
        pytest.param(["x", "s", "s", ".", ".", "."], [], ("degraded", "service_slow"), id="down and slow: slow"),
        pytest.param(["s"] * 5 + ["."], [], ("degraded", "service_slow"), id="slow"),
        pytest.param(["c"] * 5 + ["s"], [], ("degraded", "cert_ending"), id="certificate"),
        pytest.param(["x"] * 3 + ["?", "l", "l", "l"], [], ("down", "service_down"), id="who cannot tell has no voice"),
        pytest.param(["x", "x"], [], ("unknown", "too_few"), id="two centres alone cannot tell"),
        pytest.param([".", "."], [], ("ok", None), id="what two centres use works"),
        pytest.param(["?", "l"], [], ("unknown", "too_few"), id="nobody measures it now"),
        pytest.param([" "], [" "], None, id="nobody ever measured it"),
        pytest.param(["x"] * 2 + ["."] * 6, ["x"], ("down", "service_down"), id="seen from the province too"),
        pytest.param(["x"] * 2 + ["."] * 9, ["x"], ("ok", None), id="but by less than a fifth"),
        pytest.param(["x"] * 2 + ["."] * 6, ["s"], ("degraded", "service_slow"), id="down at two, slow from there"),
        pytest.param(["s"] * 2 + ["."] * 6, ["x"], ("degraded", "service_slow"), id="down from there, slow at centres"),
        pytest.param(["."] * 6, ["x"], ("ok", None), id="the province alone against all centres"),
        pytest.param(["x"] * 6, ["."], ("down", "service_down"), id="all centres against the province"),
        pytest.param(["?"], ["x"], ("down", "service_down"), id="only the province measures"),
        pytest.param([], ["s"], ("degraded", "service_slow"), id="only the province, slow"),
        pytest.param([], ["x", "."], ("ok", None), id="what one room of two reaches works"),
        pytest.param(["x"], ["x"], ("down", "service_down"), id="the only centre and the province agree"),
        pytest.param(["x"], ["."], ("ok", None), id="the only centre and the province do not"),
    ],
)
def test_what_is_the_systems_own_fault(
    centres: list[str], vantages: list[str], expected: tuple[State, str | None] | None
) -> None:
    told = words(tell(views(centres, vantages)))
    assert told == ([] if expected is None else [(0, *expected)])


def test_it_begins_with_the_centre_that_makes_the_quorum_and_ends_with_the_one_that_breaks_it() -> None:
    told = tell(views([".xxx.", "..x..", "..xx.", ".....", "....."], ["....."]))
    assert words(told) == [(0, "ok", None), (2, "down", "service_down"), (3, "ok", None)]
    assert told[1].detail == {"seen": 3, "of": 5, "vantage": "ok"}
    assert told[1].evidence == ("1/1", "2/2", "3/2")


def test_what_lasts_is_counted_in_tenths_and_what_is_over_exactly() -> None:
    joining = ["." * n + "x" * (60 - n) + "." for n in range(47)] + ["." * 61] * 13
    over, lasting = tell(views(joining)), tell(views([signs[:-1] for signs in joining]))
    assert over[1].detail == {"seen": 47, "of": 60, "vantage": "unknown"}
    assert lasting[1].detail == {"seen": 42, "of": 60, "vantage": "unknown"}


def test_a_new_policy_rules_from_its_moment_on() -> None:
    raw, name = read_policy_file(None)
    strict = parse_policy(raw.replace(b"share = 0.5  ", b"share = 0.9  "), name)
    both = Policies((Version(1, 0, POLICY), Version(2, 5_000, strict)))
    assert words(tell(views(["xxxxxxxx"] * 4 + ["........"] * 2), policies=both)) == [
        (0, "down", "service_down"),
        (5, "ok", None),
    ]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_told_of_it_in_pieces_and_in_any_order_it_is_what_it_is_at_once(seed: int) -> None:
    dice = Random(seed)
    lines = ["".join(dice.choice("...xxs?lc ") for _ in range(30)) for _ in range(dice.randint(1, 9))]
    rooms = ["".join(dice.choice("..xs?") for _ in range(30)) for _ in range(dice.randint(0, 2))]
    whole, flips = views(lines, rooms), Timeline()
    known = [[" "] * 30 for _ in [*lines, *rooms]]
    news = [(n, start) for n in range(len(known)) for start in range(0, 30, 5)]
    for n, start in dice.sample(news, len(news)):
        old = seen("".join(known[n]))
        known[n][start : start + 5] = [*lines, *rooms][n][start : start + 5]
        new = seen("".join(known[n]))
        edges = {(s.at, s.state) for s in old.segments} ^ {(s.at, s.state) for s in new.segments}
        texts = ["".join(signs) for signs in known]
        now = views(texts[: len(lines)], texts[len(lines) :])
        if edges:
            touched = touched_by([at for at, _ in edges], new)
            _, flips = settle_shared(lambda _, v=now, f=flips: (v, f), touched, now=40_000, policies=POLICIES)  # type: ignore[misc]  # mypy knows no defaults of a lambda
    assert list(flips.segments) == tell(whole, until=40_000)


def test_three_thousand_centres_are_counted_and_not_compared() -> None:
    many = views(["." + "." * (n % 7) + "x" for n in range(3_321)], ["...x"])
    told = tell(many, until=ALWAYS - 1)
    assert words(told) == [(0, "ok", None), (3, "down", "service_down")]
