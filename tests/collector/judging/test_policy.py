"""Policies: strict files, no contradictions, versions by time."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.judging.policy import (
    Policies,
    PolicyError,
    Version,
    keep_policy,
    parse_policy,
    read_policies,
    read_policy_file,
)
from collector.store.databases import Store

RAW, NAME = read_policy_file(None)


def changed(*replacements: tuple[str, str]) -> bytes:
    text = RAW.decode()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return text.encode()


def test_the_province_policy_holds_the_thresholds_of_the_design() -> None:
    policy = parse_policy(RAW, NAME)
    assert (policy.line.lost_trains, policy.line.good_trains, policy.line.loss, policy.line.rtt_s) == (3, 3, 0.02, 0.05)
    assert (policy.lan.lost_trains, policy.lan.good_trains, policy.lan.loss) == (3, 3, 0.01)
    assert (policy.lan.window_s, policy.line.window_s) == (900, 900)
    assert (policy.device.failed, policy.device.good) == (3, 2)
    assert (policy.time.stale_periods, policy.time.cut_s, policy.agent.spool_oldest_s) == (3, 60, 3_600)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        pytest.param(changed(("loss = 0.02", "los = 0.02")), "unknown key line.los; did you mean loss?", id="typo"),
        pytest.param(changed(("loss = 0.02", "loss = 2")), "line.loss", id="a share over one"),
        pytest.param(changed(("cut_s = 60", "")), "cut_s", id="a threshold missing"),
        pytest.param(
            changed(("decide_within_s = 200", "decide_within_s = 99")), "device.failed: so many in a row", id="no room"
        ),
        pytest.param(
            changed(("decide_within_s = 200", "decide_within_s = 20")),
            "line.lost_trains: 3 trains of line.period_s",
            id="no room for trains",
        ),
        pytest.param(
            changed(("cut_s = 60", "cut_s = 300")),
            "time.decide_within_s = 200 s must be longer than time.cut_s",
            id="decided before it came",
        ),
        pytest.param(
            changed(("min_trains = 18", "min_trains = 99")),
            "line.min_trains: 99 trains of line.period_s do not fit into line.window_s",
            id="small window",
        ),
        pytest.param(changed(("hold_at_most_s = 3600", "hold_at_most_s = 60")), "stale at once", id="always stale"),
        pytest.param(
            changed(("good_trains = 3 ", "good_trains = 30 ")),
            "lan.good_trains: 30 trains of lan.period_s = 10 s do not fit into time.decide_within_s",
            id="more good ones than fit",
        ),
        pytest.param(
            changed(("window_s = 900\n", "window_s = 60\n")),
            "line.min_trains: 18 trains of line.period_s do not fit into line.window_s = 60 s",
            id="a window shorter than what it needs",
        ),
        pytest.param(
            changed(("loss = 0.01 ", "loss = 0.05 ")),
            "lan.loss = 0.05 is over line.loss = 0.02",
            id="limits of loss out of order",
        ),
        pytest.param(changed(("test_s = 30 ", "test_s = 60 ")), "shorter than bandwidth.slot_s", id="a test too long"),
        pytest.param(
            changed(("day_bytes = 2000000000 ", "day_bytes = 5000000 ")),
            "bandwidth.test_bytes = 1000000000 is over bandwidth.day_bytes = 5000000",
            id="a test over its day",
        ),
        pytest.param(b"\xff", "not TOML", id="no text"),
        pytest.param(b"", "time", id="empty"),
    ],
)
def test_a_policy_that_cannot_be_used_is_refused_by_name(raw: bytes, text: str) -> None:
    with pytest.raises(PolicyError) as refused:
        parse_policy(raw, "here.toml")
    assert str(refused.value).startswith("here.toml: ")
    assert text in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read"):
        read_policy_file(tmp_path / "none.toml")


def test_an_unchanged_policy_keeps_its_version_and_a_changed_one_begins_now(store: Store) -> None:
    def keep(raw: bytes, now_ms: int) -> int:
        return store.writer.do(lambda conn: keep_policy(conn, raw=raw, name=NAME, now_ms=now_ms))

    assert [keep(RAW, 1_000), keep(RAW, 2_000)] == [1, 1]
    other = changed(("rtt_s = 0.05", "rtt_s = 0.2"))
    assert keep(other, 3_000) == 2
    assert keep(RAW, 500) == 3  # the clock was set back: versions stay in order all the same
    with store.reading() as conn:
        kept = read_policies(conn)
    assert [(v.number, v.from_ms, v.policy.line.rtt_s) for v in kept.versions] == [
        (1, 1_000, 0.05),
        (2, 3_000, 0.2),
        (3, 3_001, 0.05),
    ]


def test_a_store_without_a_policy_says_so(store: Store) -> None:
    with store.reading() as conn, pytest.raises(PolicyError, match="no policy yet"):
        read_policies(conn)


@pytest.mark.parametrize(
    ("at_ms", "number"),
    [
        pytest.param(0, 1, id="before the first"),
        pytest.param(1_000, 1, id="first"),
        pytest.param(1_999, 1, id="until the second"),
        pytest.param(2_000, 2, id="from its moment on"),
    ],
)
def test_each_moment_has_the_version_of_its_time(at_ms: int, number: int) -> None:
    policy = parse_policy(RAW, NAME)
    assert Policies((Version(1, 1_000, policy), Version(2, 2_000, policy))).at(at_ms).number == number
