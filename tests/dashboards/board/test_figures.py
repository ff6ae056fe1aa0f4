"""What a centre's rows say of an observation."""

from __future__ import annotations

import msgspec
import pytest

from collector.api import PlannedItem, StoredObservation
from dashboards.board.centre_rows import targets_shown
from dashboards.board.figures import headline, reach
from dashboards.board.words import catalogue
from wire.messages import Observation, Value


def stored(subject: str, probe: str, *values: Value) -> StoredObservation:
    observation = Observation(0, probe, subject, "x", 0, 0, 5, "ok", values=list(values))
    return StoredObservation("a/e/1/0", "a", 0, 0, clock_unsure=False, observation=observation)


def test_resolvers_show_the_delay_of_the_first_that_answered() -> None:
    asked = [Value("motcua_line_dns_seconds", s, of) for s, of in ((0.031, "192.0.2.53"), (0.012, "192.0.2.54"))]
    found = reach(stored("line:07375-1/a", "dns", *asked))
    assert (found.rtt_s, found.loss) == (0.012, None)


def test_a_train_shows_its_own_delay() -> None:
    found = reach(stored("lan:07375-1", "reach", Value("motcua_lan_rtt_seconds", 0.004)))
    assert found.rtt_s == 0.004


def test_the_signal_of_a_radio_is_told_in_one_line() -> None:
    one = stored("lan:07375-1", "wifi", Value("motcua_lan_wifi_signal_dbm", -61.0))
    assert "61\N{NO-BREAK SPACE}dBm" in headline(one, catalogue("vi"))


@pytest.mark.parametrize(
    ("outcome", "reason", "shown"),
    [
        pytest.param("", None, ["gateway"], id="not asked yet"),
        pytest.param("unknown", "not_wireless", ["gateway"], id="a cable"),
        pytest.param("unknown", "unsupported", ["gateway", "default"], id="a radio that cannot be read"),
        pytest.param("ok", None, ["gateway", "default"], id="a radio"),
    ],
)
def test_a_radio_has_a_row_only_where_there_is_one(outcome: str, reason: str | None, shown: list[str]) -> None:
    items = [
        PlannedItem(probe, "a", "lan:07375-1", probe, target, 60.0)
        for probe, target in (("reach", "gateway"), ("wifi", "default"))
    ]
    raw = {
        "i": 0,
        "probe": "wifi",
        "subject": "lan:07375-1",
        "target": "default",
        "at_ms": 0,
        "mono_ms": 0,
        "took_ms": 1,
    }
    said = [msgspec.convert(raw | {"outcome": outcome, "reason": reason}, Observation)] if outcome else []
    seen = [StoredObservation("a/e/1/0", "a", 0, 0, clock_unsure=False, observation=o) for o in said]
    assert targets_shown(items, seen) == shown
