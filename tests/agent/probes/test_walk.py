"""A way asked for hop by hop, with answers made up: what is asked, what counts, where it ends."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.net.hops import hop_of, number_of
from agent.net.links import Heard
from agent.probes.path import judge, told_of, values_of
from agent.probes.walk import Walk

TARGET = "t"
RTT_S = 0.01


def walked(answers: Mapping[int, str], **bounds: int) -> tuple[Walk, list[int]]:
    """A walk where hop n answers as `answers` says: a name passes on, `t` is the target, `!x` refuses by x.

    With a number behind it only the attempt of that number is heard: `isp:1`. Returns the numbers sent, too.
    """
    walk = Walk(TARGET, bounds.get("max_hops", 8), bounds.get("queries", 2), 1.0, bounds.get("at_once", 3))
    now, sent, coming = 0.0, list[int](), list[Heard]()
    while (wait := walk.wait_s(now)) is not None:
        number = walk.due(now)
        if number is not None:
            walk.leave(number, now)
            sent.append(number)
            coming += heard(answers, number, now)
            continue
        if coming:
            now = coming[0].at
            walk.take(coming.pop(0))
        else:
            now += wait
    return walk, sent


def heard(answers: Mapping[int, str], number: int, now: float) -> list[Heard]:
    beyond = min((hop for hop, text in answers.items() if text.partition(":")[0] == TARGET), default=99)
    text, _, attempt = answers.get(min(hop_of(number), beyond), "").partition(":")
    if not text or (attempt and number >> 6 != int(attempt)):
        return []
    name, at = text.removeprefix("!"), now + RTT_S
    return [Heard(number, at, name, None if name == TARGET else "said so", expired=name == text and name != TARGET)]


def names(walk: Walk) -> list[str]:
    return [place.address if place is not None else "*" for place in walk.hops()]


@pytest.mark.parametrize(
    ("answers", "hops", "reason"),
    [
        pytest.param({1: "gw", 2: "isp", 3: "t"}, ["gw", "isp", "t"], None, id="a whole way"),
        pytest.param({1: "t"}, ["t"], None, id="a neighbour"),
        pytest.param({1: "gw", 3: "t"}, ["gw", "*", "t"], None, id="a silent hop"),
        pytest.param({1: "gw", 2: "isp:1", 3: "t"}, ["gw", "isp", "t"], None, id="a hop that answers the second time"),
        pytest.param({1: "gw", 2: "t:1", 3: "t"}, ["gw", "t"], None, id="the target's first answer is lost"),
        pytest.param({1: "gw"}, ["gw", "*"], "no_answer", id="cut behind the gateway"),
        pytest.param({}, ["*"], "no_answer", id="nobody at all"),
        pytest.param({1: "gw", 2: "!isp", 3: "!isp"}, ["gw", "isp"], "unreachable", id="refused where it was to end"),
        pytest.param({1: "gw", 2: "isp", 3: "!isp"}, ["gw", "isp", "*"], "unreachable", id="refused by who passed on"),
        pytest.param({1: "gw", 2: "!t"}, ["gw", "t"], None, id="refused by the target, which is an answer"),
        pytest.param({n: f"r{n}" for n in range(1, 9)}, [f"r{n}" for n in range(1, 9)], "no_answer", id="too far"),
    ],
)
def test_who_is_on_the_way(answers: dict[int, str], hops: list[str], reason: str | None) -> None:
    walk, _ = walked(answers)
    assert (names(walk), judge(walk).reason) == (hops, reason)


def test_nothing_behind_the_target_is_asked_once_it_is_known() -> None:
    _, sent = walked({1: "gw", 2: "t"}, max_hops=20)
    assert max(map(hop_of, sent)) <= 4
    assert len(sent) == len(set(sent))


def test_a_silent_hop_is_asked_again_and_an_answering_one_is_not() -> None:
    _, sent = walked({1: "gw", 3: "t"}, queries=3)
    assert [number >> 6 for number in sent if hop_of(number) == 2] == [0, 1, 2]
    assert [number >> 6 for number in sent if hop_of(number) == 1] == [0]


def test_what_answers_nothing_that_was_sent_does_not_count() -> None:
    walk = Walk(TARGET, 4, 1, 1.0, 4)
    walk.leave(number_of(1, 0), 5.0)
    for stray in (Heard(number_of(2, 0), 5.1, "x", expired=True), Heard(number_of(1, 0), 4.9, "x"), Heard(0, 5.1, "x")):
        walk.take(stray)
    assert (walk.reached, names(walk)) == (False, ["*"])
    walk.take(Heard(number_of(1, 0), 5.1, "gw", "ended", expired=True))
    walk.take(Heard(number_of(1, 0), 5.2, "other", "ended", expired=True))
    assert names(walk) == ["gw", "*"]


def test_an_answer_that_is_late_still_tells_who_is_there() -> None:
    walk = Walk(TARGET, 1, 2, 0.1, 4)
    walk.leave(number_of(1, 0), 0.0)
    walk.leave(number_of(1, 1), 0.1)
    walk.take(Heard(number_of(1, 0), 0.15, "gw", "ended", expired=True))
    assert told_of(walk)["hop_01"] == "gw 150.000"


@pytest.mark.parametrize(
    ("answers", "hops", "last"),
    [
        pytest.param({1: "gw", 2: "isp", 3: "t"}, 2.0, "t", id="reached"),
        pytest.param({1: "gw"}, 1.0, "gw", id="cut"),
        pytest.param({1: "gw", 3: "core"}, 3.0, "core", id="cut behind a silent hop"),
    ],
)
def test_routers_are_counted_and_the_last_answer_is_timed(answers: dict[int, str], hops: float, last: str) -> None:
    walk, _ = walked(answers)
    count, rtt = values_of(walk)
    assert rtt.value == pytest.approx(RTT_S)
    assert (count.value, told_of(walk)["last_answering"]) == (hops, last)


def test_where_nobody_answered_there_is_no_number() -> None:
    walk, _ = walked({})
    assert values_of(walk) == []
    assert told_of(walk) == {"reached": False, "last_answering": "", "hop_01": "* -"}


@given(
    st.dictionaries(st.integers(1, 24), st.sampled_from(["r", "t", "!r", "r:1", "t:1", "!t", "r:2"])),
    st.integers(1, 24), st.integers(1, 3), st.integers(1, 24),
)  # fmt: skip
def test_every_walk_ends_within_its_bounds(answers: dict[int, str], max_hops: int, queries: int, at_once: int) -> None:
    walk, sent = walked(answers, max_hops=max_hops, queries=queries, at_once=at_once)
    assert len(sent) == len(set(sent)) <= max_hops * queries
    assert all(1 <= hop_of(number) <= max_hops for number in sent)
    assert len(walk.hops()) <= max_hops
    assert walk.reached == (judge(walk).outcome == "ok")
    assert max(at for at in walk.sent.values()) <= walk.longest_s()
