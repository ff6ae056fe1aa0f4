"""Lines compared: the ranking by contract and by carrier, what nothing proves, and the norms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from sqlalchemy import insert

from collector.api import NEVER_TESTED, NO_CONTRACT, NotFound
from collector.history.buckets import DAY_MS, day_text, start_of
from collector.hub import Hub
from collector.inventory.schema import FIGURES as NAMED
from collector.judging.loop import Judge
from collector.reading.norms import FIGURES, NO_FIGURE, TOO_LITTLE
from collector.reading.reader import HubReader
from collector.store.line_tables import line_test, use_week
from collector.store.tables import flip, latest
from tests.support.handclock import HandClock
from tests.support.lined import declare, line
from tests.support.measured import ms
from tests.support.town import Town

DAYS = 30 * DAY_MS
LINES: Mapping[str, Mapping[str, object]] = {
    "00000-1/a": line(),
    "00000-1/b": line(carrier="viettel", contract_bps=50_000_000),
    "00000-1/c": line(reach_by="none"),
    "00000-1/d": line(carrier="viettel"),
    "00000-1/e": {"kind": "mobile", "carrier": "viettel", "reach_by": "interface:wwan0"},
    "00000-1/f": line(kind="tslcd", contract_bps=10_000_000),
}
NORMS: Mapping[str, Mapping[str, object]] = {
    "speed/2023-07-01": {
        "id": "speed", "name_vi": "tốc độ", "name_en": "speed", "from": "2023-07-01", "applies_to": "internet",
        "value": 0.8, "unit": "ratio", "limit": "at_least", "figure": "speed_share", "basis": "QCVN",
        "confidence": "guessed",
    },
    "speed/2019-01-01": {
        "id": "speed", "name_vi": "tốc độ", "name_en": "speed", "from": "2019-01-01", "to": "2023-06-30",
        "applies_to": "internet", "value": 0.5, "unit": "ratio", "limit": "at_least", "figure": "speed_share",
        "basis": "old", "confidence": "confirmed",
    },
    "p95/2024-01-01": {
        "id": "p95", "name_vi": "đầy", "name_en": "full", "from": "2024-01-01", "applies_to": "tslcd internet",
        "value": 0.9, "unit": "ratio", "limit": "at_most", "figure": "use_p95", "basis": "TT",
        "confidence": "confirmed",
    },
    "up/2024-01-01": {
        "id": "up", "name_vi": "sẵn sàng", "name_en": "up", "from": "2024-01-01", "applies_to": "internet",
        "value": 0.995, "unit": "ratio", "limit": "at_least", "figure": "availability", "basis": "TT",
        "confidence": "guessed",
    },
    "desk/2024-01-01": {
        "id": "desk", "name_vi": "tiếp nhận", "name_en": "desk", "from": "2024-01-01", "applies_to": "internet",
        "value": 60, "unit": "s", "limit": "at_most", "basis": "TT", "confidence": "guessed",
    },
}  # fmt: skip


@pytest.fixture
def reader(hub: Hub, clock: HandClock) -> HubReader:
    Town(hub).settle()
    clock.wall = ms(0)
    declare(hub, "lines", LINES, 0)
    declare(hub, "norms", NORMS, 0)
    Judge(hub).step()  # keeps the policy
    return HubReader(hub)


def put_runs(
    hub: Hub, key: str, runs: Sequence[tuple[str, float | None, float | None]], *, ago_days: float = 1
) -> None:
    rows = [
        {
            "subject": f"line:00000-1/{key}", "at_ms": ms(0) - round(ago_days * DAY_MS) + n,
            "observation": f"{key}/{n}", "stamp": stamp, "download_bps": down and down * 1e6,
            "upload_bps": up and up * 1e6,
        }
        for n, (stamp, down, up) in enumerate(runs)
    ]  # fmt: skip
    hub.store.ts_writer.do(lambda conn: conn.execute(insert(line_test), rows))


def test_lines_are_ranked_by_what_they_give_of_their_contract_worst_first(hub: Hub, reader: HubReader) -> None:
    put_runs(hub, "a", [("valid", 90, 40), ("valid", 70, 20), ("valid", 75, None), ("cpu_bound", 20, 5)])
    put_runs(hub, "b", [("valid", 49, 50)])
    put_runs(hub, "d", [("line_busy", None, None), ("aborted", None, None), ("line_busy", None, None)])
    put_runs(hub, "e", [("valid", 20, 5)])
    put_runs(hub, "f", [("valid", 1, 1)], ago_days=31)  # before the span
    told = reader.ranking(ms(0) - DAYS, ms(0))
    assert [rank.line[-1] for rank in told.lines] == ["a", "b", "c", "d", "e", "f"]
    first, second = told.lines[:2]
    assert first.download is not None
    assert first.upload is not None
    assert (first.download.median_bps, first.download.low_bps, first.download.high_bps) == (75e6, 70e6, 90e6)
    assert (first.upload.median_bps, first.share, first.below, first.valid) == (30e6, 0.75, True, 3)
    assert first.invalid == {"cpu_bound": 1}
    assert (second.share, second.below) == (0.98, False)
    why = {rank.line[-1]: rank.why for rank in told.lines}
    assert why == {"a": "", "b": "", "c": "not_measurable", "d": "line_busy", "e": NO_CONTRACT, "f": NEVER_TESTED}
    assert told.contract_share == 0.8


def test_carriers_are_told_by_their_lines_that_have_a_share(hub: Hub, reader: HubReader) -> None:
    put_runs(hub, "a", [("valid", 75, 40)])
    put_runs(hub, "b", [("valid", 49, 50)])
    put_runs(hub, "d", [("valid", 60, 50)])
    vnpt, viettel = sorted(reader.ranking(ms(0) - DAYS, ms(0)).carriers, key=lambda one: one.carrier, reverse=True)
    assert (vnpt.carrier, vnpt.lines, vnpt.rated, vnpt.below, vnpt.below_share) == ("vnpt", 3, 1, 1, 1.0)
    assert (viettel.lines, viettel.rated, viettel.below) == (3, 2, 1)
    assert viettel.median_share == pytest.approx(0.79)


def test_a_ranking_is_at_most_five_minutes_old(hub: Hub, reader: HubReader, clock: HandClock) -> None:
    span = (ms(0) - DAYS, ms(0))
    first = reader.ranking(*span)
    put_runs(hub, "a", [("valid", 75, 40)])
    assert reader.ranking(*span) is first
    clock.forward(300_000)
    assert reader.ranking(*span).lines[0].share == 0.75


def test_a_line_whose_newest_train_came_back_or_that_was_tested_is_proved(
    hub: Hub, reader: HubReader, clock: HandClock
) -> None:
    def noted(key: str, ago_days: float, outcome: str) -> dict[str, object]:
        at_ms = ms(0) - round(ago_days * DAY_MS)
        name = f"line:00000-1/{key}"
        return {
            "subject": name,
            "probe": "reach",
            "target": "x",
            "at_ms": at_ms,
            "observation": "o",
            "outcome": outcome,
        }

    rows = [noted("a", 0.1, "ok"), noted("b", 9, "ok"), noted("d", 0.1, "fail"), noted("e", 0.1, "fail")]
    hub.store.ts_writer.do(lambda conn: conn.execute(insert(latest), rows))
    put_runs(hub, "f", [("valid", 9, 9)], ago_days=2)
    fell = {
        "subject": "line:00000-1/d", "at_ms": ms(0) - 2 * DAY_MS, "from_state": "ok", "to_state": "down",
        "reason": "no_answer", "detail": "{}", "policy_version": 1, "evidence": "[]", "recorded_ms": 0,
    }  # fmt: skip
    hub.store.writer.do(lambda conn: conn.execute(insert(flip), [fell]))
    told = reader.unproved(7 * DAY_MS)
    assert [(one.line[-1], one.proved_ms, one.why) for one in told] == [
        ("c", None, "not_measurable"),
        ("e", None, ""),
        ("b", ms(0) - 9 * DAY_MS, ""),
    ]


def test_norms_of_today_are_held_against_what_was_measured(hub: Hub, reader: HubReader) -> None:
    put_runs(hub, "a", [("valid", 75, 40)])
    week = {
        "subject": "line:00000-1/a", "day_ms": start_of(ms(0), DAY_MS) - DAY_MS, "receive_bps": 85e6,
        "transmit_bps": 1e6, "samples": 2_000, "days": 7,
    }  # fmt: skip
    hub.store.ts_writer.do(lambda conn: conn.execute(insert(use_week), [week]))
    told = {one.id: one for one in reader.norms("line:00000-1/a")}
    assert {key: (one.met, one.value, one.why) for key, one in told.items()} == {
        "speed": ("not_met", 0.75, ""),
        "p95": ("met", 0.85, ""),
        "up": ("unknown", None, TOO_LITTLE),
        "desk": ("unknown", None, NO_FIGURE),
    }
    assert (told["speed"].confidence, told["speed"].basis, told["speed"].limit) == ("guessed", "QCVN", 0.8)
    assert reader.ranking(ms(0) - DAYS, ms(0)).lines[0].use is not None
    assert reader.ranking(ms(0) - DAYS, ms(0)).lines[0].use.day == day_text(start_of(ms(0), DAY_MS) - DAY_MS)  # type: ignore[union-attr]
    assert [one.id for one in reader.norms("line:00000-1/f")] == ["p95"]
    with pytest.raises(NotFound):
        reader.norms("line:00000-9/a")


def test_every_figure_a_norm_may_name_is_worked_out() -> None:
    assert set(NAMED) == set(FIGURES)
