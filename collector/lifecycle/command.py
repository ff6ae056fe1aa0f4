"""`motcua collector pause|resume|windows|import-calendar|move|rename|merge|…`: shown first, then done.

Every act says what comes of it, asks, and ends with the command that takes it back.
"""

from __future__ import annotations

import contextlib
import getpass
import re
import sys
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Final

import typer

from collector import commands as acts
from collector.api import (
    Act,
    Actor,
    Change,
    Decommission,
    Done,
    Effect,
    Merge,
    Move,
    NotAllowed,
    Pause,
    Rename,
    Restore,
    Resume,
)
from collector.console import EPILOG, FAILED, USAGE, Json, end, listing, opened, say
from collector.hub import Hub
from collector.lifecycle import doing
from collector.lifecycle.whom import written
from collector.lifecycle.windows import AHEAD_MS, within
from collector.reading.chronicle import read_chronicle

MOST_SHOWN: Final = 5_000
LOCAL: Final = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
_UNITS: Final = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
_WORDS: Final = {
    "planned": "planned stop {other}", "ended": "planned stop ends now, was {other}",
    "called_off": "planned stop is called off, was {other}", "moved": "moves to {other}",
    "freed": "is free: {other} measures it no more", "taken": "is measured by {other} from now on",
    "made": "is made, for {other}", "renamed": "is called {other}", "decommissioned": "leaves service {other}",
    "restored": "is in service again", "revoked": "may not speak any more", "admitted": "may speak again",
    "replanned": "gets a new plan", "stays": "stays as it is: nothing is fetched back from there",
}  # fmt: skip

Subject = Annotated[str, typer.Argument(help="07375-1, 07375-1/a, an agent's id, or a key such as line:07375-1/a")]
Reason = Annotated[str, typer.Option(help="why, as the chronicle and the board will say")]
Maybe = Annotated[str, typer.Option("--reason", help="why; may be left out")]
By = Annotated[str, typer.Option(help="who does it; else who is logged in here")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would come of it, change nothing")]
Yes = Annotated[bool, typer.Option("--yes", help="do not ask")]


def mount(app: typer.Typer) -> None:
    """Put the commands beside the others of `motcua collector`."""
    app.command("import-calendar", epilog=EPILOG)(import_calendar)
    for command in (pause, resume, windows, move, rename, merge, decommission, restore, replace, changes):
        app.command(command.__name__, epilog=EPILOG)(command)


def pause(
    subject: Subject, *, until: Annotated[str, typer.Option(help="2026-11-22T17:00, or +4h, +90m, +2d")],
    reason: Reason,
    since: Annotated[str, typer.Option("--from", help="when it begins or began; now where not given")] = "",
    document: Annotated[str, typer.Option(help="the announcement, by number and date")] = "",
    again: Annotated[str, typer.Option(metavar="RULE", help="daily, weekly, monthly, or FREQ=WEEKLY;BYDAY=SU")] = "",
    last: Annotated[str, typer.Option(help="with --again: no stop begins after this; else for a year")] = "",
    by: By = "", dry_run: DryRun = False, yes: Yes = False, as_json: Json = False,
) -> None:  # fmt: skip
    """A planned stop of a centre, line, agent, service:ID, carrier:KEY or area:KEY: judged all the same."""
    with opened() as hub:
        now_ms = hub.clock.wall_ms()
        from_ms = moment(since, now_ms) if since else None
        until_ms, last_ms = moment(until, from_ms or now_ms), moment(last, now_ms) if last else None
        act = Pause(written(subject), until_ms, reason, from_ms, document, again, last_ms)
        _run(hub, act, by, dry_run=dry_run, yes=yes, as_json=as_json)


def resume(
    subject: Subject, *, reason: Maybe = "", by: By = "", dry_run: DryRun = False, yes: Yes = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """End a planned stop before its time; where none runs, call off those to come."""
    with opened() as hub:
        _run(hub, Resume(written(subject), reason), by, dry_run=dry_run, yes=yes, as_json=as_json)


def import_calendar(
    file: Annotated[Path, typer.Argument(help="an iCalendar file (.ics) of planned stops")], *,
    subject: Annotated[str, typer.Option(help="what its events are about, where they do not say: carrier:vnpt")] = "",
    by: By = "", dry_run: DryRun = False, yes: Yes = False, as_json: Json = False,
) -> None:  # fmt: skip
    """Planned stops of the coming year from a calendar. Read again it changes only what the calendar changed."""
    from collector.lifecycle.calendar import read_calendar

    with opened() as hub:
        now_ms = hub.clock.wall_ms()
        try:
            act = read_calendar(file, written(subject), now_ms, now_ms + AHEAD_MS)
        except NotAllowed as error:
            end(str(error), FAILED)
        _run(hub, act, by, dry_run=dry_run, yes=yes, as_json=as_json)


def windows(
    *, since: Annotated[str, typer.Option("--from", help="a moment; now where not given")] = "",
    until: Annotated[str, typer.Option(help="a moment, or +30d")] = "+30d", as_json: Json = False,
) -> None:  # fmt: skip
    """Planned stops that hold or are to come."""
    with opened() as hub:
        now_ms = hub.clock.wall_ms()
        from_ms = moment(since, now_ms) if since else now_ms
        with hub.store.reading() as conn:
            found = within(conn, from_ms, moment(until, from_ms), MOST_SHOWN)
    rows = [(when(w.from_ms), when(w.end_ms), w.subject, w.reason, w.document, w.set_by) for w in found]
    listing(as_json, ("from", "until", "subject", "reason", "document", "by"), rows)


def move(
    subject: Subject, centre: Annotated[str, typer.Argument(help="where to, such as 07330-1")], *, reason: Reason,
    by: By = "", dry_run: DryRun = False, yes: Yes = False, as_json: Json = False,
) -> None:  # fmt: skip
    """Carry an agent or a line to another centre from now on. What was measured stays where it was measured."""
    with opened() as hub:
        _run(hub, Move(written(subject), centre, reason), by, dry_run=dry_run, yes=yes, as_json=as_json)


def rename(
    centre: Annotated[str, typer.Argument(help="key of the centre, such as 07375-1")], *,
    vi: Annotated[str, typer.Option("--vi", help="its new name, Vietnamese")], reason: Reason,
    en: Annotated[str, typer.Option("--en", help="English; the Vietnamese one where not given")] = "",
    by: By = "", dry_run: DryRun = False, yes: Yes = False, as_json: Json = False,
) -> None:  # fmt: skip
    """Another name for a centre. Its key stays; the old name is kept with its time and is found for ever."""
    with opened() as hub:
        _run(hub, Rename(centre, vi, en or vi, reason), by, dry_run=dry_run, yes=yes, as_json=as_json)


def merge(
    centre: Annotated[str, typer.Argument(help="the centre that ends")],
    into: Annotated[str, typer.Argument(help="the centre it goes into")], *, reason: Reason,
    move_agents: Annotated[bool, typer.Option("--move-agents", help="its agents go along; else they are revoked")] =
    False,
    by: By = "", dry_run: DryRun = False, yes: Yes = False, as_json: Json = False,
) -> None:  # fmt: skip
    """One centre goes into another: the old key leads to the other one, its page and history stay."""
    with opened() as hub:
        act = Merge(centre, into, reason, move_agents)
        _run(hub, act, by, dry_run=dry_run, yes=yes, as_json=as_json)


def decommission(
    subject: Subject, *, reason: Reason, by: By = "", dry_run: DryRun = False, yes: Yes = False, as_json: Json = False
) -> None:
    """A centre, a line or an agent leaves counts and lists; its page and its history stay."""
    with opened() as hub:
        _run(hub, Decommission(written(subject), reason), by, dry_run=dry_run, yes=yes, as_json=as_json)


def restore(
    subject: Subject, *, reason: Maybe = "", by: By = "", dry_run: DryRun = False, yes: Yes = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Take back that something was decommissioned, merged, moved or replaced."""
    with opened() as hub:
        _run(hub, Restore(written(subject), reason), by, dry_run=dry_run, yes=yes, as_json=as_json)


def replace(
    agent: Annotated[str, typer.Argument(help="id of the agent whose machine is replaced")],
    *, hours: Annotated[float, typer.Option(help="how long the code is good", min=0.1, max=24 * 30)] = 24.0,
    by: By = "", as_json: Json = False,
) -> None:  # fmt: skip
    """Make a join code for a new machine in an agent's place: the old one leaves when the new one enrols."""
    with opened() as hub:
        code = acts.replace_agent(hub, agent, ttl=int(hours * 3600), actor=actor(by))
        say(as_json, {"join_code": code, "replaces": agent, "url": hub.settings.agents_url}, code)


def changes(
    centre: Annotated[str, typer.Argument(help="key of the centre, such as 07375-1")], *, as_json: Json = False
) -> None:
    """What people changed at a centre, the newest first; planned stops with it."""
    with opened() as hub, hub.store.reading() as conn:
        found = read_chronicle(conn, centre)
    if as_json:
        say(True, asdict(found), "")
        return
    rows = [(when(c.at_ms), c.act, c.subject, _other(c), c.actor, c.reason) for c in found.changes]
    listing(False, ("at", "act", "subject", "to or from", "by", "reason"), rows)


def _other(change: Change) -> str:
    return f"until {when(int(change.other))}" if change.act == "pause" else change.other


# --- doing ----------------------------------------------------------------------------------------------------------


def _run(hub: Hub, act: Act, by: str, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Rehearse, show, ask, do. Raises NotFound, NotAllowed."""
    who = actor(by)
    if as_json and not yes and not dry_run:
        end("--json asks nothing: give --yes or --dry-run too", USAGE)
    try:
        seen = doing.change(hub, who, act, rehearse=True)
        if not as_json:
            say(False, {}, _text(seen))
        if dry_run or not (yes or _agreed()):
            say(as_json, _document(seen, applied=False), "nothing was changed")
            return
        done = doing.change(hub, who, act)
    except NotAllowed as error:
        end(str(error), FAILED)
    back = f"motcua collector {done.back}" if done.back else ""
    say(as_json, _document(done, applied=True), "done" + (f"; to take it back: {back}" if back else ""))


def _text(done: Done) -> str:
    return "\n".join(f"  {effect.subject} {_words(effect)}" for effect in done.effects)


def _words(effect: Effect) -> str:
    other = effect.other
    if effect.what in {"planned", "ended", "called_off"}:
        first, _, last = other.partition("/")
        other = f"from {when(int(first))} until {when(int(last))}"
    elif effect.what == "decommissioned" and other:
        other = f"in favour of {other}"
    return _WORDS[effect.what].format(other=other).rstrip()


def _document(done: Done, *, applied: bool) -> dict[str, object]:
    return {
        "applied": applied, "act": done.act, "subject": done.subject, "at_ms": done.at_ms,
        "effects": [asdict(effect) for effect in done.effects], "back": done.back,
    }  # fmt: skip


def _agreed() -> bool:
    """Whether a person agrees; where nobody can be asked the command ends."""
    if not is_terminal():
        end("nothing was changed: look at it with --dry-run, then say --yes", USAGE)
    sys.stdout.write("Do this? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes", "c", "có"}


def is_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty()


def actor(by: str) -> Actor:
    """Who acts: the name given, else the one this machine knows."""
    name = " ".join(by.split())
    if len(name) > 80 or not name.isprintable():
        end("--by takes a name of at most 80 letters", USAGE)
    if not name:
        with contextlib.suppress(OSError, KeyError):  # a process without an account
            name = getpass.getuser()
    return Actor(name, "cli") if name else acts.CLI


def moment(text: str, from_ms: int) -> int:
    """A moment in Vietnam's time, unless it says another; `+4h` counts from `from_ms`."""
    span = re.fullmatch(r"\+([0-9]{1,5})([mhd])", text)
    if span:
        return from_ms + int(span.group(1)) * _UNITS[span.group(2)]
    try:
        read = datetime.fromisoformat(text)
        aware = read if read.tzinfo else read.replace(tzinfo=LOCAL)
        return round(aware.timestamp() * 1000)
    except (ValueError, OverflowError):
        end(f"{text!r} is no moment; write 2026-11-22T17:00, or +4h, +90m, +2d", USAGE)


def when(at_ms: int) -> str:
    """A moment for people, in Vietnam's time."""
    return datetime.fromtimestamp(at_ms / 1000, LOCAL).strftime("%Y-%m-%d %H:%M")
