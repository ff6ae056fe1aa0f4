"""Tests of speed as the reader tells them: all of one line, and the newest of every line."""

from __future__ import annotations

import pytest

from collector.api import StoredObservation
from collector.history.keeping import keep
from collector.hub import Hub
from collector.reading.reader import HubReader
from collector.reading.speeds import speed_of
from tests.support.measured import LINE, SECOND_LINE, ms
from tests.support.speedruns import HELD_BACK, ran
from wire.messages import Observation


def keep_all(hub: Hub, *runs: StoredObservation) -> None:
    """As history leaves them."""
    hub.store.ts_writer.do(lambda conn: keep(conn, runs))


def test_a_valid_test_tells_both_ways_with_their_intervals() -> None:
    test = speed_of(ran(LINE, ms(0), 94, 91, task="t"))
    assert (test.stamp, test.outcome, test.asked) == ("valid", "ok", True)
    down = test.way("download")
    assert down.bps == 94e6
    assert down.low_bps == pytest.approx(92.12e6)
    assert down.high_bps == pytest.approx(95.88e6)
    assert (down.loaded_rtt_s, down.responsiveness_hz, down.took_s, down.streams) == (0.18, 1 / 0.18, 8.2, 4)
    assert test.way("upload").bps == 91e6
    assert (test.idle_rtt_s, test.moved_bytes) == (0.012, 186e6)


@pytest.mark.parametrize("why", sorted(HELD_BACK))
def test_a_test_that_was_held_back_has_a_figure_and_is_not_valid(why: str) -> None:
    test = speed_of(ran(LINE, ms(0), 61, why=why))
    assert (test.stamp, test.measured, test.way("download").bps) == (why, True, 61e6)
    assert test.way("upload").bps is None


@pytest.mark.parametrize("why", ["line_busy", "machine_busy", "no_lease", "aborted", "no_answer"])
def test_a_test_that_did_not_happen_has_no_figure_at_all(why: str) -> None:
    test = speed_of(ran(LINE, ms(0), why=why))
    assert (test.stamp, test.measured, dict(test.ways)) == (why, False, {})


def test_tests_of_a_line_come_newest_first_and_without_its_neighbours(hub: Hub) -> None:
    other = Observation(0, "reach", LINE, "collector", ms(50), ms(50), 8, "fail", "no_answer")
    keep_all(
        hub, ran(LINE, ms(0), 94, 91), ran(LINE, ms(100), why="line_busy"), ran(SECOND_LINE, ms(70), 20, 20),
        StoredObservation("a/b/7/0", "a", ms(50), ms(51), clock_unsure=False, observation=other),
    )  # fmt: skip
    reader = HubReader(hub)
    assert [(test.at_ms, test.stamp) for test in reader.tests(LINE, ms(200))] == [
        (ms(100), "line_busy"), (ms(0), "valid"),
    ]  # fmt: skip
    assert [test.at_ms for test in reader.tests(LINE, ms(100))] == [ms(0)]
    assert [test.at_ms for test in reader.tests(LINE, ms(200), 1)] == [ms(100)]
    assert reader.tests("line:00000-1/z", ms(200)) == []
