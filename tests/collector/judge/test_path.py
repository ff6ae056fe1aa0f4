"""Where a way breaks off: hops of now beside hops of then."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.api import Broken, Hop, PathLook, StoredObservation
from collector.judge.path import first_broken, look_of, merged
from wire.messages import Observation, Scalar
from wire.outcomes import Outcome


def look(text: str, *, reached: bool = False) -> PathLook:
    """A look by the names of its hops: `gw a/b * t`."""
    hops = [Hop(n, () if word == "*" else tuple(word.split("/"))) for n, word in enumerate(text.split(), 1)]
    return PathLook("a/e/1/0", 0, "collector", "t", reached, tuple(hops))


THEN = look("gw isp core edge t", reached=True)


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        pytest.param("gw isp core t", "gw * * *", Broken(2, "gw", ("isp",), 2), id="the hop behind the gateway"),
        pytest.param("gw isp core t", "gw isp core *", Broken(4, "core", ("t",), 4), id="the target itself"),
        pytest.param("gw isp core t", "* * * *", Broken(1, "", ("gw",), 1), id="not even the gateway"),
        pytest.param("gw isp core t", "", Broken(1, "", ("gw",), 1), id="nothing was sent"),
        pytest.param("gw * core t", "gw * * *", Broken(2, "gw", ("core",), 3), id="a hop that is always silent"),
        pytest.param("gw isp core t", "gw * core *", Broken(4, "core", ("t",), 4), id="a hop that is silent now"),
        pytest.param("gw a/b core t", "gw b * *", Broken(3, "b", ("core",), 3), id="shared load, seen before"),
        pytest.param("gw a core t", "gw b * *", Broken(3, "b", ("core",), 3, changed=2), id="somebody else there"),
        pytest.param("gw isp core t", "gw x isp *", Broken(4, "isp", ("core",), 4, changed=2), id="a longer way now"),
        pytest.param("gw x isp core t", "gw isp *", Broken(3, "isp", ("core",), 3, changed=2), id="a shorter way now"),
        pytest.param("gw t", "gw x y z *", Broken(5, "z", (), 5, changed=2), id="a way that nobody knows"),
        pytest.param("gw isp t", "gw isp gw isp gw", Broken(3, "isp", ("t",), 3, loop=True), id="a loop"),
        pytest.param("gw gw isp t", "gw gw * *", Broken(3, "gw", ("isp",), 3), id="twice in a row is no loop"),
    ],
)
def test_the_first_broken_hop_is_told_by_its_place(then: str, now: str, told: Broken) -> None:
    assert first_broken(look(then, reached=True), look(now)) == told


def test_a_way_never_seen_whole_ends_behind_who_answered_last() -> None:
    assert first_broken(None, look("gw isp * *")) == Broken(3, "isp", until=3)


def test_a_way_that_leads_there_is_not_broken() -> None:
    assert first_broken(THEN, look("gw other t", reached=True)) is None
    assert first_broken(THEN, None) is None


def test_good_looks_are_joined_where_they_are_as_long() -> None:
    joined = merged([look("gw a t", reached=True), look("gw b t", reached=True), look("old x y t", reached=True)])
    assert joined is not None
    assert [hop.addresses for hop in joined.hops] == [("gw",), ("a", "b"), ("t",)]
    assert merged([]) is None


@given(st.lists(st.sampled_from(["gw", "a", "b", "c", "*"]), max_size=8), st.integers(0, 8))
def test_whatever_answers_the_break_lies_behind_the_last_that_did(names: list[str], cut: int) -> None:
    then, now = look(" ".join(names), reached=True), look(" ".join(names[:cut]))
    told = first_broken(then, now)
    assert told is not None
    assert told.number <= max((n for n, name in enumerate(names[:cut], 1) if name != "*"), default=0) + 1
    assert told.until >= told.number
    assert (told.after == "") == (told.number == 1)
    assert set(told.was) <= set(names)


# --- what agents write ----------------------------------------------------------------------------------------------


def stored(outcome: Outcome, detail: dict[str, Scalar], probe: str = "path") -> StoredObservation:
    reason = None if outcome == "ok" else "no_answer"
    made = Observation(0, probe, "line:00000-1/a", "collector", 5, 0, 0, outcome, reason, detail=detail)
    return StoredObservation("a/e/1/0", "a", 5, 6, False, made)


def test_a_look_is_read_from_its_observation() -> None:
    detail: dict[str, Scalar] = {
        "address": "192.0.2.9",
        "hop_01": "192.0.2.1 0.412",
        "hop_02": "* -",
        "hop_03": "192.0.2.9 9",
    }
    read = look_of(stored("ok", detail))
    assert read is not None
    assert read.hops == (Hop(1, ("192.0.2.1",), 0.000412), Hop(2), Hop(3, ("192.0.2.9",), 0.009))
    assert (read.reached, read.address, read.at_ms, read.target) == (True, "192.0.2.9", 5, "collector")


@pytest.mark.parametrize(
    "text", [7, None, "", "here 3", "<b>1.2.3.4</b> 3", "192.0.2.1", "192.0.2.1 nan", "192.0.2.1 -4"]
)
def test_a_hop_that_cannot_be_read_has_no_round_trip(text: Scalar) -> None:
    read = look_of(stored("fail", {"hop_01": text}))
    assert read is not None
    assert read.hops[0].rtt_s is None
    assert read.hops[0].silent == (not str(text).startswith("192"))


def test_what_says_nothing_of_the_way_is_no_look() -> None:
    assert look_of(stored("unknown", {"hop_01": "192.0.2.1 3"})) is None
    assert look_of(stored("ok", {}, probe="reach")) is None
