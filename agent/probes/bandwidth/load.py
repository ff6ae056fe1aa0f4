"""One direction at work: a loop over all its streams in turns, and the round trips beside them."""

from __future__ import annotations

import selectors
import time
from typing import TYPE_CHECKING, Final

from agent.net.links import now_s
from agent.net.stream import StreamError
from agent.probes.bandwidth.estimate import Flow
from agent.probes.given import Ended
from wire.outcomes import fail, unknown

if TYPE_CHECKING:
    from agent.probes.bandwidth.streams import Loader, Pinger, Taker
    from agent.probes.bandwidth.watch import Watch

LEAST_TURN_S: Final = 0.004
MOST_TURN_S: Final = 0.025
TURN_BYTES: Final = 128 * 1024
"""A turn lasts until about so much has come: fewer turns cost less, but what waits in the kernel must not fill its
window."""
QUEUE_SHARE: Final = 0.5
"""A turn lasts for so much of the queue on the way at most. The kernel acknowledges when it is read from (tcp_input.c,
__tcp_ack_snd_check), the sender answers with a burst as large as the turn was long, and a shorter queue drops it: turns
of 25 ms took 7 to 15 % off a line with a queue of 10 ms."""
RECENT: Final = 8
TICK_S: Final = 0.02
LOOK_EVERY_S: Final = 0.15
STALL_S: Final = 3.0
STOOD_STILL_S: Final = 1.0
LATE_S: Final = 0.005
"""A turn that came so much later than it was due was held back by this machine; less is the grain of its timers."""


class Drive:
    """One direction at work. `run` returns when enough is known; `ended` says why it stopped.

    `held_s`: for how long this machine did not let the loop do what was due, waiting for a processor or whatever else.
    """

    def __init__(self, loaders: list[Loader], pinger: Pinger, taker: Taker | None, watch: Watch) -> None:
        self._loaders, self._pinger, self._taker, self._watch = loaders, pinger, taker, watch
        self._flow = Flow() if taker is None else taker.flow
        self._began_s = self._moved_s = now_s()
        self._turn_s, self._moved, self._arrived = LEAST_TURN_S, 0, 0
        self.held_s = 0.0
        self.ended = ""

    @property
    def moved(self) -> int:
        """Bytes of load, also of a turn that was not finished."""
        return sum(one.moved for one in self._loaders)

    def rtts_since(self, moment: float) -> list[float]:
        """Round trips that left after `moment`, which is of the clock that the flow is counted by."""
        return [rtt for sent, rtt in self._pinger.trips if sent >= self._here(moment)]

    def told_bytes(self) -> int:
        return self._taker.last[1] - self._taker.first[1] if self._taker is not None and self._taker.first else 0

    def told_seconds(self) -> tuple[float, float]:
        """How long the server's count lasted by its clock, and by ours."""
        if self._taker is None or self._taker.first is None:
            return 0.0, 0.0
        return self._taker.last[0] - self._taker.first[0], self._taker.here[-1] - self._taker.here[0]

    def run(self) -> None:
        """Move bytes until the watch says that it is enough. Raises Ended, StreamError."""
        with selectors.DefaultSelector() as quick:
            self._begin(quick)
            looked = 0.0
            while not self.ended:
                now = self._turn(quick)
                if now - looked >= LOOK_EVERY_S or self._watch.exceeded(self._moved):
                    looked = now
                    self.ended = self._watch.over(self._flow, self._moved, self.rtts_since, now - self._began_s)

    def finish(self) -> None:
        """Wait for the round trip that is still under way, so that the connection can be used again."""
        sock = self._pinger.connection.sock
        sock.settimeout(STALL_S)
        while self._pinger.waits:
            self._pinger.ready()

    def _begin(self, quick: selectors.BaseSelector) -> None:
        for worker in (self._pinger, self._taker):
            if worker is not None:
                worker.connection.sock.setblocking(False)
                quick.register(worker.connection.sock, selectors.EVENT_READ, worker)
        for loader in self._loaders:
            loader.start()
        self._began_s = self._moved_s = now_s()

    def _turn(self, quick: selectors.BaseSelector) -> float:
        """Hear round trips the moment they come, then serve the streams, all of them at once; the moment behind it.

        Load is looked at in turns and not whenever a packet has come: to be woken costs more than to read.
        """
        before, worked_s = now_s(), time.thread_time()
        self._pinger.tick(before)
        for key, _ in quick.select(self._turn_s):
            key.data.ready()
        came = sum([loader.work() for loader in self._loaders])
        now = now_s()
        late_s = now - before - self._turn_s - (time.thread_time() - worked_s)
        self.held_s += late_s if late_s > LATE_S else 0.0
        if now - before > STOOD_STILL_S:
            raise Ended(unknown("aborted"), error="this machine stood still in the middle of the test")
        if came:
            most = min(MOST_TURN_S, QUEUE_SHARE * self._pinger.queue_s(RECENT))
            self._turn_s = max(LEAST_TURN_S, min(most, TURN_BYTES * (now - before) / came))
        self._moved += came
        self._count(now, came)
        return now

    def _count(self, now: float, came: int) -> None:
        due = not self._flow.at or now - self._flow.at[-1] >= TICK_S
        if self._taker is None and self._moved and due:
            self._flow.add(now, self._moved)
        arrived = came if self._taker is None else self._taker.last[1] - self._arrived
        if arrived:
            self._moved_s, self._arrived = now, self._arrived + arrived
        elif now - self._moved_s > STALL_S:
            text = f"nothing came through for {STALL_S:g} s"
            raise StreamError(fail("timeout_transfer"), text)

    def _here(self, moment: float) -> float:
        """A moment of the flow's clock by ours."""
        if self._taker is None or self._taker.first is None:
            return moment
        return moment - self._taker.first[0] + self._taker.here[0]
