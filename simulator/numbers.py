"""What a real agent would have said of the world: outcomes, numbers, phases and details of each kind of probe.

Every detail carries `simulated`, so that an observation torn out of its home cannot be taken for a measurement.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Final

from simulator.province import VANTAGE
from simulator.world import Way, World
from wire.messages import PlanItem, Scalar, Value
from wire.metrics import METRICS
from wire.outcomes import OK, UNKNOWN_REASONS, Result, fail, unknown

_Z: Final = 1.959963984540054
_GIB: Final = 1024**3
_DISK: Final = 256e9
_PACKETS: Final = 5
_INTERVAL_S: Final = 0.2
_TIMEOUT_S: Final = 2.0
_SERVICE_TIMEOUT_S: Final = 10.0
_CERTIFICATE_S: Final = 90 * 86_400
_RESOLVER: Final = "192.0.2.53"
_PASSED: Final = "motcua_line_dns_passed_ratio"
_BY_AIR: Final = 0.15
_NO_AIR: Final = "not_wireless" if "not_wireless" in UNKNOWN_REASONS else "unsupported"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a probe: what it found, and how long it took."""

    result: Result
    took_ms: int
    values: list[Value] = field(default_factory=list)
    phases: dict[str, float] = field(default_factory=dict)
    detail: dict[str, Scalar] = field(default_factory=dict)


Gauge = Callable[[int], Run]
"""One item of a plan at a centre: from the moment (UTC ms) to what is found."""


# --- trains ---------------------------------------------------------------------------------------------------------


class Reach:
    """A train of echo requests to the gateway, along a line, or from the province to the far end of a line."""

    def __init__(self, world: World, centre: str, item: PlanItem, kind: str, key: str) -> None:
        self._world, self._centre, self._kind, self._key = world, centre, kind, key
        self._name = f"{centre}/reach/{kind}/{key}/{item.target}".encode()
        self._packets = max(1, min(200, int(item.settings.get("packets") or _PACKETS)))
        self._target = item.target

    def __call__(self, at: int) -> Run:
        way = self._way(at)
        rtts = self._rtts(way, at) if way.up else []
        took_s = (self._packets - 1) * _INTERVAL_S + (max(rtts) if len(rtts) == self._packets else _TIMEOUT_S)
        values = train_values(self._kind, self._packets, rtts)
        detail: dict[str, Scalar] = {"simulated": True, "target": self._target, "method": "icmp_datagram"}
        result = OK if rtts else fail("no_answer")
        return Run(result, round(took_s * 1000), values, {"resolve": 0.0, "train": took_s}, detail)

    def _way(self, at: int) -> Way:
        world, centre = self._world, self._centre
        if self._kind == "lan":
            return Way(world.lan(centre, at), 0.0006, 0.0)
        way = world.way(self._key, at)
        if centre == VANTAGE or centre.startswith("00000-"):
            far = self._key.partition("/")[0]
            return Way(way.up and world.power(far, at), way.rtt_s, way.loss)
        return Way(way.up and world.lan(centre, at), way.rtt_s, way.loss)

    def _rtts(self, way: Way, at: int) -> list[float]:
        found: list[float] = []
        for n in range(0, self._packets, 8):
            draws = self._world.dice.draws(self._name, at * 32 + n // 8)
            for m in range(min(8, self._packets - n)):
                if draws[2 * m] >= way.loss:
                    wobble = draws[2 * m + 1]
                    found.append(way.rtt_s * (0.9 + 0.2 * wobble + (0.6 if wobble > 0.98 else 0.0)))
        return found


def train_values(kind: str, sent: int, rtts: Sequence[float]) -> list[Value]:
    """The numbers of a train, as the probe `reach` tells them."""
    name = f"motcua_{kind}_"
    low, high = wilson(sent - len(rtts), sent)
    values = [
        Value(f"{name}sent_packets", float(sent)), Value(f"{name}received_packets", float(len(rtts))),
        Value(f"{name}loss_ratio", (sent - len(rtts)) / sent), Value(f"{name}loss_low_ratio", low),
        Value(f"{name}loss_high_ratio", high),
    ]  # fmt: skip
    if rtts:
        ordered = sorted(rtts)
        middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
        values += [
            Value(f"{name}rtt_seconds", micro(middle)), Value(f"{name}rtt_min_seconds", micro(ordered[0])),
            Value(f"{name}rtt_max_seconds", micro(ordered[-1])),
        ]  # fmt: skip
    if len(rtts) > 1:
        steps = [abs(b - a) for a, b in pairwise(rtts)]
        values.append(Value(f"{name}jitter_seconds", micro(sum(steps) / len(steps))))
    return values


def micro(seconds: float) -> float:
    return round(seconds, 6)


@lru_cache(maxsize=4_096)
def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Wilson's score interval at 95 %, as the agent gives it with every loss."""
    share, square = hits / trials, _Z * _Z
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    spread = _Z / (1 + square / trials) * math.sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    return (0.0 if hits == 0 else max(0.0, middle - spread)), (1.0 if hits == trials else min(1.0, middle + spread))


# --- machines -------------------------------------------------------------------------------------------------------


class Machine:
    """The box itself: processor, memory, disk, temperature, network, clock."""

    def __init__(self, world: World, centre: str) -> None:
        self._world, self._centre, self._name = world, centre, f"{centre}/pc".encode()

    def __call__(self, at: int) -> Run:
        world, centre = self._world, self._centre
        draws, boot, busy = world.dice.draws(self._name, at), world.boot(centre, at), world.load(at)
        own = world.dice.once(f"machine/{centre}")
        used = world.severity("disk_full", centre, at) or 0.25 + 0.4 * own
        uptime_s = (at - boot.from_ms) / 1000
        moved = uptime_s * (20_000 + 60_000 * own)
        numbers: list[tuple[str, float, str | None]] = [
            ("cpu_ratio", 0.02 + 0.2 * busy * draws[0], None), ("memory_total_bytes", 8.0 * _GIB, None),
            ("memory_used_ratio", 0.35 + 0.2 * own + 0.1 * busy * draws[1], None),
            ("uptime_seconds", uptime_s, None), ("boots_count", 4.0 + boot.number, None),
            ("clock_offset_seconds", round(world.skew_s(centre, at), 3), None),
            ("disk_total_bytes", _DISK, "/"), ("disk_free_bytes", round(_DISK * (1 - used)), "/"),
            ("disk_used_ratio", used, "/"), ("network_receive_bytes", round(moved * 3), "eth0"),
            ("network_transmit_bytes", round(moved), "eth0"), ("network_errors_packets", 0.0, "eth0"),
            ("network_speed_bps", world.severity("port_slow", centre, at) or 1e9, "eth0"),
            ("temperature_celsius", round(38 + 9 * own + 8 * busy, 1), "cpu"),
        ]  # fmt: skip
        values = [Value(f"motcua_device_{name}", float(number), of) for name, number, of in numbers]
        return Run(OK, 30 + int(40 * draws[2]), values, {"read": 0.03}, {"simulated": True})


class Self:
    """The agent of itself. It keeps what it has in memory, so it says nothing of a spool."""

    def __init__(self, world: World, centre: str) -> None:
        self._world, self._centre = world, centre

    def __call__(self, at: int) -> Run:
        own = self._world.dice.once(f"agent/{self._centre}")
        numbers = {"cpu_ratio": 0.004 + 0.003 * own, "memory_bytes": round(4.0e7 + 4e6 * own), "disk_free_bytes": 9e10}
        values = [Value(f"motcua_agent_{name}", float(number)) for name, number in numbers.items()]
        return Run(OK, 2, values, detail={"simulated": True})


# --- shared systems -------------------------------------------------------------------------------------------------


class Service:
    """A shared system by phase, over IPv4, by the first line of a centre or from beside the collector."""

    def __init__(self, world: World, centre: str, item: PlanItem, key: str) -> None:
        self._world, self._centre, self._id = world, centre, key.partition("@")[0]
        self._name = f"{centre}/service/{self._id}".encode()
        self._target = item.target
        self._secure = item.target.startswith("https:")
        site = world.province.sites.get(centre)
        self._by_line = site is not None and bool(site.lines)

    def __call__(self, at: int) -> Run:
        world = self._world
        detail: dict[str, Scalar] = {"simulated": True, "target": self._target}
        line = world.line_in_use(self._centre, at) if self._by_line else ""
        way = world.way(line, at) if line else Way(True, 0.004, 0.0)
        if not way.up or (line and not world.lan(self._centre, at)):
            return Run(unknown("resolver_failed"), 5_000, detail=detail)
        draws, late_s = world.dice.draws(self._name, at), world.late_s(self._id, at)
        dns_s = way.rtt_s * (1.2 + draws[0]) + ((world.severity("dns_slow", line, at) or 0.0) * (0.8 + 0.4 * draws[1]))
        if late_s is None:
            phases = {"dns": micro(dns_s), "connect": _SERVICE_TIMEOUT_S}
            return self._told(fail("timeout_connect"), phases, detail)
        hop = way.rtt_s + 0.006
        phases = {"dns": dns_s, "connect": hop * (1 + 0.2 * draws[2])}
        if self._secure:
            phases["tls"] = 2 * hop * (1 + 0.2 * draws[3])
        phases["ttfb"] = hop + late_s * (0.85 + 0.3 * draws[4])
        phases["transfer"] = 0.01 + 0.06 * draws[5]
        return self._told(OK, {name: micro(seconds) for name, seconds in phases.items()}, detail)

    def _told(self, result: Result, phases: dict[str, float], detail: dict[str, Scalar]) -> Run:
        total = sum(phases.values())
        numbers = {"passed_ratio": float(result.outcome == "ok")}
        numbers |= {f"{phase}_seconds": seconds for phase, seconds in phases.items()}
        if result.outcome == "ok":
            numbers |= {"total_seconds": micro(total), "body_bytes": 18_000.0}
            numbers |= {"certificate_left_seconds": float(_CERTIFICATE_S)} if self._secure else {}
        values = [Value(f"motcua_service_{name}", number, "ipv4") for name, number in numbers.items()]
        return Run(result, round(total * 1000), values, phases, detail)


class Dns:
    """The resolver of a line: how long a name takes."""

    def __init__(self, world: World, centre: str, item: PlanItem, key: str) -> None:
        self._world, self._centre, self._line = world, centre, key
        self._name = f"{centre}/dns/{key}/{item.target}".encode()

    def __call__(self, at: int) -> Run:
        way = self._world.way(self._line, at)
        detail: dict[str, Scalar] = {"simulated": True}
        if not (way.up and self._world.lan(self._centre, at)):
            return Run(fail("no_answer"), 5_000, _declared([Value(_PASSED, 0.0, _RESOLVER)]), detail=detail)
        draw = self._world.dice.draws(self._name, at)[0]
        seconds = micro(way.rtt_s * (1.2 + draw) + (self._world.severity("dns_slow", self._line, at) or 0.0))
        values = [Value(_PASSED, 1.0, _RESOLVER), Value("motcua_line_dns_seconds", seconds, _RESOLVER)]
        return Run(OK, round(seconds * 1000), _declared(values), {"dns": seconds}, detail)


class Wifi:
    """The signal where a box hangs on Wi-Fi, as a few do; the others have none to read."""

    def __init__(self, world: World, centre: str) -> None:
        self._world, self._name = world, f"{centre}/wifi".encode()
        self._by_air = world.dice.once(f"wifi/{centre}") < _BY_AIR
        self._dbm = -45 - 30 * world.dice.once(f"signal/{centre}")

    def __call__(self, at: int) -> Run:
        detail: dict[str, Scalar] = {"simulated": True}
        if not self._by_air:
            return Run(unknown(_NO_AIR), 1, detail=detail)
        dbm = round(self._dbm + 4 * self._world.dice.draws(self._name, at)[0])
        quality = min(1.0, max(0.0, (dbm + 110) / 70))
        values = [Value("motcua_lan_wifi_signal_dbm", float(dbm), "wlan0")]
        values.append(Value("motcua_lan_wifi_quality_ratio", round(quality, 2), "wlan0"))
        return Run(OK, 1, _declared(values), detail=detail)


def _declared(values: Sequence[Value]) -> list[Value]:
    """Those whose metric is of the contract."""
    return [value for value in values if value.metric in METRICS]
