"""Facts: the little that the judge keeps of an observation."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Final

from msgspec import Struct

from collector.api import StoredObservation
from wire.outcomes import Outcome

# What any rule looks at besides trains of packets and the time a service took; all else of an observation is left
# behind.
WATCHED: Final = frozenset({
    "motcua_device_disk_used_ratio", "motcua_device_inodes_used_ratio", "motcua_device_memory_used_ratio",
    "motcua_device_temperature_celsius", "motcua_device_battery_plugged", "motcua_device_network_speed_bps",
    "motcua_agent_spool_oldest_seconds", "motcua_agent_disk_free_bytes", "motcua_service_certificate_left_seconds",
    "motcua_line_port_bps", "motcua_line_port_duplex_ratio", "motcua_line_dns_seconds", "motcua_lan_wifi_signal_dbm",
})  # fmt: skip


class Reading(Struct, frozen=True, gc=False):
    """One watched number; `of` is empty where the metric has no instances."""

    metric: str
    of: str
    value: float


# Hundreds of thousands are held: untracked they cost the garbage collector nothing, and nothing in them has a cycle.
class Fact(Struct, frozen=True, gc=False):
    """One measurement of one target by one agent. `at` is corrected UTC; `sent` 0 where it was no train of packets;
    `total_s` what a service took that passed, over the version of IP that was quicker."""

    at: int
    subject: str
    agent: str
    probe: str
    target: str
    outcome: Outcome
    reason: str | None
    period_ms: int
    batch: str  # <agent>/<epoch>/<batch>, shared by all facts of a row
    i: int
    sent: int = 0
    received: int = 0
    rtt_s: float | None = None
    readings: tuple[Reading, ...] = ()
    total_s: float | None = None

    @property
    def id(self) -> str:
        """The observation it was drawn from."""
        return f"{self.batch}/{self.i}"

    @property
    def source(self) -> tuple[str, str]:
        """Who asked whom: one sequence of measurements."""
        return (self.agent, self.target)


def fact_of(stored: StoredObservation, period_ms: int) -> Fact:
    """The fact in an observation that is measured every `period_ms`."""
    o = stored.observation
    sent = received = 0
    rtt_s: float | None = None
    total_s: float | None = None
    readings: list[Reading] = []
    for value in o.values:
        name = value.metric
        if name.endswith("_sent_packets"):
            sent = int(value.value)
        elif name.endswith("_received_packets"):
            received = int(value.value)
        elif name.endswith("_rtt_seconds"):
            rtt_s = value.value
        elif name == "motcua_service_total_seconds":
            total_s = value.value if total_s is None else min(total_s, value.value)
        elif name in WATCHED:
            readings.append(Reading(name, value.of or "", value.value))
    batch, _, i = stored.id.rpartition("/")
    return Fact(
        stored.at_ms, o.subject, stored.agent, o.probe, o.target, o.outcome, o.reason, period_ms, batch, int(i),
        max(sent, 0), max(0, min(received, sent)), rtt_s, tuple(readings), total_s,
    )  # fmt: skip


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """Each fact once, by time and then by name."""
    once = {(fact.batch, fact.i): fact for fact in facts}
    return sorted(once.values(), key=attrgetter("at", "agent", "target", "batch", "i"))
