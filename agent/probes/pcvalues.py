"""From a snapshot of the machine to numbers: pure, and nothing comes out that did not go in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

from agent.probes.pcread import Battery, Disk, Interface, Sensor, Snapshot
from wire.messages import Value

MAX_LABEL: Final = 200

_PLAUSIBLE_CELSIUS: Final = (-55.0, 150.0)
_UNKNOWN_SPEEDS: Final = (0, 65_535, 4_294_967_295)
_IDLE: Final = ("idle", "iowait")
_COUNTED_TWICE: Final = ("guest", "guest_nice")
# Made by software on this machine; what goes through them goes through a real one too, or nowhere.
_NOT_REAL: Final = (
    "lo", "docker", "veth", "br-", "virbr", "vnet", "tap", "cni", "cali", "flannel", "kube", "lxc", "lxd", "ifb",
    "dummy", "sit", "ip6tnl", "tunl", "gre", "gretap", "erspan", "ip_vti", "ip6_vti", "vxlan", "nlmon", "vethernet",
    "vmnet", "loopback", "isatap", "teredo", "utun", "awdl", "llw", "gif", "stf", "anpi",
)  # fmt: skip


def values_of(snapshot: Snapshot) -> list[Value]:
    """All numbers but the processor's, the indispensable first."""
    return [
        *_memory(snapshot),
        *_time(snapshot),
        *_battery(snapshot.battery),
        *(value for disk in snapshot.disks for value in values_of_disk(disk)),
        *(value for face in snapshot.interfaces for value in values_of_interface(face)),
        *(value for sensor in snapshot.sensors for value in values_of_sensor(sensor)),
    ]


def cpu_share(before: Mapping[str, float], now: Mapping[str, float]) -> float | None:
    """Share of all processors that was busy between two readings; None where the counters did not go forward."""
    total, idle = _total(now) - _total(before), _idle(now) - _idle(before)
    if not math.isfinite(total) or total <= 0 or idle < 0:
        return None
    return min(1.0, max(0.0, 1 - idle / total))


def _total(times: Mapping[str, float]) -> float:
    return sum(seconds for name, seconds in times.items() if name not in _COUNTED_TWICE)


def _idle(times: Mapping[str, float]) -> float:
    return sum(times.get(name, 0.0) for name in _IDLE)


def _memory(s: Snapshot) -> Iterator[Value]:
    if s.memory_total:
        yield Value("motcua_device_memory_total_bytes", float(s.memory_total))
        if s.memory_available is not None:
            yield Value("motcua_device_memory_used_ratio", _ratio(s.memory_total - s.memory_available, s.memory_total))
    if s.swap_total and s.swap_used is not None:
        yield Value("motcua_device_swap_used_ratio", _ratio(s.swap_used, s.swap_total))


def _time(s: Snapshot) -> Iterator[Value]:
    if s.uptime_s is not None:
        yield Value("motcua_device_uptime_seconds", s.uptime_s)
    if s.boots is not None:
        yield Value("motcua_device_boots_count", float(s.boots))
    if s.clock_offset_s is not None and math.isfinite(s.clock_offset_s):
        yield Value("motcua_device_clock_offset_seconds", s.clock_offset_s)


def _battery(battery: Battery | None) -> Iterator[Value]:
    if battery is None:
        return
    if math.isfinite(battery.percent) and battery.percent >= 0:
        yield Value("motcua_device_battery_ratio", min(1.0, battery.percent / 100))
    if battery.plugged is not None:
        yield Value("motcua_device_battery_plugged", float(battery.plugged))


def values_of_disk(disk: Disk) -> Iterator[Value]:
    """Size, what an ordinary user may still write, share in use as df counts it (root's reserve is neither)."""
    of = label(disk.mount)
    if of is None or disk.total <= 0:
        return
    yield Value("motcua_device_disk_total_bytes", float(disk.total), of)
    yield Value("motcua_device_disk_free_bytes", float(disk.free), of)
    if disk.used + disk.free > 0:
        yield Value("motcua_device_disk_used_ratio", _ratio(disk.used, disk.used + disk.free), of)
    if disk.inodes > 0:
        yield Value("motcua_device_inodes_used_ratio", _ratio(disk.inodes - disk.inodes_free, disk.inodes), of)


def values_of_interface(face: Interface) -> Iterator[Value]:
    """Counters of a real interface that is up or ever carried anything, and the speed where the driver knows it."""
    of = label(face.name)
    if of is None or not is_real(face.name) or not (face.up or face.received or face.sent):
        return
    yield Value("motcua_device_network_receive_bytes", float(face.received), of)
    yield Value("motcua_device_network_transmit_bytes", float(face.sent), of)
    yield Value("motcua_device_network_errors_packets", float(face.errors), of)
    if face.up and face.speed_mbps > 0 and face.speed_mbps not in _UNKNOWN_SPEEDS:
        yield Value("motcua_device_network_speed_bps", face.speed_mbps * 1e6, of)


def is_real(name: str) -> bool:
    """Whether an interface is a port, a radio or a tunnel to a provider, and not made up on this machine."""
    lowered = name.lower()
    return not any(_begins(lowered, prefix) for prefix in _NOT_REAL)


def _begins(name: str, prefix: str) -> bool:
    # lo, lo0 and docker0 but not lowpan0: behind a prefix comes the end, a number or more of a made-up name
    return name.startswith(prefix) and (len(prefix) > 3 or not name[len(prefix) :][:1].isalpha())


def values_of_sensor(sensor: Sensor) -> Iterator[Value]:
    """A temperature, unless it is one that no living machine has: broken sensors report the ends of their scale."""
    low, high = _PLAUSIBLE_CELSIUS
    of = label(sensor.name)
    if of is not None and low < sensor.celsius < high:
        yield Value("motcua_device_temperature_celsius", sensor.celsius, of)


def label(text: str) -> str | None:
    """A name from the system as a label: printable, encodable, at most 200 characters; None where nothing is left."""
    readable = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(c if c.isprintable() else "?" for c in readable)[:MAX_LABEL].strip() or None


def _ratio(part: float, whole: float) -> float:
    return min(1.0, max(0.0, part / whole))
