"""Probe `pc`: recorded /proc trees through psutil, and composed machines through the pure part."""

from __future__ import annotations

import math
import shutil
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.context import Context, Facts
from agent.probes import Measured, pc, pcread
from agent.probes.pcread import Battery, Disk, Interface, Sensor, Snapshot
from agent.probes.pcvalues import cpu_share, is_real, label, values_of
from wire.messages import MAX_VALUES, PlanItem, Value
from wire.metrics import METRICS

DATA = Path(__file__).parents[2] / "data/pc"
DEVICE = "device:01ARZ3NDEKTSV4RRFFQ69G5FAV"
ITEM = PlanItem("pc-1", DEVICE, "pc", "self", 60, 5, {"mount_timeout_s": 0.2})

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the recorded trees are Linux' /proc")


@dataclass
class SteppedClock:
    now: int = 123_456

    def wall_ms(self) -> int:
        return 1_800_000_000_000 + self.now

    def mono_ms(self) -> int:
        return self.now


@pytest.fixture(autouse=True)
def _proc_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "PROCFS_PATH", "/proc", raising=False)


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what does not come from /proc out of a recorded machine."""
    monkeypatch.setattr(psutil, "sensors_temperatures", dict, raising=False)
    monkeypatch.setattr(psutil, "sensors_battery", lambda: None, raising=False)


def _context(proc: Path, clock: SteppedClock | None = None, facts: Facts | None = None) -> Context:
    clock = clock or SteppedClock()
    return Context(clock, clock.now + 5_000, facts or Facts("collector.example"), proc=proc)


def _numbers(measured: Measured) -> dict[tuple[str, str | None], float]:
    return {(v.metric.removeprefix("motcua_device_"), v.of): v.value for v in measured.values}


# --- recorded machines ----------------------------------------------------------------------------------------------


@on_linux
@pytest.mark.usefixtures("still")
class TestRecordedMachines:
    def test_a_healthy_one(self) -> None:
        found = pc.probe(ITEM, _context(DATA / "healthy/proc"))
        numbers = _numbers(found)
        assert found.result.outcome == "ok"
        assert found.detail == {}
        assert numbers["memory_total_bytes", None] == 25_276_510_208
        assert numbers["uptime_seconds", None] == 123.456
        assert ("network_receive_bytes", "eth0") in numbers
        assert ("disk_used_ratio", "/") in numbers
        assert not [of for _, of in numbers if of in {"lo", "ifb0", "/proc", "/dev/shm", "/run/netns"}]

    def test_there_is_no_swap_and_so_no_number_of_it(self) -> None:
        assert ("swap_used_ratio", None) not in _numbers(pc.probe(ITEM, _context(DATA / "healthy/proc")))

    def test_the_processor_has_a_share_from_the_second_run_on(self, tmp_path: Path) -> None:
        proc = shutil.copytree(DATA / "healthy/proc", tmp_path / "proc")
        ctx = _context(proc)
        assert ("cpu_ratio", None) not in _numbers(pc.probe(ITEM, ctx))
        first = (proc / "stat").read_text().splitlines()[0].split()
        busy, idle = int(first[1]) + 2_500, int(first[4]) + 7_500
        (proc / "stat").write_text(" ".join([*first[:1], str(busy), *first[2:4], str(idle), *first[5:]]) + "\n")
        assert _numbers(pc.probe(ITEM, ctx))["cpu_ratio", None] == pytest.approx(0.25)

    def test_faulty_counters_are_reported_and_a_busy_memory_is_seen(self) -> None:
        numbers = _numbers(pc.probe(ITEM, _context(DATA / "faulty/proc")))
        assert numbers["memory_used_ratio", None] > 0.97
        assert numbers["swap_used_ratio", None] == pytest.approx(0.75)
        assert numbers["network_errors_packets", "eth0"] == 1_207

    @pytest.mark.parametrize("case", ["garbled", "cut"])
    def test_what_cannot_be_read_is_missing_and_named(self, case: str) -> None:
        found = pc.probe(ITEM, _context(DATA / case / "proc"))
        numbers = _numbers(found)
        assert numbers["uptime_seconds", None] == 123.456
        assert ("memory_total_bytes", None) not in numbers
        assert "memory: " in str(found.detail["not_readable"])
        assert 0 not in [number for (name, _), number in numbers.items() if "memory" in name]

    def test_no_proc_at_all_leaves_what_needs_none(self, tmp_path: Path) -> None:
        found = pc.probe(ITEM, _context(tmp_path))
        assert {name for name, _ in _numbers(found)} == {"uptime_seconds"}


@on_linux
def test_a_mount_that_hangs_hangs_nothing_and_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    release, asked = threading.Event(), []

    def hang(mount: str) -> Disk:
        asked.append(mount)
        release.wait()
        return Disk(mount, 1, 1, 0)

    monkeypatch.setattr(pcread, "disk_at", hang)
    ctx = _context(DATA / "healthy/proc")
    found = [pc.probe(ITEM, ctx) for _ in range(3)]
    release.set()
    assert asked == ["/"]
    assert [m.detail["disks_hanging"] for m in found] == ["/"] * 3
    assert ("disk_total_bytes", "/") not in _numbers(found[0])


@on_linux
def test_a_mount_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(mount: str) -> Disk:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(pcread, "disk_at", gone)
    assert "disk /: Input/output error" in str(pc.probe(ITEM, _context(DATA / "healthy/proc")).detail["not_readable"])


def test_facts_of_the_agent_are_numbers_where_they_are_known() -> None:
    known = _numbers(pc.probe(ITEM, _context(Path("/proc"), facts=Facts("c", boots=3, clock_offset_s=-0.25))))
    assert (known["boots_count", None], known["clock_offset_seconds", None]) == (3, -0.25)
    unheard = _numbers(pc.probe(ITEM, _context(Path("/proc"))))
    assert not {("boots_count", None), ("clock_offset_seconds", None)} & set(unheard)


def test_another_subject_is_refused() -> None:
    item = PlanItem("pc-1", "line:00000-1/a", "pc", "self", 60, 5)
    found = pc.probe(item, _context(Path("/proc")))
    assert (found.result.reason, found.detail["key"]) == ("bad_settings", "subject")


def test_nothing_about_people_is_in_an_observation() -> None:
    found = pc.probe(ITEM, _context(Path("/proc")))
    names = {user.name for user in psutil.users()} | {"cmdline", "username"}
    assert not [word for word in names if word in str(found.detail) or word in str(found.values)]


# --- composed machines ----------------------------------------------------------------------------------------------


def _of(snapshot: Snapshot) -> dict[tuple[str, str | None], float]:
    return {(v.metric.removeprefix("motcua_device_"), v.of): v.value for v in values_of(snapshot)}


def test_a_laptop() -> None:
    found = _of(
        Snapshot(
            battery=Battery(percent=101.5, plugged=True),
            sensors=[
                Sensor("coretemp/Package id 0", 48.0),
                Sensor("acpitz/0", -273.2),
                Sensor("nvme/Composite", 65261.8),
            ],
            interfaces=[
                Interface("wlan0", up=True, received=5, sent=6, errors=1, speed_mbps=0),
                Interface("eth0", up=True, received=0, sent=0, errors=0, speed_mbps=100),
                Interface("eth1", up=False, received=0, sent=0, errors=0, speed_mbps=65535),
            ],
        )
    )
    assert found["battery_ratio", None] == 1.0
    assert found["temperature_celsius", "coretemp/Package id 0"] == 48.0
    assert found["network_speed_bps", "eth0"] == 100e6
    assert ("network_speed_bps", "wlan0") not in found
    assert not [of for _, of in found if of in {"acpitz/0", "nvme/Composite", "eth1"}]


def test_a_disk_is_counted_as_df_counts_it() -> None:
    found = _of(Snapshot(disks=[Disk("/", total=100, used=57, free=38, inodes=1000, inodes_free=250)]))
    assert found["disk_used_ratio", "/"] == pytest.approx(0.6)  # 5 of 100 are root's reserve
    assert found["inodes_used_ratio", "/"] == pytest.approx(0.75)


def test_a_file_system_without_inodes_or_size_has_no_share_of_them() -> None:
    found = _of(Snapshot(disks=[Disk("/boot/efi", 100, 10, 90), Disk("/odd", 0, 0, 0)]))
    assert not [key for key in found if key[0].startswith("inodes") or key[1] == "/odd"]


def test_an_empty_machine_has_no_numbers() -> None:
    assert values_of(Snapshot()) == []


@pytest.mark.parametrize(
    ("name", "real"),
    [
        *[pytest.param(n, True, id=n) for n in ("eth0", "enp3s0", "wlan0", "wwan0", "ppp0", "Ethernet", "lowpan0")],
        *[pytest.param(n, False, id=n) for n in ("lo", "lo0", "docker0", "veth12ab", "br-0a1b", "virbr0", "ifb0")],
        pytest.param("Loopback Pseudo-Interface 1", False, id="loopback of Windows"),
        pytest.param("vEthernet (Default Switch)", False, id="Hyper-V"),
    ],
)  # fmt: skip
def test_real_interfaces_are_told_from_made_up_ones(name: str, *, real: bool) -> None:
    assert is_real(name) is real


@pytest.mark.parametrize(
    ("before", "now", "share"),
    [
        pytest.param({"user": 1, "idle": 1}, {"user": 2, "idle": 2}, 0.5, id="half"),
        pytest.param(
            {"user": 1, "idle": 1, "iowait": 0}, {"user": 1, "idle": 1, "iowait": 5}, 0.0, id="waiting is idle"
        ),
        pytest.param(
            {"user": 1, "idle": 1, "guest": 0}, {"user": 2, "idle": 2, "guest": 1}, 0.5, id="guests count once"
        ),
        pytest.param({"user": 1, "idle": 1}, {"user": 1, "idle": 1}, None, id="no time passed"),
        pytest.param({"user": 9, "idle": 9}, {"user": 1, "idle": 1}, None, id="counters went back"),
        pytest.param({"user": 1, "idle": 9}, {"user": 30, "idle": 1}, None, id="one went back"),
    ],
)
def test_the_processors_share(before: dict[str, float], now: dict[str, float], share: float | None) -> None:
    assert cpu_share(before, now) == share


@given(st.text(max_size=400))
def test_a_label_is_printable_encodable_and_short(text: str) -> None:
    found = label(text)
    assert found is None or (0 < len(found) <= 200 and found.isprintable() and bool(found.encode()))


def test_a_name_that_is_no_text_becomes_one() -> None:
    assert label("/mnt/\udcff\n") == "/mnt/??"
    assert label("  ") is None


def test_more_than_an_observation_holds_is_cut_and_said() -> None:
    many = [Value("motcua_device_temperature_celsius", 1.0, str(n)) for n in range(MAX_VALUES + 7)]
    kept, left_out = pc.bounded([*many, *many])
    assert (len(kept), left_out) == (MAX_VALUES, 7)


_whole = st.integers(-(2**63), 2**70)
_number = st.floats(allow_nan=True, allow_infinity=True)


def _snapshots() -> st.SearchStrategy[Snapshot]:
    maybe = st.none() | _whole
    return st.builds(
        Snapshot,
        cpu=st.none(),
        memory_total=maybe,
        memory_available=maybe,
        swap_total=maybe,
        swap_used=maybe,
        disks=st.lists(st.builds(Disk, st.text(max_size=5), _whole, _whole, _whole, _whole, _whole), max_size=3),
        sensors=st.lists(st.builds(Sensor, st.text(max_size=5), _number), max_size=3),
        battery=st.none() | st.builds(Battery, _number, st.none() | st.booleans()),
        interfaces=st.lists(
            st.builds(Interface, st.text(max_size=5), st.booleans(), _whole, _whole, _whole, _whole), max_size=3
        ),
        clock_offset_s=st.none() | _number,
    )


@given(_snapshots())
def test_whatever_a_machine_says_only_finite_declared_numbers_come_out(snapshot: Snapshot) -> None:
    for value in values_of(snapshot):
        assert value.metric in METRICS
        assert math.isfinite(value.value)
        assert (value.of is not None) == (METRICS[value.metric].of is not None)
        if value.metric.endswith("_ratio"):
            assert 0 <= value.value <= 1


@pytest.fixture(autouse=True)
def _threads_end() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if thread.name == "statvfs":
            thread.join(5)
