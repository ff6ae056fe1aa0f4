"""`motcua collector policy …`: the thresholds in force, their versions, and a candidate compared, tried, set."""

from __future__ import annotations

import contextlib
import getpass
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Final

import typer

from collector import commands as acts
from collector.api import Actor, NotFound, PolicyVersion, Threshold
from collector.console import EPILOG, FAILED, USAGE, Json, end, listing, opened, say
from collector.hub import Hub
from collector.judging import policy_report as report
from collector.judging.policy import Policy, PolicyError, parse_policy, read_policy_file
from collector.judging.preview import Preview, preview
from collector.judging.thresholds import changes, said, thresholds, written
from collector.judging.versions import read_version, read_versions
from wire.strict import MAX_SETTINGS_BYTES

LOCAL: Final = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
MAX_LISTED: Final = 500
MAX_NAME: Final = 80
UNCHANGED: Final = "no threshold differs from the policy in force"

File = Annotated[Path, typer.Argument(help="a policy as TOML; `policy show --toml` prints one to begin from")]


def commands() -> typer.Typer:
    """The commands, to be mounted under `motcua collector`."""
    app = typer.Typer(
        help="Thresholds: what is in force, what was, what would be.", no_args_is_help=True, epilog=EPILOG
    )
    for name, command in (("show", show), ("list", versions), ("diff", diff), ("try", try_out), ("set", put)):
        app.command(name, epilog=EPILOG)(command)
    return app


def show(
    *,
    version: Annotated[int | None, typer.Option(help="of this number, instead of the one in force", min=1)] = None,
    toml: Annotated[bool, typer.Option("--toml", help="as the file it was read from")] = False,
    as_json: Json = False,
) -> None:
    """The policy in force, in words with units."""
    with opened() as hub:
        held = _version(hub, version)
    if toml:
        sys.stdout.write(held.body if held.body.endswith("\n") else held.body + "\n")
        return
    if as_json:
        say(True, report.version_document(held), "")
        return
    say(False, {}, f"policy version {held.number}, from {when(held.from_ms)}, {_who(held)}")
    listing(False, ("threshold", "value", "says"), [(t.key, written(t), said(t.key)) for t in held.thresholds])


def versions(*, as_json: Json = False) -> None:
    """Every version: from when on, who set it, how much it changed."""
    with opened() as hub, hub.store.reading() as conn:
        held = read_versions(conn, MAX_LISTED)
    if as_json:
        say(True, {"versions": [report.version_document(one) for one in held]}, "")
        return
    before: list[tuple[Threshold, ...]] = [*(one.thresholds for one in held[1:]), ()]
    rows = [
        (one.number, when(one.from_ms), _who(one), len(changes(old, one.thresholds)) if old else "–")
        for one, old in zip(held, before, strict=True)
    ]
    listing(False, ("version", "in force from", "set by", "changed thresholds"), rows)


def diff(file: File, *, as_json: Json = False) -> None:
    """What a file would change of the policy in force: thresholds, old and new."""
    _, wanted = _read(file)
    with opened() as hub:
        held = _version(hub)
    _tell_changes(held, wanted, as_json=as_json)


def try_out(
    file: File,
    *,
    since: Annotated[str, typer.Option("--from", help="2026-11-20 or 2026-11-20T08:00, Vietnam's time")] = "",
    until: Annotated[str, typer.Option("--to", help="the same; now where it is not given")] = "",
    centre: Annotated[str, typer.Option(help="only this centre, such as 07375-1: for a quick look")] = "",
    as_json: Json = False,
) -> None:
    """Judge again what is still kept of the measurements, by a file, and say what would have been different."""
    _, wanted = _read(file)
    from_ms = _moment(since) if since else 0
    with opened() as hub:
        now_ms = hub.clock.wall_ms()
        to_ms = _moment(until) if until else now_ms
        if from_ms >= min(to_ms, now_ms):
            end("--from must be before --to, and in the past", USAGE)
        made = _with_progress(hub, wanted, _Asked(from_ms, to_ms, now_ms, centre))
    if as_json:
        say(True, report.preview_document(made), "")
        return
    _tell_preview(made)


def put(
    file: Annotated[Path | None, typer.Argument(help="a policy as TOML")] = None,
    *,
    version: Annotated[int | None, typer.Option(help="go back to this version instead", min=1)] = None,
    by: Annotated[str, typer.Option(help="who sets it, as the board will show it; else who is logged in here")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    as_json: Json = False,
) -> None:
    """Put a policy in force from now on, a file's or an old version's. What was judged before stays as it is."""
    if (file is None) == (version is None):
        end("give either a file or --version", USAGE)
    if as_json and not yes:
        end("--json asks nothing: give --yes too", USAGE)
    with opened() as hub:
        if file is not None:
            raw, wanted = _read(file)
            name = file.name
        else:
            old = _version(hub, version)
            raw, name = old.body.encode(), f"version {version}"
            wanted = parse_policy(raw, name)
        if not yes:
            _ask(hub, wanted)
        made = acts.set_policy(hub, _actor(by), raw, name)
    back = f"motcua collector policy set --version {made.before}"
    if made.number == made.before:
        say(as_json, {"version": made.number, "changed": False}, f"{UNCHANGED}, version {made.number}; nothing was set")
        return
    document: dict[str, object] = {
        "version": made.number, "changed": True, "before": made.before, "from_ms": made.from_ms, "back": back,
    }  # fmt: skip
    text = f"policy version {made.number} is in force from {when(made.from_ms)}; a running judge takes it up within 5 s"
    say(as_json, document, f"{text}\nto go back: {back}")


# --- asking ---------------------------------------------------------------------------------------------------------


def _version(hub: Hub, number: int | None = None) -> PolicyVersion:
    """A version by its number, without one the newest. Raises NotFound."""
    with hub.store.reading() as conn:
        if number is not None:
            return read_version(conn, number)
        held = read_versions(conn, 1)
    if not held:
        raise NotFound("no policy is kept yet: the judge keeps one when it starts, or set one")
    return held[0]


def _actor(by: str) -> Actor:
    """Who sets a policy: the name that was given, else the one this machine knows."""
    name = " ".join(by.split())
    if len(name) > MAX_NAME or not name.isprintable():
        end(f"--by takes a name of at most {MAX_NAME} letters", USAGE)
    if not name:
        with contextlib.suppress(OSError, KeyError):  # a process without an account
            name = getpass.getuser()
    return Actor(name, "cli") if name else acts.CLI


def _read(file: Path) -> tuple[bytes, Policy]:
    """A file's bytes and the policy in them; what is wrong of it ends the command."""
    try:
        if file.exists() and file.stat().st_size > MAX_SETTINGS_BYTES:
            end(f"{file}: larger than {MAX_SETTINGS_BYTES} bytes; this is not a policy", USAGE)
        raw, name = read_policy_file(file)
        return raw, parse_policy(raw, name)
    except PolicyError as error:
        end(str(error), USAGE)


def _moment(text: str) -> int:
    """A moment in Vietnam's time, unless it says another."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        end(f"{text!r} is no moment; write 2026-11-20 or 2026-11-20T08:00", USAGE)
    aware = read if read.tzinfo else read.replace(tzinfo=LOCAL)
    return max(0, round(aware.timestamp() * 1000))


def when(at_ms: int) -> str:
    """A moment for people, in Vietnam's time."""
    return datetime.fromtimestamp(at_ms / 1000, LOCAL).strftime("%Y-%m-%d %H:%M:%S")


def _who(version: PolicyVersion) -> str:
    return f"set by {version.set_by}" if version.set_by else "read from the policy file"


def _ask(hub: Hub, wanted: Policy) -> None:
    try:
        held = _version(hub)
    except NotFound:
        say(False, {}, "no policy is kept yet")
    else:
        _tell_changes(held, wanted, as_json=False)
    try:
        agreed = typer.confirm("put this policy in force from now on?", err=True)
    except typer.Abort:  # nobody there to answer
        agreed = False
    if not agreed:
        end("nothing was set; --yes sets it without asking", FAILED)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be tried: from when to when, now, and the one centre or none."""

    from_ms: int
    to_ms: int
    now_ms: int
    only: str


def _with_progress(hub: Hub, wanted: Policy, asked: _Asked) -> Preview:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("judging again", total=None)

        def told(done: int, total: int, centre: str) -> None:
            bar.update(task, completed=done, total=total, description=f"judging {centre} again")

        return preview(
            hub.store, wanted, from_ms=asked.from_ms, to_ms=asked.to_ms, now_ms=asked.now_ms, only=asked.only,
            progress=told,
        )  # fmt: skip


# --- telling --------------------------------------------------------------------------------------------------------


def _tell_changes(held: PolicyVersion, wanted: Policy, *, as_json: bool) -> None:
    found = changes(held.thresholds, thresholds(wanted))
    if as_json:
        say(True, {"version": held.number, "changes": [report.change_document(change) for change in found]}, "")
    elif not found:
        say(False, {}, f"{UNCHANGED}, version {held.number}")
    else:
        say(False, {}, f"against policy version {held.number}, in force from {when(held.from_ms)}:")
        rows = [(c.key, written(c.old), "→", written(c.new), said(c.key)) for c in found]
        listing(False, ("threshold", "old", "", "new", "says"), rows)


def _tell_preview(made: Preview) -> None:
    say(False, {}, "\n".join(report.preview_sentences(made, when)))
    if made.listed:
        rows = [report.difference_row(d, when) for d in made.listed[: report.SHOWN]]
        listing(False, ("subject", "what", "at", "was at", "to"), rows)
    if made.times:
        listing(False, ("subject", "state", "by the policies in force", "by this file"), report.time_rows(made.times))
    say(False, {}, "nothing was written")
