"""Reading the machine with psutil into one frozen snapshot. All input of probe `pc` is here, and no arithmetic."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
import psutil

from agent.net.bounded import Asked, Hanging

if TYPE_CHECKING:
    from agent.context import Context

T = TypeVar("T")

MOST_MOUNTS: Final = 40

# Read-only images are full by nature, the others are no disk of this machine.
_NOT_DISKS: Final = ("", "squashfs", "iso9660", "udf", "erofs", "cramfs", "fuse", "nfs", "cifs", "smb", "9p", "autofs")
_NOT_DISK_OPTIONS: Final = frozenset({"remote", "cdrom", "removable"})
# What psutil raises on sensors and tables that are missing, half written or not what it expects.
_UNREADABLE: Final = (OSError, RuntimeError, ValueError, LookupError, AttributeError, TypeError, psutil.Error, Warning)


class Disk(msgspec.Struct, frozen=True):
    """A file system: bytes as statvfs tells them, inodes 0 where it has none."""

    mount: str
    total: int
    used: int
    free: int
    inodes: int = 0
    inodes_free: int = 0


class Sensor(msgspec.Struct, frozen=True):
    name: str
    celsius: float


class Battery(msgspec.Struct, frozen=True):
    percent: float
    plugged: bool | None


class Interface(msgspec.Struct, frozen=True):
    """Counters since the interface came up; `speed_mbps` 0 where the driver does not tell."""

    name: str
    up: bool
    received: int
    sent: int
    errors: int
    speed_mbps: int


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The machine at one moment. None or empty: it is not there, or could not be read, and then `unread` says why."""

    cpu: dict[str, float] | None = None
    memory_total: int | None = None
    memory_available: int | None = None
    swap_total: int | None = None
    swap_used: int | None = None
    disks: list[Disk] = []
    sensors: list[Sensor] = []
    battery: Battery | None = None
    interfaces: list[Interface] = []
    uptime_s: float | None = None
    boots: int | None = None
    clock_offset_s: float | None = None
    unread: dict[str, str] = {}
    hanging: list[str] = []


def read(ctx: Context, mount_timeout_s: float) -> Snapshot:
    """Everything this machine tells, within `mount_timeout_s` for all file systems together."""
    if sys.platform == "linux":
        psutil.PROCFS_PATH = str(ctx.proc)
    unread: dict[str, str] = {}
    memory = _try("memory", psutil.virtual_memory, unread)
    swap = _try("swap", psutil.swap_memory, unread)
    hanging: list[str] = []
    return Snapshot(
        cpu=_try("cpu", lambda: psutil.cpu_times()._asdict(), unread),
        memory_total=memory and memory.total,
        memory_available=memory and memory.available,
        swap_total=swap and swap.total,
        swap_used=swap and swap.used,
        disks=_try("disks", lambda: _disks(ctx, mount_timeout_s, hanging, unread), unread) or [],
        sensors=_try("temperatures", _sensors, unread) or [],
        battery=_try("battery", _battery, unread),
        interfaces=_try("network", _interfaces, unread) or [],
        uptime_s=ctx.clock.mono_ms() / 1000,
        boots=ctx.facts.boots or None,
        clock_offset_s=ctx.facts.clock_offset_s,
        unread=unread,
        hanging=hanging,
    )


def _try(what: str, reader: Callable[[], T], unread: dict[str, str]) -> T | None:
    try:
        return reader()
    except _UNREADABLE as error:
        unread[what] = f"{type(error).__name__}: {error}"[:200]
        return None


# --- disks ----------------------------------------------------------------------------------------------------------


def _disks(ctx: Context, timeout_s: float, hanging: list[str], unread: dict[str, str]) -> list[Disk]:
    """Every real file system once. One that does not answer is named, and not asked again while it hangs."""
    asked: dict[str, Asked[Disk]] = {m: _ask(ctx, m) for m in _mounts()}
    end = monotonic() + timeout_s
    found: list[Disk] = []
    for mount, call in asked.items():
        try:
            found.append(call.answer(end - monotonic()))
        except Hanging:
            hanging.append(mount)
            continue
        except OSError as error:
            unread[f"disk {mount}"] = error.strerror or type(error).__name__
        ctx.memory.pop(f"disk {mount}", None)
    return found


def _ask(ctx: Context, mount: str) -> Asked[Disk]:
    earlier = ctx.memory.get(f"disk {mount}")
    if isinstance(earlier, Asked) and earlier.hangs:
        return earlier
    fresh = Asked(lambda: disk_at(mount), "statvfs")
    ctx.memory[f"disk {mount}"] = fresh
    return fresh


def _mounts() -> list[str]:
    """Mount points of real file systems, the shortest for each device, so that nothing is counted twice."""
    shortest: dict[str, str] = {}
    for part in psutil.disk_partitions(all=False):
        if not _is_disk(part.fstype, part.opts):
            continue
        known = shortest.get(part.device)
        if known is None or len(part.mountpoint) < len(known):
            shortest[part.device] = part.mountpoint
    return sorted(shortest.values())[:MOST_MOUNTS]


def _is_disk(kind: str, options: str) -> bool:
    if _NOT_DISK_OPTIONS.intersection(options.split(",")):
        return False
    lowered = kind.lower()
    return lowered == "fuseblk" or not any(lowered == no or (no and lowered.startswith(no)) for no in _NOT_DISKS)


def disk_at(mount: str) -> Disk:
    """The file system at `mount`. May hang for as long as its device does."""
    usage = psutil.disk_usage(mount)
    if sys.platform == "win32":
        return Disk(mount, usage.total, usage.used, usage.free)
    stat = os.statvfs(mount)
    return Disk(mount, usage.total, usage.used, usage.free, stat.f_files, stat.f_ffree)


# --- sensors, battery, network --------------------------------------------------------------------------------------


def _sensors() -> list[Sensor]:
    tell = getattr(psutil, "sensors_temperatures", None)
    chips = tell() if tell else {}
    return [
        Sensor(f"{chip}/{part.label or number}", part.current)
        for chip, parts in chips.items()
        for number, part in enumerate(parts)
        if part.current is not None
    ]


def _battery() -> Battery | None:
    tell = getattr(psutil, "sensors_battery", None)
    charge = tell() if tell else None
    return None if charge is None else Battery(charge.percent, charge.power_plugged)


def _interfaces() -> list[Interface]:
    states = psutil.net_if_stats()
    found = []
    for name, io in psutil.net_io_counters(pernic=True, nowrap=False).items():
        state = states.get(name)
        errors = io.errin + io.errout + io.dropin + io.dropout
        up, speed = (state.isup, state.speed) if state else (False, 0)
        found.append(Interface(name, up, io.bytes_recv, io.bytes_sent, errors, speed))
    return found
