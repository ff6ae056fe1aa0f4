"""What a box measures by its first plan, minute by minute into the past: two trains every ten seconds, its machine and
itself every minute, services every five minutes. Each minute is a batch; batches are made when they are sent."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

from bench.home import Enrolled
from wire.clock import boot_id
from wire.codec import encode_batch
from wire.messages import Batch, Observation, PlanItem, Value

EPOCH: Final = "00000000-0000-4000-8000-0000000000f3"
SERVICES: Final = ("dvcqg", "igate", "ioffice", "egov")
SERVICE_EVERY: Final = 5
MINUTE_MS: Final = 60_000
VARIANTS: Final = 40  # of a minute's numbers, so that nothing packs better than it would in life
_CENTRE, _DEVICE, _AGENT = b"@centre@", b"@device@", b"@agent@"
_AT: Final = 1_234_567_000_000  # stands where the times go


def items(one: Enrolled) -> list[PlanItem]:
    """The plan that these batches follow."""
    services = [f"service:{name}@{one.centre}" for name in SERVICES]
    return [
        PlanItem("pc", one.device, "pc", "self", 60.0, 20.0),
        PlanItem("lan", f"lan:{one.centre}", "reach", "gateway", 10.0, 8.0),
        PlanItem("line", f"line:{one.centre}/a", "reach", "collector", 10.0, 8.0),
        *(PlanItem(f"s{n}", key, "service", "https://192.0.2.7/", 300.0, 20.0) for n, key in enumerate(services)),
    ]


class Week:
    """Batches 1 to `last` end now; those behind it are live. All agents have been up since before the first."""

    def __init__(self, now_s: float, minutes: int) -> None:
        self.last: Final = minutes
        self.boot: Final = boot_id()
        self._end_ms: Final = round(now_s * 1000)
        self._up_ms: Final = (minutes + 60) * MINUTE_MS
        chance = random.Random(minutes)
        self._minutes: Final = [_pieces(chance, services=False) for _ in range(VARIANTS)]
        self._fives: Final = [_pieces(chance, services=True) for _ in range(VARIANTS)]

    def mono_ms(self, now_s: float) -> int:
        """The monotonic clock of every agent at a moment."""
        return round(now_s * 1000) - self._end_ms + self._up_ms

    def batch(self, one: Enrolled, number: int) -> bytes:
        """One batch as spooled."""
        made = self._fives if number % SERVICE_EVERY == 0 else self._minutes
        pieces, offsets = made[number * 7 % VARIANTS]
        at = self._end_ms + (number - self.last - 1) * MINUTE_MS
        mono = self._up_ms + (number - self.last - 1) * MINUTE_MS
        times = tuple(t + offset for offset in offsets for t in (at, mono))
        raw = pieces % times
        raw = raw.replace(_CENTRE, one.centre.encode()).replace(_DEVICE, one.device.encode())
        header = encode_batch(Batch(EPOCH, number, self.boot), [])
        return header + raw.replace(_AGENT, one.agent.encode())


def _pieces(chance: random.Random, *, services: bool) -> tuple[bytes, list[int]]:
    """The lines of a minute with `%d` for its times, two an observation, and how far into the minute each was made."""
    made = sorted(_minute(chance, services=services), key=lambda pair: pair[0])
    lines = [
        Observation(
            i, o.probe, o.subject, o.target, _AT, _AT, o.took_ms, o.outcome, None, o.values, o.phases, o.detail,
        )
        for i, (_, o) in enumerate(made)
    ]  # fmt: skip
    raw = encode_batch(Batch(EPOCH, 1, EPOCH), lines).partition(b"\n")[2]
    return raw.replace(b"%", b"%%").replace(str(_AT).encode(), b"%d"), [offset for offset, _ in made]


def _minute(chance: random.Random, *, services: bool) -> Iterator[tuple[int, Observation]]:
    centre, device, agent = _CENTRE.decode(), _DEVICE.decode(), _AGENT.decode()
    for n in range(6):
        yield n * 10_000, _train("lan", f"lan:{centre}", "gateway", chance)
        yield n * 10_000 + 3_000, _train("line", f"line:{centre}/a", "collector", chance)
    disk = [(f"motcua_device_{name}", chance.random() / 2) for name in ("disk_used_ratio", "inodes_used_ratio")]
    values = [Value(name, number, "/") for name, number in disk]
    values += [Value(f"motcua_device_{n}", chance.random() / 2) for n in ("cpu_ratio", "memory_used_ratio")]
    yield 5_000, Observation(0, "pc", device, "self", 0, 0, 6, "ok", None, values, {"read": chance.random() / 100})
    own = {"cpu_ratio": 0.004, "memory_bytes": 4e7, "spool_bytes": 1e6, "spool_oldest_seconds": 30 * chance.random()}
    values = [Value(f"motcua_agent_{name}", number) for name, number in own.items()]
    yield 7_000, Observation(0, "self", f"agent:{agent}", "self", 0, 0, 2, "ok", None, values)
    for name in SERVICES if services else ():
        phases = {phase: chance.random() / 20 for phase in ("dns", "connect", "tls", "ttfb", "transfer")}
        values = [Value(f"motcua_service_{phase}_seconds", number, "ipv4") for phase, number in phases.items()]
        values.append(Value("motcua_service_total_seconds", sum(phases.values()), "ipv4"))
        yield 9_000, Observation(
            0, "service", f"service:{name}@{centre}", "https://192.0.2.7/", 0, 0, 120, "ok", None, values, phases,
        )  # fmt: skip


def _train(kind: str, subject: str, target: str, chance: random.Random) -> Observation:
    rtts = sorted(0.004 + chance.expovariate(400) for _ in range(5))
    numbers = {
        "sent_packets": 5.0, "received_packets": 5.0, "loss_ratio": 0.0, "loss_low_ratio": 0.0,
        "loss_high_ratio": 0.4344825, "rtt_seconds": rtts[2], "rtt_min_seconds": rtts[0], "rtt_max_seconds": rtts[4],
        "jitter_seconds": rtts[3] - rtts[1],
    }  # fmt: skip
    return Observation(
        0, "reach", subject, target, 0, 0, 905, "ok", None,
        [Value(f"motcua_{kind}_{name}", number) for name, number in numbers.items()],
        {"resolve": chance.random() / 1e4, "train": 0.9 + chance.random() / 1e2},
        {"address": "192.0.2.1", "method": "datagram", "received": "0-4"},
    )  # fmt: skip
