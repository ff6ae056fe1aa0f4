"""Sends batches and settles receipts: live before backlog, one thing at a time, as slowly as the collector asks for."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

from agent.counts import Counts
from agent.log import say, warn
from agent.spool.file import Unwritable
from agent.spool.keeper import Keeper
from agent.spool.queue import Head, Spool
from agent.talk.contact import Contact
from agent.talk.room import Room
from wire.client import Refused, Unreachable
from wire.clock import Clock
from wire.codec import encode_request, pack
from wire.messages import (
    MAX_BATCHES,
    MAX_BODY_BYTES,
    MAX_COMPRESSED_BYTES,
    MAX_REQUEST_VALUES,
    VERSION,
    Answer,
    Envelope,
    Receipt,
)

LIVE_MS: Final = 120_000
IDLE_S: Final = 60.0
FIRST_RETRY_S: Final = 1.0
LONGEST_RETRY_S: Final = 30.0  # a repaired line must be seen within a minute
BARRED_S: Final = 300.0
LONGEST_WAIT_S: Final = 3_600.0
ENVELOPE_ROOM: Final = 4 * 1024


class Transport(Protocol):
    """What sending needs of wire.client.Client."""

    def post_batches(self, packed: bytes) -> Answer: ...


class Sender:
    """One step is one request. `pace_s` lies between two requests of backlog."""

    def __init__(
        self,
        keeper: Keeper,
        transport: Transport,
        *,
        agent: str,
        boot_id: str,
        clock: Clock,
        contact: Contact,
        counts: Counts,
        chance: random.Random,
        pace_s: float = 2.0,
    ) -> None:
        self._keeper, self._transport, self._agent, self._boot_id = keeper, transport, agent, boot_id
        self._clock, self._contact, self._counts, self._chance, self._pace_s = clock, contact, counts, chance, pace_s
        self._failures = 0
        self._room = Room()
        self._alone: deque[int] = deque()  # batches to be sent one by one, after a refusal of them all
        self._not_before_ms = 0
        self._live_turn = False
        self._kick = threading.Event()

    def kick(self) -> None:
        """There is something new, or the way seems open: do not sleep on."""
        self._kick.set()

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            wait_s = self.step()
            if self._not_before_ms > self._clock.mono_ms():
                stop.wait(wait_s)  # a kick shortens neither a back-off nor the pause that the collector asked for
            else:
                self._kick.wait(wait_s)
            self._kick.clear()

    def last_words(self, transport: Transport) -> None:
        """One more request over a connection of little patience, unless the collector asked to be left alone."""
        self._transport = transport
        if self._failures == 0:
            self.step()

    def step(self) -> float:
        """Send one request if there is anything to send; returns the seconds until the next step."""
        early_s = (self._not_before_ms - self._clock.mono_ms()) / 1000
        if early_s > 0:
            return early_s
        try:
            heads = self._keeper.use(self._choose)
            return self._send_these([h.number for h in heads]) if heads else IDLE_S
        except Unwritable:
            return self._back_off()

    # --- what to send -------------------------------------------------------------------------------------------------

    def _choose(self, spool: Spool) -> Sequence[Head]:
        if self._alone:
            return [Head(self._alone[0], 0, 0, 0, 0, tried=True)]
        # After a failure what was sent before goes first: the others stay untried, so that they may be thinned.
        again = spool.newest(self._room.size, tried=True) if self._failures else []
        live = [h for h in spool.newest(self._room.size) if h.age_ms <= LIVE_MS]
        # By turns: something that fails and recovers all the time is live all the time, and must not starve the rest.
        self._live_turn = bool(live) and not self._live_turn
        return fill(again or (live if self._live_turn else spool.oldest(self._room.size)))

    # --- one request --------------------------------------------------------------------------------------------------

    def _send_these(self, numbers: list[int]) -> float:
        bodies = self._keeper.use(lambda spool: spool.begin(numbers))
        self._drop_alone(set(numbers) - set(bodies))  # dropped or set aside in the meantime
        return self._send(bodies) if bodies else 0.0

    def _send(self, bodies: dict[int, bytes]) -> float:
        packed = pack(encode_request(self._envelope(), bodies.values()))
        if len(packed) > MAX_COMPRESSED_BYTES and len(bodies) > 1:
            self._room.halve(len(bodies))
            return 0.0
        asked_ms = self._clock.mono_ms()
        try:
            answer = self._transport.post_batches(packed)
        except Unreachable as error:
            self._room.halve(self._room.size)
            return self._failed(error.reason, str(error))
        except Refused as refusal:
            return self._refused(refusal, list(bodies))
        self._room.answered(len(bodies), (self._clock.mono_ms() - asked_ms) / 1000)
        self._contact.heard(answer.server_time_ms, answer.notices)
        return self._settle(answer.receipts, list(bodies), answer.wait_s)

    def _envelope(self) -> Envelope:
        return Envelope(VERSION, self._agent, self._boot_id, self._clock.wall_ms(), self._clock.mono_ms())

    def _settle(self, receipts: Sequence[Receipt], sent: list[int], wait_s: float) -> float:
        done = self._keeper.use(lambda spool: spool.settle(receipts))
        self._drop_alone(done)
        if not done.issuperset(sent):
            return self._failed("no_receipt", f"{len(set(sent) - done)} of {len(sent)} batches have no receipt")
        self._succeeded()
        if wait_s > 0:
            return self._hold(min(wait_s, LONGEST_WAIT_S))
        return self._pace_s * self._chance.uniform(0.75, 1.25) if self._keeper.use(lambda s: s.oldest(1)) else IDLE_S

    # --- what can go wrong --------------------------------------------------------------------------------------------

    def _refused(self, refusal: Refused, sent: list[int]) -> float:
        problem = refusal.problem
        if problem.receipts:
            done = self._keeper.use(lambda spool: spool.settle(problem.receipts))
            self._drop_alone(done)
            if done & set(sent):
                self._succeeded()
                return 0.0 if self._keeper.use(lambda s: s.oldest(1)) else IDLE_S
        if refusal.status in {401, 403}:
            self._contact.barred = problem.detail or problem.title
            return self._failed("barred", str(refusal), at_least_s=BARRED_S)
        if refusal.status in {400, 409, 413, 422} and problem.code not in {"foreign", "version"}:
            return self._one_by_one(sent, problem.code or str(refusal.status), str(refusal))
        return self._failed(problem.code or str(refusal.status), str(refusal), at_least_s=refusal.retry_after_s or 0.0)

    def _one_by_one(self, sent: list[int], code: str, text: str) -> float:
        """The request was refused as a whole: find the batch at fault by sending each alone, and set that one aside."""
        if len(sent) > 1:
            self._alone = deque(sent)
            return 0.0
        self._keeper.use(lambda spool: spool.set_aside(sent[0], "refused"))
        self._drop_alone(set(sent))
        # Backed off like any failure: where the fault is not the batch's, the spool must not be emptied in a minute.
        return self._failed(code, f"batch {sent[0]} set aside: {text}")

    def _drop_alone(self, done: set[int]) -> None:
        self._alone = deque(number for number in self._alone if number not in done)

    def _failed(self, reason: str, text: str, *, at_least_s: float = 0.0) -> float:
        self._counts.add("send_failures")
        if self._failures == 0:
            warn("send_failed", reason=reason, error=text)
        self._contact.send_error = reason
        return self._back_off(at_least_s)

    def _back_off(self, at_least_s: float = 0.0) -> float:
        longest = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(self._failures, 10))
        self._failures += 1
        return self._hold(min(at_least_s, LONGEST_WAIT_S) + longest * self._chance.uniform(0.5, 1.0))

    def _hold(self, seconds: float) -> float:
        self._not_before_ms = self._clock.mono_ms() + int(seconds * 1000)
        return seconds

    def _succeeded(self) -> None:
        if self._failures:
            say("send_restored", after_failures=self._failures)
        self._failures = 0
        self._contact.send_error = self._contact.barred = ""


def fill(heads: Sequence[Head]) -> list[Head]:
    """As many of `heads`, in their order, as one request may hold; at least the first."""
    values = size = 0
    taken: list[Head] = []
    for head in heads[:MAX_BATCHES]:
        values, size = values + head.values, size + head.size
        if taken and (values > MAX_REQUEST_VALUES or size > MAX_BODY_BYTES - ENVELOPE_ROOM):
            break
        taken.append(head)
    return taken
