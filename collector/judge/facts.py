"""Facts: the little that the judge keeps of an observation."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from operator import attrgetter
from sys import intern
from typing import Final

from msgspec import Struct

from wire.messages import Observation
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


def fact_of(o: Observation, at: int, agent: str, batch: str, period_ms: int) -> Fact:
    """The fact in an observation that an agent made at `at` and measures every `period_ms`."""
    sent = received = 0
    rtt_s: float | None = None
    total_s: float | None = None
    readings: list[Reading] = []
    for value in o.values:
        what = _what(value.metric)
        if what == "sent":
            sent = int(value.value)
        elif what == "received":
            received = int(value.value)
        elif what == "rtt":
            rtt_s = value.value
        elif what == "total":
            total_s = value.value if total_s is None else min(total_s, value.value)
        elif what == "watched":
            readings.append(Reading(intern(value.metric), value.of or "", value.value))
    # A few names in hundreds of thousands of facts: each is kept once.
    return Fact(
        at, intern(o.subject), agent, intern(o.probe), intern(o.target), o.outcome, o.reason, period_ms, batch, o.i,
        max(sent, 0), max(0, min(received, sent)), rtt_s, tuple(readings), total_s,
    )  # fmt: skip


@lru_cache(maxsize=1024)
def _what(metric: str) -> str:
    """What a fact takes from a metric; empty: nothing."""
    for end, what in (("_sent_packets", "sent"), ("_received_packets", "received"), ("_rtt_seconds", "rtt")):
        if metric.endswith(end):
            return what
    if metric == "motcua_service_total_seconds":
        return "total"
    return "watched" if metric in WATCHED else ""


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """Each fact once, by time and then by name."""
    once = {(fact.batch, fact.i): fact for fact in facts}
    return sorted(once.values(), key=attrgetter("at", "agent", "target", "batch", "i"))
