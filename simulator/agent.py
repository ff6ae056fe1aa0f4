"""One simulated agent: follows its plan through simulated time and keeps what it measured until it is receipted.

Pure state: it speaks with nobody. Like a real one it cuts a batch every minute, and at once when something changed;
what it cannot send waits, and a machine that lost its power wakes up with another boot and what it had measured before.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from simulator.gauges import gauge
from simulator.numbers import Gauge, Run
from simulator.world import Boot, World
from wire.codec import encode_batch
from wire.messages import (
    MAX_BATCHES,
    MAX_BODY_BYTES,
    MAX_REQUEST_VALUES,
    VERSION,
    Batch,
    Envelope,
    Observation,
    PlanItem,
    Receipt,
    Role,
)
from wire.outcomes import Outcome

CUT_MS: Final = 60_000
FIRST_CUT_MS: Final = 12_000
"""The first figures come with the first round of trains, not after a minute."""

RARE_CUT_MS: Final = 6 * 3_600_000
"""Of a past that holds what is rare alone; nobody waits for it, and a batch a minute would hold one measurement."""

SOON_MS: Final = 10_000
MAX_ITEMS: Final = 2_000
RARE: Final = frozenset({"bandwidth", "use", "path", "quality"})
"""Probes that a long history can hold of every line: everything else would be millions of measurements."""

_LATE_MS: Final = 12 * 3_600_000
_QUIET_SHARE: Final = 0.7
_AFTER_LOST: Final = 3
_CONFIRMED: Final = 3
"""So many alike after a change are sent at once, and measured soon where the item says how soon, as agents do."""

_NEVER_MS: Final = 2**62
_ROOM: Final = MAX_BODY_BYTES - 4 * 1024


@dataclass(frozen=True, slots=True)
class Who:
    """An enrolled agent. `centre` is where it stands; the token is a secret of its home."""

    agent: str
    centre: str
    role: Role
    token: str

    def __repr__(self) -> str:
        return f"Who({self.agent}, {self.centre}, {self.role})"


@dataclass(frozen=True, slots=True)
class Cut:
    """A batch that waits for its receipt: its number, its bytes as hashed, and what it weighs in a request."""

    number: int
    boot: Boot
    raw: bytes
    values: int
    items: int


@dataclass(slots=True)
class Due:
    """An item of the plan: how it is measured, how often, when next, and what was found last."""

    item: PlanItem
    measure: Gauge
    period_ms: int
    phase_ms: int
    at: int
    last: Outcome = "ok"
    alike: int = _CONFIRMED
    lost: int = 0


@dataclass(slots=True)
class Counts:
    """What an agent did so far."""

    observations: int = 0
    batches: int = 0
    receipted: int = 0
    accepted: int = 0
    rejected: int = 0


class Agent:
    """`from_ms`: when it begins to measure; `all_from_ms`: when it does so with more than the rare probes.

    `turn` tells runs of one home apart: each has a spool of its own.
    """

    def __init__(self, who: Who, world: World, *, from_ms: int, all_from_ms: int = 0, turn: int = 1) -> None:
        self.who, self.counts = who, Counts()
        self._world, self._turn = world, turn
        self.now_ms, self._all_from_ms = from_ms, all_from_ms
        self.plan_sha256 = ""
        self._epoch = world.dice.uuid(f"{who.centre}/{who.role}/epoch/{turn}")
        self._due: list[tuple[int, int]] = []
        self._items: dict[int, Due] = {}
        self._open: list[Observation] = []
        self._open_boot = Boot(0, 0)
        self._cut_phase = int(CUT_MS * self._own("cut"))
        self._cut_at = from_ms + FIRST_CUT_MS
        self._number = 0
        self.waiting: deque[Cut] = deque()

    # --- the plan ---------------------------------------------------------------------------------------------------

    def follow(self, sha256: str, items: Iterable[PlanItem]) -> None:
        """Take up a plan: what stays in it goes on in its rhythm."""
        before = {_key(due.item): due.at for due in self._items.values()}
        own = PlanItem("self", f"agent:{self.who.agent}", "self", "self", 60.0, 20.0)
        self.plan_sha256, self._items = sha256, {}
        for n, item in enumerate((*items, own)):
            period = max(1_000, round(item.period_s * 1000))
            name = "/".join(self._named(item))
            phase = _at_night(self._own(name)) if item.probe == "bandwidth" else int(period * self._own(name))
            begin = self.now_ms if item.probe in RARE else max(self.now_ms, self._all_from_ms)
            soon = min(after(begin, period, phase), begin + int(SOON_MS * self._own(f"soon/{name}")))
            at = before.get(_key(item)) or soon
            self._items[n] = Due(item, gauge(self._world, self.who.centre, item), period, phase, at)
        self._due = [(due.at, n) for n, due in self._items.items()]
        heapq.heapify(self._due)

    def _named(self, item: PlanItem) -> tuple[str, ...]:
        """What an item is called for ever: machines and agents have other keys in every register."""
        kind, _, key = item.subject.partition(":")
        return item.probe, kind, "" if kind in {"device", "agent"} else key, item.target

    def _own(self, name: str) -> float:
        """A number in [0, 1): every agent has its own rhythm."""
        return self._world.dice.once(f"{self.who.centre}/{self.who.role}/{name}")

    # --- measuring --------------------------------------------------------------------------------------------------

    def advance(self, to_ms: int) -> None:
        """Measure everything that falls due until then."""
        while self._due and self._due[0][0] <= to_ms:
            at, n = heapq.heappop(self._due)
            due = self._items[n]
            self._cut_until(at)
            if self._world.measures(self.who.centre, at, self.who.role):
                self._keep(due, due.measure(at), at)
                self._react(due, at)
            due.at = min(after(at, due.period_ms, due.phase_ms), self._confirms(due, at))
            heapq.heappush(self._due, (due.at, n))
        self._cut_until(to_ms)
        self.now_ms = max(self.now_ms, to_ms)

    def measure_now(self, item_id: str, task_id: str, at: int) -> bool:
        """A task: measure one item of the plan now. False where the plan has no such item."""
        for due in self._items.values():
            if due.item.id == item_id and self._world.measures(self.who.centre, at, self.who.role):
                asked = gauge(self._world, self.who.centre, due.item, asked=True)
                self._keep(due, asked(at), at, task_id)
                self._cut()
                return True
        return False

    def _react(self, due: Due, at: int) -> None:
        """Look at the way by which trains were just lost, as often in a row as its item says."""
        if due.item.probe != "reach" or due.last != "fail":
            due.lost = 0
            return
        due.lost += 1
        for other in self._items.values():
            same = other.item.probe == "path" and other.item.subject == due.item.subject
            if same and due.lost == int(other.item.settings.get("after_lost") or _AFTER_LOST):
                self._keep(other, other.measure(at), at)

    def _confirms(self, due: Due, at: int) -> int:
        """When what changed is asked again, where its item says so (agent/work/confirming.py)."""
        confirm_s = float(due.item.settings.get("confirm_s") or 0)
        return at + round(1000 * confirm_s) if confirm_s and due.alike < _CONFIRMED else _NEVER_MS

    def _keep(self, due: Due, run: Run, at: int, task_id: str | None = None) -> None:
        boot = self._world.boot(self.who.centre, at)
        if self._open and (boot != self._open_boot or len(self._open) >= MAX_ITEMS):
            self._cut()
        self._open_boot = boot
        own_clock = at + round(1000 * self._world.skew_s(self.who.centre, at))
        result = run.result
        self._open.append(Observation(
            len(self._open), due.item.probe, due.item.subject, due.item.target, own_clock, at - boot.from_ms,
            run.took_ms, result.outcome, result.reason, run.values, run.phases, run.detail, task_id,
        ))  # fmt: skip
        self.counts.observations += 1
        due.alike = due.alike + 1 if due.last == result.outcome else 1
        due.last = result.outcome
        if due.alike <= _CONFIRMED:
            self._cut()

    def flush(self) -> None:
        """Cut what is open: nothing more will come for a while."""
        self._cut()

    def _cut_until(self, at: int) -> None:
        if at >= self._cut_at:
            self._cut()
            self._cut_at = after(at, CUT_MS, self._cut_phase)
            if at < self._all_from_ms:
                self._cut_at = min(after(at, RARE_CUT_MS, self._cut_phase), self._all_from_ms)

    def _cut(self) -> None:
        if not self._open:
            return
        self._number += 1
        raw = encode_batch(Batch(self._epoch, self._number, self._boot_id(self._open_boot)), self._open)
        values = sum(len(o.values) for o in self._open)
        self.waiting.append(Cut(self._number, self._open_boot, raw, values, len(self._open)))
        self.counts.batches += 1
        self._open = []

    def _boot_id(self, boot: Boot) -> str:
        return self._world.dice.uuid(f"{self.who.centre}/{self.who.role}/boot/{self._turn}/{boot.number}")

    # --- sending ----------------------------------------------------------------------------------------------------

    def sends(self, at: int) -> bool:
        """Whether what it says reaches the collector."""
        return self._world.sends(self.who.centre, at, self.who.role)

    def some(self) -> list[Cut]:
        """As many of the oldest that wait, of one boot, as one request may hold."""
        values = size = 0
        taken: list[Cut] = []
        for cut in self.waiting:
            values, size = values + cut.values, size + len(cut.raw)
            full = len(taken) == MAX_BATCHES or values > MAX_REQUEST_VALUES or size > _ROOM
            if taken and (full or cut.boot != taken[0].boot):
                break
            taken.append(cut)
        return taken

    def envelope(self, now_ms: int, boot: Boot | None = None) -> Envelope:
        """Who speaks, and both clocks at `now_ms`.

        `boot`: speak as if the machine had not been started since. So the past of a history is put right exactly, where
        a collector that has only just begun to listen knows nothing of earlier boots.
        """
        held = boot or self._world.boot(self.who.centre, now_ms)
        skewed = now_ms + round(1000 * self._world.skew_s(self.who.centre, now_ms))
        return Envelope(VERSION, self.who.agent, self._boot_id(held), skewed, now_ms - held.from_ms)

    def settle(self, sent: Sequence[Cut], receipts: Sequence[Receipt]) -> None:
        """Delete what was receipted and count it."""
        by_number = {receipt.batch: receipt for receipt in receipts}
        for cut in sent:
            receipt = by_number.get(cut.number)
            if receipt is None or not self.waiting or self.waiting[0].number != cut.number:
                break
            self.waiting.popleft()
            self.counts.receipted += 1
            self.counts.accepted += receipt.accepted
            self.counts.rejected += len(receipt.rejected)


def after(at: int, period: int, phase: int) -> int:
    """The next moment behind `at` of a rhythm."""
    return at + 1 + (phase - at - 1) % period


def _at_night(own: float) -> int:
    """When in the day (ms, UTC) a line's speed is tested: mostly between 19:00 and 05:00 in Vietnam, else at noon."""
    if own < _QUIET_SHARE:
        return _LATE_MS + int(own / _QUIET_SHARE * 10 * 3_600_000)
    return int((4.5 + 2 * (own - _QUIET_SHARE) / (1 - _QUIET_SHARE)) * 3_600_000)


def _key(item: PlanItem) -> tuple[str, str, str]:
    return item.subject, item.probe, item.target
