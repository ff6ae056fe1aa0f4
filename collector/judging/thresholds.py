"""The thresholds of a policy one by one: their keys, units and English words, and what differs between two policies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from collector.api import Threshold, Unit
from collector.judging.policy import Policy

WORDS: Final = {
    "time.stale_periods": "Without a measurement for so many periods a state is no longer known",
    "time.hold_at_most_s": "No measurement holds longer than this",
    "time.cut_s": "An agent sends what it measured at least this often",
    "time.decide_within_s": "What counts “in a row” must fit into this time",
    "lan.lost_trains": "Trains lost whole in a row: down",
    "lan.good_trains": "Good trains in a row: back",
    "lan.window_s": "Loss is counted over this time",
    "lan.min_trains": "Fewer trains in that time say nothing of loss",
    "lan.loss": "Packets lost, at least this share for certain: degraded",
    "lan.port_bps": "Nominal speed of the box's network port",
    "lan.period_s": "A train this often, where no plan tells",
    "lan.wifi_dbm": "Median Wi-Fi signal below this: degraded",
    "line.lost_trains": "Trains lost whole in a row: down",
    "line.good_trains": "Good trains in a row: back",
    "line.window_s": "Loss and round trip are counted over this time",
    "line.min_trains": "Fewer trains in that time say nothing of loss",
    "line.loss": "Packets lost, at least this share for certain: degraded",
    "line.rtt_s": "Median round trip over this: degraded",
    "line.period_s": "A train this often, where no plan tells",
    "line.full_share": "Use over this share of the capacity: the line is full",
    "line.full_percentile": "Compared is this percentile of the 5-minute use, each direction by itself",
    "line.full_days": "Taken over so many local days in a row",
    "line.full_coverage": "Measured on a smaller share of the 5-minute turns: nothing is concluded",
    "line.dns_failed": "Its resolver failed so many times in a row while the line answers: degraded",
    "line.dns_s": "Median time of its resolver over this: degraded",
    "line.egress_s": "Another line counts as carrying the traffic once it has for so long",
    "device.failed": "Without answer so many times in a row while the centre's network answers: down",
    "device.good": "Well so many times in a row: back",
    "device.disk_used": "Share of a disk in use over this: degraded",
    "device.inodes_used": "Share of the places for files in use over this: degraded",
    "device.memory_used": "Share of memory in use over this: degraded",
    "device.temperature_c": "Hotter than this: degraded",
    "device.on_battery": "Running on battery is told as degraded",
    "device.period_s": "A report this often, where no plan tells",
    "agent.spool_oldest_s": "Results that wait longer than this to be sent: degraded",
    "agent.disk_free_bytes": "Less room than this where its queue lives: degraded",
    "agent.period_s": "A report this often, where no plan tells",
    "service.failed": "Failed so many times in a row while the centre's line is fine: down",
    "service.good": "Good so many times in a row: back",
    "service.window": "The median of so many runs is compared with the limit for slowness",
    "service.slow_s": "Median over this, where the inventory gives the service no limit of its own: degraded",
    "service.certificate_s": "Certificate that ends within this time: degraded",
    "service.period_s": "Asked this often, where no plan tells",
    "shared.min_centres": "Seen at so many centres at least, and at this share of them: its own fault",
    "shared.share": "That share of the centres that measure it",
    "shared.vantage_centres": "Seen from the province too: so many centres are enough",
    "shared.vantage_share": "Seen from the province too: that share is enough",
    "vantage.lost_trains": "Trains from the province lost whole in a row, agent not heard: the line is down",
    "vantage.good_trains": "Good trains from the province in a row: back",
    "vantage.answered_s": "A line's far end that answered within this time before is believed when it stops",
    "vantage.well_share": "Of all else that answered lately this share still answers: the vantage itself is well",
    "vantage.period_s": "A train this often, where no plan tells",
    "bandwidth.contract_share": "Below this share of the contracted speed a test counts against the line",
    "bandwidth.tests": "Valid tests in a row below it: degraded",
    "bandwidth.period_s": "A line is tested this often",
    "bandwidth.spare_period_s": "An idle spare line is tested this often",
    "bandwidth.rush_s": "After each opening of a centre no test by itself for this long",
    "bandwidth.working_share": "Share of the tests that fall into working hours, outside the rush",
    "bandwidth.at_once": "Tests at once in the whole province, at most",
    "bandwidth.slot_s": "A line is kept for one test this long",
    "bandwidth.phone_s": "A line is kept for a test from a phone this long",
    "bandwidth.test_s": "A test loads a line this long at most",
    "bandwidth.enough_s": "After this long in one direction a test is content with wider bounds",
    "bandwidth.enough_bytes": "After so much in one direction, too",
    "bandwidth.test_bytes": "A test moves so much at most",
    "bandwidth.day_bytes": "A line's tests move so much a day at most",
    "bandwidth.day_most_bytes": "With tests that people ask for, so much a day at most",
    "bandwidth.unknown_bps": "A line without a contracted speed is taken to have this one",
    "alerts.grace_s": "A consequence waits so long for its cause before anybody is told",
    "alerts.settle_s": "A trouble must be over for so long before its end is told",
    "alerts.together_s": "What begins within this time of each other may have one cause",
    "alerts.carrier_lines": "Lines of one carrier's group lost together, at least: the carrier's fault",
    "alerts.carrier_centres": "At so many centres at least",
    "alerts.carrier_share": "And this share of the group's lines that are measured",
    "alerts.power_centres": "So many centres of one area lose everything together, over several carriers: power",
    "alerts.flaps": "Fell and came back so often: one lasting incident, told once",
    "alerts.flap_window_s": "Within this time",
    "alerts.flap_hold_s": "A flapping subject must be well for so long before its incident ends",
    "alerts.reopen_s": "A repaired fault that returns within this time reopens its incident",
    "alerts.late_s": "What became known later than this calls nobody; it becomes a visible revision",
    "alerts.agent_silent_s": "An agent silent for longer while its line answers: a fault of the agent",
    "alerts.pc_silent_s": "An official's PC unheard of for longer: told",
    "alerts.digest_messages": "So many messages for one audience",
    "alerts.digest_s": "Within this time become one digest",
    "alerts.acknowledge_s": "Nobody acknowledged within this time: escalated",
    "alerts.repair_s": "To be repaired within this time, in working hours",
}
"""What each threshold says; the board's English catalogue has the same words."""

_SUFFIXES: Final[tuple[tuple[str, Unit], ...]] = (
    ("_trains", "trains"), ("_centres", "centres"), ("_periods", "periods"), ("_bps", "bps"), ("_bytes", "bytes"),
    ("_dbm", "dbm"), ("_days", "days"),
    ("_s", "s"), ("_c", "celsius"),
)  # fmt: skip
_SIZES: Final = (("G", 1e9), ("M", 1e6), ("k", 1e3))


@dataclass(frozen=True, slots=True)
class Change:
    """A threshold that two policies do not share; None on the side that does not know it."""

    key: str
    old: Threshold | None
    new: Threshold | None


def thresholds(policy: Policy) -> tuple[Threshold, ...]:
    """Every value of a policy, in the order of its sections."""
    return tuple(
        Threshold(f"{section}.{name}", float(value), _unit(name, value))
        for section, part in msgspec.structs.asdict(policy).items()
        for name, value in msgspec.structs.asdict(part).items()
        if isinstance(value, bool | int | float)
    )


def changes(old: Sequence[Threshold], new: Sequence[Threshold]) -> list[Change]:
    """What differs, in the order of the new one, what it no longer has last."""
    before, after = {t.key: t for t in old}, {t.key: t for t in new}
    keys = [*after, *(key for key in before if key not in after)]
    found = (Change(key, before.get(key), after.get(key)) for key in keys)
    return [change for change in found if change.old != change.new]


def _unit(name: str, value: float) -> Unit:
    if isinstance(value, bool):
        return "switch"
    found = next((unit for suffix, unit in _SUFFIXES if name.endswith(suffix)), None)
    if found is not None:
        return found
    return "times" if isinstance(value, int) else "share"


def said(key: str) -> str:
    """What a threshold says, in English; its key where this version has no words for it."""
    return WORDS.get(key, key)


def written(threshold: Threshold | None) -> str:
    """A value with its unit, in English."""
    if threshold is None:
        return "–"
    return _WRITE[threshold.unit](threshold.value)


def _seconds(value: float) -> str:
    if value < 1:
        return f"{value * 1000:.6g} ms"
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if value >= length and value % length == 0:
            return f"{value / length:g} {unit}"
    return f"{value:.10g} s"


def _scaled(value: float, base: str) -> str:
    for prefix, factor in _SIZES:
        if value >= factor:
            return f"{value / factor:.6g} {prefix}{base}"
    return f"{value:g} {base}"


def _counted(value: float, one: str) -> str:
    return f"{value:g} {one if value == 1 else one + 's'}"


_WRITE: Final[dict[Unit, Callable[[float], str]]] = {
    "s": _seconds,
    "share": lambda value: f"{value * 100:.6g} %",
    "celsius": lambda value: f"{value:g} °C",
    "dbm": lambda value: f"{value:g} dBm" if value else "not judged",
    "days": lambda value: _counted(value, "day"),
    "bytes": lambda value: _scaled(value, "B"),
    "bps": lambda value: _scaled(value, "b/s") if value else "not judged",
    "trains": lambda value: _counted(value, "train"),
    "centres": lambda value: _counted(value, "centre"),
    "times": lambda value: _counted(value, "time"),
    "periods": lambda value: _counted(value, "period"),
    "switch": lambda value: "yes" if value else "no",
}
