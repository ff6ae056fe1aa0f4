"""What a real agent would have said of a simulated line: speed tests, use, the path, and trains for conferences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from simulator.numbers import Run, micro, wilson
from simulator.traffic import capacity_bps, flow, port_bps
from simulator.world import World
from wire.messages import PlanItem, Scalar, Value
from wire.outcomes import OK, fail, unknown

_SIMULATED: Final[dict[str, Scalar]] = {"simulated": True}
_WAYS: Final = ("download", "upload")

# --- speed tests ----------------------------------------------------------------------------------------------------

_TEST_S: Final = 6.0
_STREAMS: Final = 4.0
_LINE_BUSY_BPS: Final = 200_000.0
_NIC_SHARE: Final = 0.9
_OTHER_SHARE: Final = 0.03
_SPREAD: Final = 0.012


class Bandwidth:
    """A speed test in its slot. People come first: a line in use is not tested unless one of them asked for it."""

    def __init__(self, world: World, centre: str, item: PlanItem, key: str, *, asked: bool) -> None:
        self._world, self._centre, self._line, self._asked = world, centre, key, asked
        self._name = f"{centre}/bandwidth/{key}/{item.target}".encode()

    def __call__(self, at: int) -> Run:
        world, line = self._world, self._line
        draws = world.dice.draws(self._name, at)
        detail: dict[str, Scalar] = {**_SIMULATED, "engine": "province"}
        if not (world.way(line, at).up and world.lan(self._centre, at)):
            return Run(fail("no_answer"), 5_000, detail=detail)
        other = flow(world, line, at).down
        if other > _LINE_BUSY_BPS and not self._asked:
            return Run(unknown("line_busy"), 1_200, detail=detail)
        if draws[0] < 0.01:
            return Run(unknown("aborted"), 4_000, detail=detail)
        port = port_bps(world, self._centre, at)
        capacity = capacity_bps(world, line, at)
        speed, stamp = min(max(0.02 * capacity, capacity - other), 0.941 * port), "valid"
        if speed >= _NIC_SHARE * port:
            stamp = "nic_bound"
        elif other > _OTHER_SHARE * capacity:
            stamp = "contaminated"
        elif draws[1] < 0.01:
            speed, stamp = 0.8 * speed, "server_bound"
        values = self._values(at, speed, stamp, draws)
        took_ms = round(1000 * (2 * _TEST_S + 2.5))
        return Run(OK if stamp == "valid" else unknown(stamp), took_ms, values, detail=detail | {"stamp": stamp})

    def _values(self, at: int, speed: float, stamp: str, draws: Sequence[float]) -> list[Value]:
        world, values = self._world, list[Value]()
        idle = world.way(self._line, at).rtt_s * (0.95 + 0.1 * draws[2])
        total = 0.0
        for n, way in enumerate(_WAYS):
            found = speed * (1 - 0.02 * draws[3 + n])
            total += found * _TEST_S / 8
            bounds = (f"{way}_bps", 1.0), (f"{way}_low_bps", 1 - _SPREAD), (f"{way}_high_bps", 1 + _SPREAD)
            values += [Value(f"motcua_line_{name}", float(round(found * factor)), stamp) for name, factor in bounds]
            loaded = idle + (0.01 + 0.07 * world.dice.once(f"queue/{self._line}")) * (0.8 + 0.4 * draws[5 + n])
            values += [
                Value("motcua_line_loaded_rtt_seconds", micro(loaded), way),
                Value("motcua_line_responsiveness_hertz", round(1 / loaded, 3), way),
                Value("motcua_line_test_seconds", _TEST_S, way),
                Value("motcua_line_test_streams_count", _STREAMS, way),
            ]
        values.append(Value("motcua_line_idle_rtt_seconds", micro(idle)))
        values.append(Value("motcua_line_test_bytes", float(round(total))))
        values.append(Value("motcua_line_test_cpu_ratio", round(0.05 + 0.1 * draws[7], 3)))
        return values


# --- use ------------------------------------------------------------------------------------------------------------


class Use:
    """The counters of the line's port."""

    def __init__(self, world: World, centre: str, key: str) -> None:
        self._world, self._centre, self._line = world, centre, key

    def __call__(self, at: int) -> Run:
        found = flow(self._world, self._line, at)
        numbers = {
            "receive_bps": found.down, "transmit_bps": found.up, "errors_packets": 0.0,
            "port_bps": port_bps(self._world, self._centre, at), "port_duplex_ratio": 1.0, "port_up_ratio": 1.0,
        }  # fmt: skip
        values = [Value(f"motcua_line_{name}", number) for name, number in numbers.items()]
        return Run(OK, 3, values, detail=dict(_SIMULATED))


# --- the path -------------------------------------------------------------------------------------------------------

_HOPS: Final = 5
_SILENT: Final = 4
"""Hops that are still asked behind the last one that answers."""


class Path:
    """Gateway, the carrier's three routers, the province's edge. What is cut shows where the answers end."""

    def __init__(self, world: World, centre: str, item: PlanItem, key: str) -> None:
        self._world, self._centre, self._line = world, centre, key
        self._name = f"{centre}/path/{key}/{item.target}".encode()
        self._target = item.target
        line = world.province.lines[key]
        self._hops = [
            f"192.0.2.{1 + int(200 * world.dice.once(f'hop/{centre}'))}",
            f"203.0.113.{1 + int(250 * world.dice.once(f'hop/{line.carrier}/{line.area}'))}",
            f"203.0.113.{1 + int(250 * world.dice.once(f'hop/{line.group}'))}",
            f"198.51.100.{1 + int(120 * world.dice.once(f'hop/{line.carrier}'))}",
            "198.51.100.250",
        ]

    def __call__(self, at: int) -> Run:
        answering = self._answering(at)
        draws, way = self._world.dice.draws(self._name, at), self._world.way(self._line, at)
        rtts = [
            way.rtt_s * (n + 1) / _HOPS * (0.9 + 0.2 * draws[n]) if n else 0.0007 * (1 + draws[0])
            for n in range(answering)
        ]
        reached = answering == _HOPS
        detail: dict[str, Scalar] = {
            **_SIMULATED,
            "target": self._target,
            "method": "icmp_datagram",
            "reached": reached,
        }
        detail["last_answering"] = self._hops[answering - 1] if answering else ""
        shown = [f"{self._hops[n]} {1000 * rtt:.3f}" for n, rtt in enumerate(rtts)]
        shown += [] if reached else ["* -"] * _SILENT
        detail |= {f"hop_{n:02}": text for n, text in enumerate(shown, 1)}
        numbers = {"hops_count": float(answering - reached), "rtt_seconds": micro(rtts[-1])} if rtts else {}
        values = [Value(f"motcua_line_path_{name}", number) for name, number in numbers.items()]
        return Run(OK if reached else fail("no_answer"), 400 if reached else 3_000, values, detail=detail)

    def _answering(self, at: int) -> int:
        """How many hops answer, from the nearest on."""
        world, line = self._world, self._line
        if not world.lan(self._centre, at):
            return 0
        hops = world.severity("hop_cut", line, at)
        if hops is not None:
            return min(_HOPS - 1, max(1, round(hops)))
        if world.severity("carrier_cut", line, at) is not None:
            return 2
        return _HOPS if world.carries(line, at) else 1


# --- trains for conferences -----------------------------------------------------------------------------------------

_PACKETS: Final = 125
_CLASSES: Final = "ef,af41,be"
_INTERVAL_S: Final = 0.02


class Quality:
    """UDP trains by class. A line that is full delays all and drops what no class protects."""

    def __init__(self, world: World, centre: str, item: PlanItem, key: str) -> None:
        self._world, self._centre, self._line = world, centre, key
        self._name = f"{centre}/quality/{key}/{item.target}"
        self._packets = max(1, min(500, int(item.settings.get("packets") or _PACKETS)))
        self._classes = str(item.settings.get("classes") or _CLASSES).split(",")

    def __call__(self, at: int) -> Run:
        world, detail = self._world, {**_SIMULATED, "target": "reflector"}
        took_ms = round(1000 * (self._packets * _INTERVAL_S + 0.1))
        if not (world.way(self._line, at).up and world.lan(self._centre, at)):
            return Run(fail("no_answer"), took_ms, detail=detail)
        values = [value for name in self._classes for value in self._class(name, at)]
        return Run(OK, took_ms, values, {"train": took_ms / 1000}, detail)

    def _class(self, name: str, at: int) -> list[Value]:
        world, sent = self._world, self._packets
        way, draws = world.way(self._line, at), world.dice.draws(f"{self._name}/{name}".encode(), at)
        full = flow(world, self._line, at).down > 0.9 * capacity_bps(world, self._line, at)
        loss = way.loss + (0.03 if full and name == "be" else 0.0)
        loss += (world.severity("class_lossy", self._line, at) or 0.0) if name == "ef" else 0.0
        lost = self._lost(name, at, min(1.0, loss))
        low, high = wilson(lost, sent)
        queue = 0.035 if full and name != "ef" else 0.0
        jitter = (0.0004 + 0.0012 * draws[0] + 0.15 * queue) * (1 + world.load(at))
        numbers = {
            "sent_packets": float(sent), "received_packets": float(sent - lost), "loss_ratio": lost / sent,
            "loss_low_ratio": low, "loss_high_ratio": high, "lost_up_ratio": round(lost * draws[1]) / sent,
        }  # fmt: skip
        if lost < sent:
            numbers |= {"rtt_seconds": micro(way.rtt_s + queue * (0.8 + 0.4 * draws[2]))}
            numbers |= {"jitter_seconds": micro(jitter), "jitter_up_seconds": micro(jitter * (0.5 + draws[3]))}
        return [Value(f"motcua_line_udp_{key}", number, name) for key, number in numbers.items()]

    def _lost(self, name: str, at: int, loss: float) -> int:
        """How many of a train are lost, each by its own chance."""
        own, lost = f"{self._name}/{name}/loss".encode(), 0
        for n in range(0, self._packets, 16):
            draws = self._world.dice.draws(own, at * 32 + n // 16)
            lost += sum(draw < loss for draw in draws[: self._packets - n])
        return lost
