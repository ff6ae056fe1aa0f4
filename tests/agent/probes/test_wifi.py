"""Probe `wifi` on recorded files of Linux."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.context import Context, Facts
from agent.probes import Measured, wifi
from tests.exams.probe_exam import check_travels
from wire.clock import SystemClock
from wire.messages import PlanItem, Scalar

RECORDED = Path(__file__).parents[2] / "data" / "wifi"


def look(root: Path, target: str = "default", **settings: Scalar) -> Measured:
    clock = SystemClock()
    ctx = Context(clock, clock.mono_ms() + 2_000, Facts("127.0.0.1"), proc=root / "proc", root=root)
    item = PlanItem("w", "lan:07375-1", "wifi", target, 300, 5, settings)
    found = wifi.probe(item, ctx)
    check_travels(item, found)
    return found


def numbers(found: Measured) -> dict[str, tuple[float, str | None]]:
    return {value.metric.removeprefix("motcua_lan_wifi_"): (value.value, value.of) for value in found.values}


def test_the_signal_of_the_interface_that_the_default_route_goes_by() -> None:
    found = look(RECORDED / "wifi")
    assert found.result.outcome == "ok"
    assert numbers(found) == {"signal_dbm": (-56.0, "wlan0"), "quality_ratio": (54 / 70, "wlan0")}


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        pytest.param("wired", "not_wireless", id="the default route goes by cable"),
        pytest.param("silent", "unsupported", id="a driver that is not in the table"),
        pytest.param("dialled", "no_gateway", id="no default route"),
        pytest.param("nowhere", "unsupported", id="another system"),
    ],
)
def test_without_a_signal_to_read_it_is_unknown(case: str, reason: str) -> None:
    found = look(RECORDED / case)
    assert (found.result.outcome, found.result.reason, found.values) == ("unknown", reason, [])


def test_a_named_interface_is_looked_at_instead() -> None:
    assert numbers(look(RECORDED / "wired", interface="wlan1"))["signal_dbm"] == (-90.0, "wlan1")
    assert look(RECORDED / "wired", interface="eth9").result.reason == "not_wireless"


@pytest.mark.parametrize("target", ["self", "wlan0"])
def test_another_target_is_the_plans_fault(target: str) -> None:
    assert look(RECORDED / "wifi", target).detail["key"] == "target"


@pytest.mark.parametrize(
    ("link", "level", "told"),
    [
        pytest.param(70, -35, {"signal_dbm": -35.0, "quality_ratio": 1.0}, id="beside the access point"),
        pytest.param(0, -110, {"signal_dbm": -110.0, "quality_ratio": 0.0}, id="hardly heard"),
        pytest.param(88, -50, {"signal_dbm": -50.0, "quality_ratio": 0.88}, id="a driver that counts to a hundred"),
        pytest.param(61, 61, {"quality_ratio": 0.61}, id="a driver without dBm"),
        pytest.param(5, 200, {"quality_ratio": 0.05}, id="a level that is none"),
        pytest.param(300, 0, {}, id="nonsense"),
    ],
)
def test_drivers_differ_and_what_cannot_be_is_left_out(link: int, level: int, told: dict[str, float]) -> None:
    found = {v.metric.removeprefix("motcua_lan_wifi_"): v.value for v in wifi.values_of("wlan0", link, level)}
    assert found == pytest.approx(told)


@given(table=st.binary(max_size=400))
def test_any_table_is_read_without_a_fault(tmp_path_factory: pytest.TempPathFactory, table: bytes) -> None:
    root = tmp_path_factory.mktemp("wifi")
    (root / "proc/net").mkdir(parents=True)
    (root / "proc/net/route").write_bytes((RECORDED / "wifi/proc/net/route").read_bytes())
    (root / "proc/net/wireless").write_bytes(b" wlan0: " + table)
    assert look(root).result.outcome in {"ok", "unknown"}
