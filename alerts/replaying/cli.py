"""`motcua alerts replay`: a span of the record judged for its causes once more, against what was said."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Annotated, Final, NoReturn

import msgspec
import typer

import alerts
from alerts.api import Incident
from alerts.api.words import LANGS, Lang, instant, say
from alerts.correlate import correlate
from alerts.correlate.limits import Limits, limits
from alerts.deliver.names import InventoryNames
from alerts.desk import Desk
from alerts.replaying.comparing import Difference, compare
from alerts.replaying.past import Past
from alerts.replaying.playing import Progress, Replayed, Replayer

USAGE: Final = 2
EPILOG: Final = "Exit codes: 0 done · 1 failed · 2 wrong usage or settings · 4 unreachable or busy"
LONGEST_MS: Final = 400 * 86_400_000
MOST: Final = 5_000
_VIETNAM: Final = timezone(timedelta(hours=7))

Opened = Callable[[], AbstractContextManager[Desk]]
Rules = Callable[[Path], Mapping[str, float]]
"""Thresholds of a policy file by key (`alerts.grace_s`). Raises an error whose text names file, key and remedy."""


def mount(app: typer.Typer, opened: Opened, rules: Rules) -> None:
    """Add `replay`."""

    @app.command("replay", epilog=EPILOG)
    def replay(
        from_: Annotated[str, typer.Argument(metavar="FROM", help="2026-11-01 or 2026-11-01T07:30, in Vietnam")],
        to: Annotated[str, typer.Argument(metavar="TO", help="likewise; a day is meant to its end")],
        *,
        rules_file: Annotated[
            Path | None, typer.Option("--rules", metavar="FILE", help="a policy whose section [alerts] is tried")
        ] = None,
        lang: Annotated[str, typer.Option("--lang", help="vi or en")] = "vi",
        as_json: Annotated[bool, typer.Option("--json", help="one JSON document instead of text")] = False,
    ) -> None:
        """What would have been said: incidents and messages of a span, and what differs from what was said.

        Reads the flips as they were recorded then, revisions in their time. Writes and sends nothing.
        """
        if lang not in LANGS:
            _refuse(f"--lang: {lang} is not known; write vi or en")
        span = _moment(from_), _moment(to, end=True)
        if not 0 < span[1] - span[0] <= LONGEST_MS:
            _refuse("TO must lie behind FROM, by at most 400 days")
        try:
            tried = rules(rules_file) if rules_file is not None else None
        except Exception as error:
            _refuse(str(error))
        with opened() as desk:
            found, difference, spent_s = _replay(desk, tried, span)
            if as_json:
                told = {"incidents": found.incidents, "messages": found.messages, "looks": found.looks}
                document = told | {"difference": dataclasses.asdict(difference), "spent_s": round(spent_s, 1)}
                sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
            else:
                _text(desk, found, difference, "vi" if lang == "vi" else "en", spent_s)


def _replay(desk: Desk, tried: Mapping[str, float] | None, span: tuple[int, int]) -> tuple[Replayed, Difference, float]:
    began_s = time.monotonic()
    thresholds = _in_force(desk)
    if not thresholds:
        _refuse("nothing was judged here yet, so nothing was told: there is no policy on record")
    held = limits(thresholds | dict(tried or {}))
    to_ms = min(span[1], desk.clock.wall_ms())
    with _bar() as told:
        past = Past(desk.reader, span[0] - back_ms(held), to_ms)
        found = Replayer(desk.reader, past, held, partial(correlate, why=False)).run(span[0], to_ms, told)
    reader = alerts.reader(desk)
    was = reader.incidents(span[0], to_ms, MOST)
    said = [one for incident in was for one in reader.told(incident.id, limit=MOST)]
    said = [one for one in said if span[0] <= one.created_ms < to_ms]
    return found, compare(was, said, found.incidents, found.messages), time.monotonic() - began_s


def back_ms(held: Limits) -> int:
    """How far before a span looks must begin: what is open at its beginning is to be known."""
    return round(1000 * (held.reopen_s + 2 * held.flap_window_s))


def _in_force(desk: Desk) -> dict[str, float]:
    found = desk.reader.policies(1)
    return {one.key: one.value for one in found[0].thresholds} if found else {}


def _moment(text: str, *, end: bool = False) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        _refuse(f"{text!r} is no moment; write 2026-11-01 or 2026-11-01T07:30")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=_VIETNAM)
    if end and len(text) == len("2026-11-01"):
        moment += timedelta(days=1)
    return round(moment.astimezone(UTC).timestamp() * 1000)


def _refuse(text: str) -> NoReturn:
    sys.stderr.write(f"motcua: {text}\n")
    raise typer.Exit(USAGE)


# --- shown ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _bar() -> Iterator[Progress]:
    """A progress bar on a terminal, nothing elsewhere: a replay takes seconds."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("  {task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("replay")
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _text(desk: Desk, found: Replayed, difference: Difference, lang: Lang, spent_s: float) -> None:
    names, now_ms = InventoryNames(desk.reader), desk.clock.wall_ms()

    def line(one: Incident) -> str:
        since = instant(one.since_ms, lang, now_ms=now_ms)
        said = say(one.verdict.said, lang, names, now_ms=now_ms)
        return f"  {since:<18}{one.verdict.owner:<9}{said}"

    lines = [f"{len(found.incidents)} incidents, {difference.same} as they were", *map(line, found.incidents)]
    for title, some in (("would be new", difference.added), ("would be gone", difference.gone)):
        if some:
            lines += ["", f"{title}: {len(some)}", *map(line, some)]
    if difference.changed:
        lines += ["", f"would be another: {len(difference.changed)}"]
        for was, now in difference.changed:
            lines += [line(was), f"    → {now.verdict.owner}: {say(now.verdict.said, lang, names, now_ms=now_ms)}"]
    lines += ["", f"{'calls to':<28}{'were':>6}{'would be':>10}"]
    lines += [f"{one.audience:<28}{one.was:>6}{one.now:>10}" for one in difference.audiences]
    lines += ["", f"{found.looks} looks in {spent_s:.1f} s"]
    sys.stdout.write("\n".join(lines) + "\n")
