"""Incidents on the command line: listed, shown with their history, explained with why they were judged so."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Annotated, Final, NoReturn

import msgspec
import typer

import alerts
from alerts.api import AlertsError, Evidence, Happened, Incident, NotFound, Reader, Refused, Said, Verdict
from alerts.api.words import LANGS, Lang, Names, instant, say
from alerts.deliver.names import InventoryNames
from alerts.desk import Desk

FAILED, USAGE, NOT_FOUND = 1, 2, 3
EPILOG: Final = "Exit codes: 0 done · 1 failed · 2 wrong usage or settings · 3 not found · 4 unreachable or busy"
HOUR_MS: Final = 3_600_000

Opened = Callable[[], AbstractContextManager[Desk]]
Json = Annotated[bool, typer.Option("--json", help="one JSON document instead of text")]
Language = Annotated[str, typer.Option("--lang", help="vi or en")]
Which = Annotated[str, typer.Argument(metavar="INCIDENT", help="number or id")]


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody who reads: their language, and what things are called."""

    lang: Lang
    names: Names
    now_ms: int

    def say(self, said: Said | None) -> str:
        """A sentence."""
        return "" if said is None else say(said, self.lang, self.names, now_ms=self.now_ms)

    def at(self, at_ms: int | None) -> str:
        """A moment, or a dash."""
        return "–" if at_ms is None else instant(at_ms, self.lang, now_ms=self.now_ms)

    def name(self, key: str) -> str:
        """What something is called."""
        return self.names.name(key, self.lang)


def mount(app: typer.Typer, opened: Opened) -> None:
    """Add `list`, `show` and `explain`."""

    @app.command("list", epilog=EPILOG)
    def list_incidents(
        *,
        hours: Annotated[float, typer.Option(help="also those that were over within so many hours", min=0)] = 0.0,
        centre: Annotated[str, typer.Option(help="only those of a centre, such as 07375-1")] = "",
        lang: Language = "vi",
        as_json: Json = False,
    ) -> None:
        """Incidents that live, the most pressing first."""
        with _asking(opened, lang) as (reader, told):
            found = reader.open(centre or None)
            if hours:
                past = reader.incidents(told.now_ms - round(hours * HOUR_MS), told.now_ms)
                known = {one.id for one in found}
                own = {one.id for one in reader.of_centre(centre, 5_000)} if centre else None
                found += [one for one in past if one.id not in known and (own is None or one.id in own)]
            _json(found) if as_json else _table(found, told)

    @app.command("show", epilog=EPILOG)
    def show(incident: Which, *, lang: Language = "vi", as_json: Json = False) -> None:
        """One incident: its verdict, and everything that happened to it."""
        with _asking(opened, lang) as (reader, told):
            found, story = reader.incident(incident), reader.story(incident)
            if as_json:
                _json({"incident": found, "story": story, "told": reader.told(incident)})
            else:
                _write([*_head(found, told), "", *(_line(event, told) for event in story)])

    @app.command("explain", epilog=EPILOG)
    def explain(incident: Which, *, lang: Language = "vi", as_json: Json = False) -> None:
        """Why it was judged so: evidence, when it happened and when it arrived, rules that did and did not speak."""
        with _asking(opened, lang) as (reader, told):
            found, story = reader.incident(incident), reader.story(incident)
            if as_json:
                _json({"incident": found, "verdicts": [event for event in story if event.verdict is not None]})
            else:
                _write([*_head(found, told), *_why(found.verdict, told), *_revisions(story, told)])


@contextlib.contextmanager
def _asking(opened: Opened, lang: str) -> Iterator[tuple[Reader, Told]]:
    """A reader for one command; every expected failure ends with its sentence and its exit code."""
    spoken = next((known for known in LANGS if known == lang), None)
    if spoken is None:
        _end(f"there is no language {lang!r}: vi or en", USAGE)
    try:
        with opened() as desk:
            yield alerts.reader(desk), Told(spoken, InventoryNames(desk.reader), desk.clock.wall_ms())
    except NotFound as error:
        _end(str(error), NOT_FOUND)
    except Refused as error:
        _end(str(error), USAGE)
    except AlertsError as error:
        _end(str(error), FAILED)


# --- what is said ----------------------------------------------------------------------------------------------------


def _table(found: Sequence[Incident], told: Told) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("#", "stage", "owner", "since", "waiting", "", box=None)
    for one in found:
        waiting = "–" if one.waiting is None else f"{one.waiting:.0f}"
        stage, owner = (told.say(Said(f"name.{kind}")) for kind in (f"stage.{one.stage}", f"owner.{one.verdict.owner}"))
        cells = (str(one.number), stage, owner, told.at(one.verdict.since_ms), waiting, told.say(one.verdict.said))
        table.add_row(*(Text(cell) for cell in cells))
    Console().print(table)


def _head(one: Incident, told: Told) -> Iterator[str]:
    stage, owner, rule = (
        told.say(Said(f"name.{kind}"))
        for kind in (f"stage.{one.stage}", f"owner.{one.verdict.owner}", f"rule.{one.verdict.rule}")
    )
    yield f"#{one.number}  {told.say(one.verdict.said)}"
    yield f"    {stage} · {owner} · {rule} · {told.say(Said(f'name.confidence.{one.verdict.confidence}'))}"
    yield f"    {told.at(one.since_ms)} → {told.at(one.ended_ms)}  ({one.id})"


def _line(event: Happened, told: Told) -> str:
    who = f" [{event.by}]" if event.by else ""
    text = f" “{event.text}”" if event.text else ""
    return f"{told.at(event.at_ms):>12}{who}  {told.say(event.said) or event.what}{text}"


def _why(verdict: Verdict, told: Told) -> Iterator[str]:
    yield ""
    for piece in verdict.evidence:
        yield _evidence(piece, told)
    for tried in verdict.considered:
        mark = "✓" if tried.fired else "✗"
        yield f"  {mark} {told.say(Said(f'name.rule.{tried.rule}'))}: {told.say(tried.why)}"


def _evidence(piece: Evidence, told: Told) -> str:
    """What, when it happened, and when we learned of it."""
    proof = f"  ({piece.observation})" if piece.observation else ""
    return f"  • {told.at(piece.at_ms)} ⇢ {told.at(piece.arrived_ms)}  {told.say(piece.said)}{proof}"


def _revisions(story: Iterable[Happened], told: Told) -> Iterator[str]:
    """Each verdict that held beside the one that took its place."""
    before: Verdict | None = None
    for event in story:
        if event.what == "revised" and event.verdict is not None and before is not None:
            yield ""
            yield f"{told.at(event.at_ms)}  {told.say(event.said)}"
            yield f"  − {told.say(before.said)}"
            yield f"  + {told.say(event.verdict.said)}"
        before = event.verdict or before


def _write(lines: Iterable[str]) -> None:
    sys.stdout.write("\n".join(lines) + "\n")


def _json(document: object) -> None:
    sys.stdout.write(msgspec.json.encode(document).decode() + "\n")


def _end(text: str, code: int) -> NoReturn:
    sys.stderr.write(f"motcua: {text}\n")
    raise typer.Exit(code)
