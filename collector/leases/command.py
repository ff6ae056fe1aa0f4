"""`motcua collector leases`: whose turn it is, whose turn comes, and what each line's tests have cost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from collector.console import EPILOG, USAGE, Json, end, listing, opened, say
from collector.history.buckets import DAY_MS, ZONE_MS, day_start, day_text, start_of
from collector.hub import Hub
from collector.leases.ground import read_servers
from collector.leases.timetable import Entry, Standing, read_day, spent_bytes

WORDS: Final[dict[Standing, str]] = {
    "under_way": "under way", "reserved": "reserved", "expected": "expected", "done": "done", "expired": "not returned",
    "gave_way": "gave way", "missed": "nobody came",
}  # fmt: skip

Day = Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="a local day; today where none is given")]
Tomorrow = Annotated[bool, typer.Option("--tomorrow", help="tomorrow, with what is expected to be asked for")]


def mount(app: typer.Typer) -> None:
    """Add the command to `motcua collector`."""
    app.command("leases", epilog=EPILOG)(leases)


def leases(*, day: Day = "", tomorrow: Tomorrow = False, as_json: Json = False) -> None:
    """The timetable of speed tests: under way, reserved, expected, and what each line has spent. Changes nothing."""
    with opened() as hub:
        now_ms = hub.clock.wall_ms()
        day_ms = _day(day, now_ms) if day else start_of(now_ms, DAY_MS) + (DAY_MS if tomorrow else 0)
        with hub.store.reading() as conn:
            entries, servers = read_day(conn, day_ms, now_ms), read_servers(conn)
        if as_json:
            measured = [{"url": s.url, "bps": s.bps, "tests": s.tests} for s in servers]
            say(True, {"day": day_text(day_ms), "servers": measured, **_document(entries)}, "")
        else:
            _show(hub, entries, day_text(day_ms), there=bool(servers))


def _show(hub: Hub, entries: list[Entry], day: str, *, there: bool) -> None:
    if not there:
        say(False, {}, "no measurement server: lines are not tested; motcua serve --measure URL")
    if not entries:
        say(False, {}, f"{day}: no tests")
        return
    listing(False, ("from", "to", "line", "uplink", "standing", "asked_by", "server", "MB"), [_row(e) for e in entries])
    spent = spent_bytes(entries)
    if spent:
        listing(False, ("line", "spent_MB"), [(line, _mb(cost)) for line, cost in sorted(spent.items())])


def _row(entry: Entry) -> tuple[object, ...]:
    slot = entry.slot
    by = "person" if entry.on_demand else "plan"
    used = None if slot.used_bytes is None else _mb(slot.used_bytes)
    return _clock(slot.from_ms), _clock(slot.to_ms), slot.line, slot.group, WORDS[entry.standing], by, slot.server, used


def _document(entries: list[Entry]) -> dict[str, object]:
    rows = [
        {
            "from_ms": e.slot.from_ms, "to_ms": e.slot.to_ms, "line": e.slot.line, "uplink": e.slot.group,
            "standing": e.standing, "on_demand": e.on_demand, "server": e.slot.server, "bps": e.slot.bps,
            "max_bytes": e.slot.max_bytes, "used_bytes": e.slot.used_bytes,
        }
        for e in entries
    ]  # fmt: skip
    return {"slots": rows, "spent_bytes": spent_bytes(entries)}


def _day(text: str, now_ms: int) -> int:
    try:
        found = day_start(text)
    except ValueError:
        end(f"{text!r} is not a day; write it as {day_text(start_of(now_ms, DAY_MS))}", USAGE)
    return found


def _clock(at_ms: int) -> str:
    return datetime.fromtimestamp((at_ms + ZONE_MS) / 1000, UTC).strftime("%H:%M:%S")


def _mb(cost: int) -> str:
    return f"{cost / 1e6:.1f}"
