"""Our own engine: parallel TCP streams against the province's server, looked at while they run, over when all is known.

One thread serves all streams and the round trips beside them. What was downloaded is counted here, what was uploaded by
the server. All times are of clocks that nobody can set.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from typing import Final

from agent.net.links import now_s
from agent.net.stream import StreamError
from agent.probes.bandwidth.estimate import Estimate
from agent.probes.bandwidth.load import Drive
from agent.probes.bandwidth.order import Course, Findings, Order, Way
from agent.probes.bandwidth.streams import BUFFER, Loader, Pinger, Taker
from agent.probes.bandwidth.talk import Connection, Report, Server, server_of
from agent.probes.bandwidth.watch import LOOSEST, Watch, settled
from agent.probes.given import Ended
from agent.probes.trains import median
from wire.outcomes import fail, unknown

IDLE_PINGS: Final = 12
IDLE_GAP_S: Final = 0.02
SETTLE_S: Final = 3.0
CLOCK_OFF: Final = 0.1


def run(order: Order, found: Findings) -> None:
    """Idle round trips, download, upload. Raises Ended; `found` then holds what was found and used until then."""
    try:
        with contextlib.closing(Trial(order, found)) as test:
            test.idle()
            test.course("download")
            test.settle()
            test.course("upload")
    except StreamError as error:
        # Before anything moved this says something of the line; in the middle it says only that the test was cut.
        result = unknown("aborted") if found.used else error.result
        raise Ended(result, error=str(error)) from error


class Trial:
    """One test, with the connection that stays open for its round trips."""

    def __init__(self, order: Order, found: Findings) -> None:
        self.order, self.found = order, found
        self.server: Server = server_of(order)
        begun = now_s()
        self.beside = Connection(self.server, order)
        found.phases["connect"] = now_s() - begun
        self._noise, self._buffer = memoryview(os.urandom(BUFFER)), bytearray(BUFFER)

    def close(self) -> None:
        self.beside.drop()

    def idle(self) -> None:
        """Round trips while nothing loads the line; the first one finds out who answers."""
        self._trip()
        begun = now_s()
        for _ in range(IDLE_PINGS):
            self.found.idle_rtts.append(self._trip())
            time.sleep(IDLE_GAP_S)
        self.found.phases["idle"] = now_s() - begun
        self.order.explain(f"idle: {median(self.found.idle_rtts) * 1000:.2f} ms")

    def settle(self) -> None:
        """Wait until the queue that one direction left is gone, or the other is measured through it."""
        quiet = 2 * median(self.found.idle_rtts) + 0.005
        until = now_s() + SETTLE_S
        while self._trip() > quiet and now_s() < until:
            time.sleep(IDLE_GAP_S)

    def _trip(self) -> float:
        begun = now_s()
        self.beside.ask("GET", "ping")
        self.beside.hear(204)
        return now_s() - begun

    def course(self, way: Way) -> None:
        """Load the line in one direction until enough is known. Raises Ended, StreamError."""
        order = self.order
        said = self.beside.report()
        watch = Watch(
            min_s=order.min_s,
            max_s=order.max_s,
            enough_s=order.enough_s,
            enough_bytes=order.enough_bytes,
            precision=order.precision,
            bytes_left=self._share(way),
            left=order.left,
        )
        with self._streams(way) as (loaders, taker):
            before, cpu_s = order.look(), time.thread_time()
            drive = Drive(loaders, Pinger(self.beside), taker, watch)
            try:
                drive.run()
            finally:
                self.found.used += drive.moved
            after, cpu_s = order.look(), time.thread_time() - cpu_s
            again = sum(one.connection.retransmitted() for one in loaders) if way == "upload" else 0
        now = self._after(drive)
        estimate = _proven(drive, watch)
        if way == "upload":
            _check_count(drive, said, now)
        self._keep(way, drive, estimate, Course(
            estimate.bps, estimate.low, estimate.high, watch.seconds, len(loaders), drive.moved + again, before, after,
            settled(drive.rtts_since(estimate.since_s)), cpu_s, drive.held_s, _core(said, now),
        ))  # fmt: skip

    def _keep(self, way: Way, drive: Drive, estimate: Estimate, course: Course) -> None:
        self.found.courses[way], self.found.phases[way] = course, course.seconds
        self.found.detail |= {
            f"{way}_ended": drive.ended,
            f"{way}_warm_up_s": round(course.seconds - estimate.seconds, 2),
            f"{way}_held_s": round(course.held_s, 3),
        }
        self.order.explain(
            f"{way}: {estimate.bps / 1e6:.2f} Mbit/s ({estimate.low / 1e6:.2f} to {estimate.high / 1e6:.2f}), "
            f"{course.seconds:.2f} s, {drive.moved / 1e6:.1f} MB, {drive.ended}, {len(course.rtts)} round trips"
        )

    def _share(self, way: Way) -> int:
        left = self.order.max_bytes - self.found.used
        return left // 2 if way == "download" else left

    @contextlib.contextmanager
    def _streams(self, way: Way) -> Iterator[tuple[list[Loader], Taker | None]]:
        """The connections of one direction, open and asked; nothing is left of them behind the block."""
        with contextlib.ExitStack() as stack:
            opened = []
            for _ in range(self.order.streams):
                opened.append(Connection(self.server, self.order))
                stack.callback(opened[-1].drop)
            taker = None
            if way == "upload":
                counting = Connection(self.server, self.order)
                stack.callback(counting.drop)
                counting.ask("GET", "series")
                taker = Taker(counting, counting.hear(200))
            yield [Loader(one, way, self._noise, self._buffer) for one in opened], taker

    def _after(self, drive: Drive) -> Report:
        """The server's account behind a course; a line that carries nothing any more has lost the test."""
        try:
            drive.finish()
            return self.beside.report()
        except StreamError as error:
            raise Ended(unknown("aborted"), error=f"the server was not reached any more: {error}") from error


def _proven(drive: Drive, watch: Watch) -> Estimate:
    """The figure of a course that came to its own end. Raises Ended where there is too little for one."""
    estimate = watch.estimate
    if estimate is not None and estimate.spread <= LOOSEST:
        return estimate
    text = f"only {drive.moved} bytes in {watch.seconds:.1f} s: too little for a figure ({drive.ended})"
    raise Ended(unknown("aborted"), error=text)


def _check_count(drive: Drive, before: Report, after: Report) -> None:
    """What a server says of itself must fit what was sent and the time that went by. Raises Ended."""
    received, ours = after.received - before.received, drive.moved
    told, here = drive.told_seconds()
    if received > ours or drive.told_bytes() > ours:
        raise Ended(fail("bad_answer"), error=f"the server says it received {received} bytes of {ours} that were sent")
    if here > 0.5 and abs(told - here) > CLOCK_OFF * here:
        raise Ended(fail("bad_answer"), error=f"the server's clock counted {told:.2f} s in {here:.2f} s")


def _core(before: Report, after: Report) -> float | None:
    """The share of a core that the server's process used between two accounts."""
    seconds = after.mono_s - before.mono_s
    return (after.cpu_s - before.cpu_s) / seconds if seconds > 0 else None
