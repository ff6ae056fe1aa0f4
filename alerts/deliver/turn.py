"""One turn of delivery up to sending: new messages get their way, those whose time has come are sorted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, insert

from alerts.api import Incident
from alerts.deliver import cases, rows
from alerts.deliver.deciding import Leave, PutOff, decide
from alerts.deliver.digests import digest_key, digest_of, together
from alerts.deliver.manner import Manner
from alerts.deliver.message import pack
from alerts.deliver.routing import CENTRE, MACHINES, NoWay, channels_of
from alerts.deliver.rows import Row
from alerts.settings import Quiet, Settings
from alerts.tables import outbox

AT_ONCE: Final = 200
"""A turn looks at so many rows, so that a job of the writer stays short."""


@dataclass(slots=True)
class Sorted:
    """What a turn found: by channel what may go, and what is to be written."""

    ready: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    put_off: list[tuple[Row, PutOff]] = field(default_factory=list)
    left: list[tuple[Row, Leave]] = field(default_factory=list)
    digests: list[list[Row]] = field(default_factory=list)


def route(conn: Connection, settings: Settings) -> int:
    """Find the ways of new messages; how many there were."""
    found = rows.unrouted(conn, AT_ONCE)
    for row in found:
        try:
            names = channels_of(row.audience, settings)
        except NoWay as error:
            (rows.drop if error.meant else rows.bury)(conn, row.key, str(error))
        else:
            rows.take_way(conn, row, [(name, "") for name in names])
    return len(found)


class Sorter:
    """Sorts what is due. `resting`: channels that are left alone now, with the time until then."""

    def __init__(self, settings: Settings, manner: Manner, resting: Callable[[str], int], now_ms: int) -> None:
        self._settings, self._manner, self._resting, self._now_ms = settings, manner, resting, now_ms

    def sort(self, conn: Connection, busy: Sequence[str]) -> Sorted:
        """`busy`: channels that are at work already."""
        due = rows.due(conn, self._now_ms, AT_ONCE, busy)
        known = {row.incident for row in due if row.incident}
        about, beside = cases.read_cases(conn, known), rows.of_incidents(conn, known)
        out = Sorted()
        for row in due:
            self._judge(out, row, about, beside)
        self._gather(conn, out)
        return out

    def _judge(self, out: Sorted, row: Row, about: Mapping[str, Incident], beside: Mapping[str, Sequence[Row]]) -> None:
        others = beside.get(row.incident, ())
        found = decide(row, about.get(row.incident), others, now_ms=self._now_ms, quiet=self._quiet(row))
        rest_ms = self._resting(row.channel)
        if isinstance(found, Leave):
            out.left.append((row, found))
        elif isinstance(found, PutOff):
            out.put_off.append((row, found))
        elif rest_ms > self._now_ms:
            out.put_off.append((row, PutOff(rest_ms, f"{row.channel} is left alone for a while")))
        else:
            out.ready[row.channel].append(row)

    def _quiet(self, row: Row) -> Quiet | None:
        found = self._settings.route(row.audience)
        return None if found is None or self._machine(row.channel) else found.quiet

    def _machine(self, channel: str) -> bool:
        outlet = self._settings.outlets.get(channel)
        return channel == CENTRE or (outlet is not None and outlet.kind in MACHINES)

    def _gather(self, conn: Connection, out: Sorted) -> None:
        """Take out of what may go what had better be told together."""
        gone: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
        since_ms = self._now_ms - round(1000 * self._manner.digest_s)
        for audience, channel, kind, at_ms in rows.letters_since(conn, since_ms):
            gone[audience, channel].append((kind, at_ms))
        for channel in [name for name in out.ready if not self._machine(name)]:
            mine: dict[str, list[Row]] = defaultdict(list)
            for row in out.ready.pop(channel):
                mine[row.audience].append(row)
            for audience, ready in mine.items():
                found = together(ready, gone[audience, channel], self._manner, self._now_ms)
                out.ready[channel] += found.alone
                out.put_off += [(row, PutOff(found.later_ms, "gathered for a digest")) for row in found.later]
                if found.digest:
                    out.digests.append(found.digest)


def write(conn: Connection, found: Sorted, now_ms: int) -> list[Row]:
    """Write what a turn found; the digests that were made, ready to go."""
    for row, off in found.put_off:
        rows.put_off(conn, [row.key], off.until_ms, off.why)
    for row, leave in found.left:
        rows.drop(conn, row.key, leave.why)
    return [made for members in found.digests if (made := _digest(conn, members, now_ms)) is not None]


def _digest(conn: Connection, members: Sequence[Row], now_ms: int) -> Row | None:
    key = digest_key(members)
    taken = rows.gather(conn, [row.key for row in members], key)
    if not taken:
        return None
    first = taken[0]
    values = {
        "key": key, "incident": "", "kind": "digest", "audience": first.audience, "channel": first.channel,
        "address": first.address, "message": pack(digest_of(taken)), "state": "waiting", "created_ms": now_ms,
        "due_ms": now_ms,
    }  # fmt: skip
    conn.execute(insert(outbox).values(values))
    return Row(**values, tries=0, sent_ms=None, within="")  # type: ignore[arg-type]  # names are those of Row
