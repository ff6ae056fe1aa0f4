"""What one agent measures in a minute, with the keys, details and phases that the probes give.

`minute`: the fixed mix, 24 trains of 10 packets and 12 looks at its PC; 36 observations and about 450 values.
`plan_minute`: the plan of a box, a train to its gateway and one along its line every ten seconds, its PC once, two of
its shared systems; 15 observations and about 170 values. Numbers wander: nothing compresses better than in life.
"""

from __future__ import annotations

import itertools
import random
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import msgspec

from wire.client import USER_AGENT
from wire.clock import Clock, boot_id
from wire.messages import VERSION, Batch, Envelope, Observation, Value

TRAINS: Final = 24
LOOKS: Final = 12
MINUTE_MS: Final = 60_000

SERVICES: Final = ("dvcqg", "vneid-sso")
SERVICE: Final = "https://dichvucong.example/"

_DISKS: Final = ("/", "/home")
_PORTS: Final = ("enp3s0", "wlp2s0")
_SENSORS: Final = ("coretemp/Package id 0", "nvme/Composite")
_GZIP_HEAD: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"


def minute(centre: str, device: str, *, wall_ms: int, mono_ms: int, chance: random.Random) -> list[Observation]:
    """One minute of the mix that ended at the two given clocks, in the order it was measured."""
    made = [_train(n, centre, chance) for n in range(TRAINS)] + [_look(device, n, chance) for n in range(LOOKS)]
    offsets = [(n // 4 + 1) * 10_000 for n in range(TRAINS)] + [(n + 1) * 5_000 for n in range(LOOKS)]
    return _in_order(zip(offsets, made, strict=True), wall_ms, mono_ms)


def plan_minute(centre: str, device: str, *, wall_ms: int, mono_ms: int, chance: random.Random) -> list[Observation]:
    """One minute of the plan of a box that ended at the two given clocks, in the order it was measured."""
    trains = [_train(n % 2, centre, chance) for n in range(12)]
    others = [_look(device, 0, chance), *(_service(name, centre, chance) for name in SERVICES)]
    offsets = [(n // 2) * 10_000 + n % 2 * 1_700 for n in range(12)] + [12_345, 23_456, 45_678]
    return _in_order(zip(offsets, [*trains, *others], strict=True), wall_ms, mono_ms)


def _in_order(made: Iterable[tuple[int, Observation]], wall_ms: int, mono_ms: int) -> list[Observation]:
    ordered = sorted(made, key=lambda pair: pair[0])
    return [
        msgspec.structs.replace(o, i=i, at_ms=wall_ms - MINUTE_MS + after, mono_ms=mono_ms - MINUTE_MS + after)
        for i, (after, o) in enumerate(ordered)
    ]


def _train(n: int, centre: str, chance: random.Random) -> Observation:
    kind, subject, target = [
        ("lan", f"lan:{centre}", "gateway"),
        ("line", f"line:{centre}/a", "collector"),
        ("line", f"line:{centre}/a", "192.0.2.10"),
        ("line", f"line:{centre}/b", "198.51.100.7"),
    ][n % 4]
    rtts = [0.004 + chance.expovariate(400) for _ in range(10)]
    between = [abs(a - b) for a, b in itertools.pairwise(rtts)]
    numbers = {
        "sent_packets": 10.0, "received_packets": 10.0, "loss_ratio": 0.0, "loss_low_ratio": 0.0,
        "loss_high_ratio": 0.2775327998628892, "rtt_seconds": sorted(rtts)[5], "rtt_min_seconds": min(rtts),
        "rtt_max_seconds": max(rtts), "jitter_seconds": sum(between) / len(between),
    }  # fmt: skip
    return Observation(
        i=0, probe="reach", subject=subject, target=target, at_ms=0, mono_ms=0, took_ms=1805, outcome="ok",
        values=[Value(f"motcua_{kind}_{name}", number) for name, number in numbers.items()],
        phases={"resolve": chance.random() / 1e4, "train": 1.8 + chance.random() / 1e2},
        detail={
            "target": target, "address": "192.0.2.1", "address_from": "literal", "method": "datagram",
            "answered_by": "192.0.2.1", "received": "0-9",
        },
    )  # fmt: skip


def _service(name: str, centre: str, chance: random.Random) -> Observation:
    values: list[Value] = []
    for version in ("ipv4", "ipv6"):
        spent = {phase: chance.expovariate(20) for phase in ("dns", "connect", "tls", "ttfb", "transfer")}
        numbers = {"passed_ratio": 1.0} | {f"{phase}_seconds": s for phase, s in spent.items()}
        numbers |= {
            "total_seconds": sum(spent.values()), "status_code": 200.0, "redirects_count": 0.0,
            "body_bytes": 18_432.0, "certificate_left_seconds": 8e6 + chance.random(),
        }  # fmt: skip
        values += [Value(f"motcua_service_{key}", number, version) for key, number in numbers.items()]
    return Observation(
        i=0, probe="service", subject=f"service:{name}@{centre}", target=SERVICE, at_ms=0,
        mono_ms=0, took_ms=840, outcome="ok", values=values, phases=spent,
        detail={"target": SERVICE, "address": "192.0.2.80", "ipv4": "ok", "ipv6": "ok"},
    )  # fmt: skip


def _look(device: str, n: int, chance: random.Random) -> Observation:
    return Observation(
        i=0, probe="pc", subject=device, target="self", at_ms=0, mono_ms=0, took_ms=6, outcome="ok",
        values=list(_pc_values(n, chance)), phases={"read": chance.random() / 1e2},
    )  # fmt: skip


def _pc_values(n: int, chance: random.Random) -> Iterator[Value]:
    yield Value("motcua_device_cpu_ratio", chance.random())
    yield Value("motcua_device_memory_used_ratio", 0.4 + chance.random() / 100)
    yield Value("motcua_device_uptime_seconds", 86_400.0 + 5 * n)
    for disk in _DISKS:
        yield Value("motcua_device_disk_free_bytes", float(chance.randrange(10**11)), disk)
        yield Value("motcua_device_disk_used_ratio", 0.5 + chance.random() / 1000, disk)
        yield Value("motcua_device_inodes_used_ratio", 0.1 + chance.random() / 1000, disk)
    for port in _PORTS:
        yield Value("motcua_device_network_receive_bytes", float(chance.randrange(10**10)), port)
        yield Value("motcua_device_network_transmit_bytes", float(chance.randrange(10**9)), port)
        yield Value("motcua_device_network_errors_packets", 0.0, port)
        yield Value("motcua_device_network_speed_bps", 1e9, port)
    for sensor in _SENSORS:
        yield Value("motcua_device_temperature_celsius", 40 + chance.random() * 10, sensor)


def value_count(observations: list[Observation]) -> int:
    return sum(len(o.values) for o in observations)


@dataclass(slots=True)
class Sender:
    """One enrolled agent as the load generator plays it: a boot, an epoch, and numbers that are never used again."""

    agent: str
    token: str
    clock: Clock
    minutes: list[list[Observation]]
    epoch: str = ""
    boot: str = field(default_factory=boot_id)
    number: int = 0
    values: int = 0
    _lines: list[bytes] = field(default_factory=list)
    _blocks: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.epoch = self.epoch or str(UUID(bytes=random.randbytes(16), version=4))
        self.values = value_count(self.minutes[0])
        for observations in self.minutes:
            lines = b"".join(msgspec.json.encode(o) + b"\n" for o in observations)
            self._lines.append(lines)
            # The lines are compressed once, and joined to each new header as a block of their own.
            self._blocks.append(_deflate(lines, zlib.Z_FINISH))

    def batch(self) -> tuple[int, bytes]:
        """The next batch's number and its request body: gzip of envelope, header and the lines of a minute."""
        self.number += 1
        turn = self.number % len(self._lines)
        envelope = Envelope(VERSION, self.agent, self.boot, self.clock.wall_ms(), self.clock.mono_ms())
        header = Batch(self.epoch, self.number, self.boot)
        head = msgspec.json.encode(envelope) + b"\n" + msgspec.json.encode(header) + b"\n"
        lines = self._lines[turn]
        trailer = struct.pack("<II", zlib.crc32(lines, zlib.crc32(head)), (len(head) + len(lines)) & 0xFFFFFFFF)
        return self.number, _GZIP_HEAD + _deflate(head, zlib.Z_FULL_FLUSH) + self._blocks[turn] + trailer

    def request(self) -> tuple[bytes, bytes]:
        """The next request as an agent's http.client writes it: its head, then its body."""
        _, body = self.batch()
        return http_head("/api/v1/batches", body, self.token), body


def http_head(path: str, body: bytes, token: str) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: identity\r\nContent-Length: {len(body)}\r\n"
        f"User-Agent: {USER_AGENT}\r\nAccept: application/json\r\nContent-Type: application/x-ndjson\r\n"
        f"Content-Encoding: gzip\r\nAuthorization: Bearer {token}\r\n\r\n"
    ).encode("ascii")


def _deflate(data: bytes, flush: int) -> bytes:
    packer = zlib.compressobj(level=6, wbits=-15)
    return packer.compress(data) + packer.flush(flush)
