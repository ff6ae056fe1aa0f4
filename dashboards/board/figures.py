"""Figures out of observations: the ones a centre's page shows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from collector.api import StoredObservation
from dashboards.board.numbers import quantity
from dashboards.board.words import Words

_GAUGES = ("device_cpu_ratio", "device_memory_used_ratio", "device_swap_used_ratio")


@dataclass(frozen=True, slots=True)
class Reach:
    """One train of test packets; None where it was not measured."""

    subject: str
    loss: float | None
    loss_low: float | None
    loss_high: float | None
    rtt_s: float | None
    jitter_s: float | None


@dataclass(frozen=True, slots=True)
class Bar:
    """A share drawn as a bar. `note` is (free, total) in bytes where it is of a file system."""

    metric: str
    of: str
    ratio: float
    limit: float | None
    free: float | None = None
    total: float | None = None

    @property
    def over(self) -> bool:
        return self.limit is not None and self.ratio >= self.limit


def reach(stored: StoredObservation) -> Reach:
    """Loss, delay and jitter of an observation of a lan or a line; of resolvers, the delay of the one that answered."""
    kind, found = stored.observation.subject.partition(":")[0], values(stored)

    def value(quantity: str) -> float | None:
        return found.get((f"motcua_{kind}_{quantity}", ""))

    asked = [spent for (metric, _), spent in found.items() if metric == "motcua_line_dns_seconds"]

    return Reach(
        stored.observation.subject,
        value("loss_ratio"),
        value("loss_low_ratio"),
        value("loss_high_ratio"),
        min(asked, default=value("rtt_seconds")),
        value("jitter_seconds"),
    )


def values(stored: StoredObservation) -> dict[tuple[str, str], float]:
    """(metric, instance) → value."""
    return {(value.metric, value.of or ""): value.value for value in stored.observation.values}


_HEADLINES = ("loss_ratio", "rtt_seconds", "cpu_ratio", "memory_used_ratio", "spool_batches", "wifi_signal_dbm")


def headline(stored: StoredObservation, words: Words) -> str:
    """The figures that tell most of an observation, in one line; empty where it brought none of them."""
    wanted = [v for v in stored.observation.values if v.of is None and v.metric.split("_", 2)[-1] in _HEADLINES]
    return ", ".join(f"{words.declared('metric', v.metric)} {quantity(v.metric, v.value, words)}" for v in wanted)


def bars(found: Mapping[tuple[str, str], float], limits: Mapping[str, float]) -> list[Bar]:
    """Processor, memory, swap, then each file system, fullest first."""
    gauges = [f"motcua_{name}" for name in _GAUGES]
    simple = [Bar(name, "", found[name, ""], limits.get(name)) for name in gauges if (name, "") in found]
    disks = [
        Bar(
            metric,
            of,
            ratio,
            limits.get(metric),
            found.get(("motcua_device_disk_free_bytes", of)),
            found.get(("motcua_device_disk_total_bytes", of)),
        )
        for (metric, of), ratio in found.items()
        if metric == "motcua_device_disk_used_ratio"
    ]
    return simple + sorted(disks, key=lambda bar: (-bar.ratio, bar.of))


def newest(
    observations: Sequence[StoredObservation], subject: str, probe: str | None = None
) -> StoredObservation | None:
    """The latest observation of a subject, of one probe if it is named."""
    own = [o for o in observations if o.observation.subject == subject and probe in {None, o.observation.probe}]
    return max(own, key=lambda stored: stored.at_ms, default=None)
