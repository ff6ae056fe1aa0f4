"""The tables of outcomes and metrics keep their own rules, and the clocks theirs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wire.clock import SystemClock, boot_id
from wire.metrics import METRICS, Metric
from wire.outcomes import (
    FAIL_REASONS,
    OK,
    REASON_PATTERN,
    REASONS,
    STATE_REASONS,
    UNKNOWN_REASONS,
    Result,
    fail,
    unknown,
)

SUBJECTS = {"agent", "centre", "device", "lan", "line", "service", "signing", "found"}
UNITS = {
    "bytes",
    "ratio",
    "seconds",
    "hertz",
    "packets",
    "bps",
    "celsius",
    "dbm",
    "count",
    "plugged",
    "code",
    "batches",
    "pages",
    "volts",
    "watts",
}


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_a_metric_is_named_by_the_rule_and_explained(metric: Metric) -> None:
    assert re.fullmatch(r"motcua_[a-z]+(_[a-z0-9]+)+", metric.name)
    assert metric.subject in SUBJECTS
    assert metric.unit in UNITS
    assert metric.help
    assert metric.help == metric.help.strip().rstrip(".")
    assert metric.of is None or metric.of.strip()
    assert len(metric.name) <= 100


def test_metrics_are_found_by_their_names() -> None:
    assert all(name == metric.name for name, metric in METRICS.items())


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_is_a_word_with_a_sentence(reason: str) -> None:
    assert re.fullmatch(REASON_PATTERN, reason)
    assert len(REASONS[reason]) > 10


def test_no_reason_means_two_things() -> None:
    assert len(REASONS) == len(FAIL_REASONS) + len(UNKNOWN_REASONS) + len(STATE_REASONS)


def test_only_ok_goes_without_a_reason() -> None:
    assert Result("ok") == OK
    assert fail("no_answer") == Result("fail", "no_answer")
    assert unknown("deadline").outcome == "unknown"
    with pytest.raises(ValueError, match="only ok"):
        Result("fail")
    with pytest.raises(ValueError, match="only ok"):
        Result("ok", "no_answer")


@pytest.mark.parametrize("reason", ["", "deadline", "silent", "nonsense"])
def test_an_undeclared_reason_is_refused_at_home(reason: str) -> None:
    with pytest.raises(ValueError, match="not declared"):
        fail(reason)


def test_the_clocks_go_forward() -> None:
    clock = SystemClock()
    assert clock.mono_ms() <= clock.mono_ms()
    assert clock.wall_ms() > 1_700_000_000_000


def test_a_boot_has_a_name_and_without_one_the_process_has(tmp_path: Path) -> None:
    folder = tmp_path / "sys/kernel/random"
    folder.mkdir(parents=True)
    (folder / "boot_id").write_text("0b3f4c8e-1111-2222-3333-444455556666\n")
    assert boot_id(tmp_path) == "0b3f4c8e-1111-2222-3333-444455556666"
    assert boot_id(tmp_path / "none") == boot_id(tmp_path / "none")
    assert re.fullmatch(r"[0-9a-f-]{36}", boot_id(tmp_path / "none"))
