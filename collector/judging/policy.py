"""Thresholds: `province/policy.toml`, read strictly and kept in versions: a moment is judged by that of its time.

PolicyError   a policy that cannot be used; the text names the file, the key and the remedy
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct
from sqlalchemy import Connection, func, insert, select, update

from collector.api import CollectorError
from collector.judging.contradictions import contradictions
from collector.store.tables import policy as t
from wire import strict

Count = Annotated[int, Meta(ge=1, le=100)]
Seconds = Annotated[float, Meta(gt=0, le=30 * 86_400)]
Share = Annotated[float, Meta(gt=0, lt=1)]


class PolicyError(CollectorError):
    """A policy that cannot be used; the text names the file, the key and the remedy."""


class Time(Struct, frozen=True, kw_only=True):
    """How long what was measured holds, and how long is waited for what was not."""

    stale_periods: Count
    hold_at_most_s: Seconds
    cut_s: Seconds
    decide_within_s: Seconds


class Lan(Struct, frozen=True, kw_only=True):
    """Trains to the gateway. `port_bps` 0: the port's speed is not judged; `wifi_dbm` 0: the signal is not."""

    lost_trains: Count
    good_trains: Count
    window_s: Seconds
    min_trains: Count
    loss: Share
    port_bps: Annotated[float, Meta(ge=0)]
    period_s: Seconds
    wifi_dbm: Annotated[float, Meta(ge=-120, le=0)] = -75.0


class Line(Struct, frozen=True, kw_only=True):
    """Trains to the anchors of a line, its use by the rule of the dedicated network, its resolver, whence it speaks."""

    lost_trains: Count
    good_trains: Count
    window_s: Seconds
    min_trains: Count
    loss: Share
    rtt_s: Seconds
    period_s: Seconds
    full_share: Share = 0.9
    full_percentile: Share = 0.95
    full_days: Annotated[int, Meta(ge=1, le=28)] = 7
    full_coverage: Annotated[float, Meta(gt=0, le=1)] = 0.8
    dns_failed: Annotated[int, Meta(ge=1, le=20)] = 3
    dns_s: Seconds = 1.0
    egress_s: Annotated[float, Meta(ge=0, le=600)] = 60.0


class Device(Struct, frozen=True, kw_only=True):
    """A device and the conditions it reports of itself."""

    failed: Count
    good: Count
    disk_used: Share
    inodes_used: Share
    memory_used: Share
    temperature_c: Annotated[float, Meta(gt=0, le=200)]
    on_battery: bool
    period_s: Seconds


class Agent(Struct, frozen=True, kw_only=True):
    """The agent's own health; its silence is not a threshold but a promise of the wait channel."""

    spool_oldest_s: Seconds
    disk_free_bytes: Annotated[float, Meta(ge=0)]
    period_s: Seconds


class Service(Struct, frozen=True, kw_only=True):
    """A shared system as one centre sees it. `slow_s` holds where the inventory has no limit for the service."""

    failed: Count = 3
    good: Count = 2
    window: Annotated[int, Meta(ge=1, le=20)] = 5
    slow_s: Seconds = 5.0
    certificate_s: Seconds = 14 * 86_400.0
    period_s: Seconds = 60.0


class Shared(Struct, frozen=True, kw_only=True):
    """How many centres must see a fault of a shared system before it is the system's own."""

    min_centres: Count = 3
    share: Share = 0.5
    vantage_centres: Count = 2
    vantage_share: Share = 0.2


class Vantage(Struct, frozen=True, kw_only=True):
    """Trains from the province to the far end of a line, believed where no agent of the centre is heard."""

    lost_trains: Count = 3
    good_trains: Count = 2
    answered_s: Seconds = 600.0
    well_share: Share = 0.5
    period_s: Seconds = 60.0


class Bandwidth(Struct, frozen=True, kw_only=True):
    """What a test of a line's speed is held against, and when, how often and how dearly lines may be tested."""

    contract_share: Share = 0.8
    tests: Count = 3
    period_s: Seconds = 86_400.0
    spare_period_s: Seconds = 604_800.0
    rush_s: Annotated[float, Meta(ge=0, le=14_400)] = 7_200.0
    working_share: Annotated[float, Meta(ge=0, le=1)] = 0.3
    at_once: Annotated[int, Meta(ge=1, le=1_000)] = 20
    slot_s: Annotated[float, Meta(ge=10, le=600)] = 60.0
    phone_s: Annotated[float, Meta(ge=10, le=600)] = 180.0
    test_s: Annotated[float, Meta(ge=2, le=300)] = 30.0
    enough_s: Annotated[float, Meta(ge=0.5, le=60)] = 2.5
    enough_bytes: Annotated[float, Meta(ge=1e5, le=1e12)] = 5e7
    test_bytes: Annotated[float, Meta(ge=1e6, le=1e12)] = 1e9
    day_bytes: Annotated[float, Meta(ge=1e6, le=1e13)] = 2e9
    day_most_bytes: Annotated[float, Meta(ge=1e6, le=1e13)] = 8e9
    unknown_bps: Annotated[float, Meta(ge=1e5, le=1e12)] = 1e8


class Alerts(Struct, frozen=True, kw_only=True):
    """When troubles have one cause, when and how often people are told, and until when they are to act."""

    grace_s: Seconds = 20.0
    settle_s: Seconds = 60.0
    together_s: Seconds = 180.0
    carrier_lines: Count = 3
    carrier_centres: Count = 2
    carrier_share: Share = 0.6
    power_centres: Count = 2
    flaps: Count = 4
    flap_window_s: Seconds = 3_600.0
    flap_hold_s: Seconds = 900.0
    reopen_s: Seconds = 86_400.0
    late_s: Seconds = 600.0
    agent_silent_s: Seconds = 300.0
    pc_silent_s: Seconds = 259_200.0
    digest_messages: Count = 5
    digest_s: Seconds = 600.0
    acknowledge_s: Seconds = 1_800.0
    repair_s: Seconds = 14_400.0


class Policy(Struct, frozen=True, kw_only=True):
    """All thresholds of the province. A threshold added later needs a default, so that old versions stay readable."""

    time: Time
    lan: Lan
    line: Line
    device: Device
    agent: Agent
    service: Service = Service()
    shared: Shared = Shared()
    vantage: Vantage = Vantage()
    bandwidth: Bandwidth = Bandwidth()
    alerts: Alerts = Alerts()


@dataclass(frozen=True, slots=True)
class Version:
    """A policy and from when on it is in force."""

    number: int
    from_ms: int
    policy: Policy

    decide_ms: int = field(init=False)
    hold_ms: int = field(init=False)
    rows: int = field(init=False)
    """The longest of all that must happen in a row."""

    def __post_init__(self) -> None:
        # Asked for every measurement; frozen as the rest is.
        object.__setattr__(self, "decide_ms", round(self.policy.time.decide_within_s * 1000))
        object.__setattr__(self, "hold_ms", round(self.policy.time.hold_at_most_s * 1000))
        object.__setattr__(self, "rows", _rows(self.policy))


@dataclass(frozen=True, slots=True)
class Policies:
    """Every version, oldest first, at least one. The first also judges what is older than itself."""

    versions: tuple[Version, ...]

    def at(self, at_ms: int) -> Version:
        """The version in force at that time."""
        if len(self.versions) == 1:
            return self.versions[0]
        return self.versions[max(0, bisect_right(self.versions, at_ms, key=lambda v: v.from_ms) - 1)]

    def ahead_ms(self, period_ms: int) -> int:
        """How far ahead of a moment any version may look to judge what is measured at least every `period_ms`."""
        return max(max(v.decide_ms, v.rows * min(period_ms, v.hold_ms)) for v in self.versions)

    def held_ms(self, period_ms: int) -> int:
        """How long what is measured every `period_ms` may hold, by any version."""
        return max(min(v.policy.time.stale_periods * period_ms, v.hold_ms) for v in self.versions)

    @property
    def reach_ms(self) -> int:
        """How far back of a moment any version may look to judge a network, a line or a device."""
        return max(round(1000 * max(p.lan.window_s, p.line.window_s, p.vantage.answered_s)) for p in self._policies)

    def services_reach_ms(self, period_ms: int) -> int:
        """How far back of a moment any version may look to judge a service that is asked every `period_ms`."""
        return max((v.policy.service.window + 1) * min(period_ms, v.hold_ms) for v in self.versions)

    @property
    def _policies(self) -> list[Policy]:
        return [version.policy for version in self.versions]


def _rows(p: Policy) -> int:
    trains = (p.lan.lost_trains, p.lan.good_trains, p.line.lost_trains, p.line.good_trains)
    seen = (p.vantage.lost_trains, p.vantage.good_trains)
    return max(*trains, *seen, p.device.failed, p.device.good, p.service.failed, p.service.good)


# --- reading --------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def parse_policy(raw: bytes, name: str) -> Policy:
    """TOML text as a policy, kept for the next who asks. Raises PolicyError, also for what contradicts itself."""
    try:
        policy = strict.loads(raw, Policy, name)
    except strict.SettingsError as error:
        raise PolicyError(str(error)) from error
    if flaws := list(contradictions(policy)):
        raise PolicyError(f"{name}: {'; '.join(flaws)}")
    return policy


def read_policy_file(path: Path | None) -> tuple[bytes, str]:
    """The bytes of the policy in use and its name: `path`, or the example province's. Raises PolicyError."""
    if path is None:
        return (resources.files("province") / "policy.toml").read_bytes(), "province/policy.toml"
    try:
        return path.read_bytes(), str(path)
    except OSError as error:
        raise PolicyError(f"{path}: cannot be read: {error.strerror}") from error


# --- versions -------------------------------------------------------------------------------------------------------

_NEWEST = (
    select(t.c.version, t.c.sha256, t.c.from_ms, t.c.set_by, t.c.file_sha256).order_by(t.c.version.desc()).limit(1)
)


def keep_policy(conn: Connection, *, raw: bytes, name: str, now_ms: int, example: bool = False) -> int:
    """Store the file `raw` as a new version from `now_ms` on, unless it is unchanged; the newest number.

    A file is unchanged where it says what it said when it was last read: what a person set since then stays in force.
    An `example` that came with the software is nobody's word: it never overrules what a person set. Raises PolicyError.
    """
    parse_policy(raw, name)
    digest = hashlib.sha256(raw).hexdigest()
    newest = conn.execute(_NEWEST).first()
    if newest is not None and (digest in {newest.sha256, newest.file_sha256} or (example and newest.set_by)):
        if newest.file_sha256 != digest:
            conn.execute(update(t).where(t.c.version == newest.version).values(file_sha256=digest))
        return int(newest.version)
    return add_version(conn, raw, set_by="", file_sha256=digest, now_ms=now_ms)


def add_version(conn: Connection, raw: bytes, *, set_by: str, file_sha256: str | None = None, now_ms: int) -> int:
    """Append `raw`, read before by `parse_policy`, as the version in force from `now_ms` on; its number.

    `file_sha256` None: no file was read for it.
    """
    newest = conn.execute(_NEWEST).first()
    number = 1 if newest is None else newest.version + 1
    # Versions stay in the order of time even where the clock was set back between two of them.
    from_ms = now_ms if newest is None else max(now_ms, newest.from_ms + 1)
    if file_sha256 is None:
        file_sha256 = "" if newest is None else newest.file_sha256
    conn.execute(insert(t).values(
        version=number, sha256=hashlib.sha256(raw).hexdigest(), body=raw.decode("utf-8-sig"), from_ms=from_ms,
        set_by=set_by, file_sha256=file_sha256,
    ))  # fmt: skip
    return number


def newest_number(conn: Connection) -> int:
    """The number of the newest version; 0 where there is none."""
    return conn.scalar(select(func.max(t.c.version))) or 0


def read_policies(conn: Connection) -> Policies:
    """Every version kept. Raises PolicyError where there is none, or one that can no longer be read."""
    rows = conn.execute(select(t.c.version, t.c.from_ms, t.c.body).order_by(t.c.from_ms)).all()
    if not rows:
        raise PolicyError("the store holds no policy yet; the judge keeps one when it starts")
    return Policies(tuple(Version(r[0], r[1], parse_policy(r[2].encode(), f"policy version {r[0]}")) for r in rows))
