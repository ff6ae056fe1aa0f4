"""`motcua alerts outbox`, `retry`, `dismiss`, `test`: what was told to whom, what nobody got, whether a way works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Annotated, Final

import typer
from sqlalchemy import select

from alerts.api import Said
from alerts.channels import ChannelError
from alerts.channels.wording import trial
from alerts.console import EPILOG, FAILED, NOT_FOUND, USAGE, Json, end, listing, moment, say
from alerts.deliver import rows
from alerts.deliver.loop import TOPIC
from alerts.deliver.message import Message
from alerts.deliver.names import InventoryNames
from alerts.deliver.routing import address_of
from alerts.desk import Desk
from alerts.dispatch import Audience
from alerts.dispatch.calling import DEPUTY, OFFICER, audience_of
from alerts.dispatch.town import town_of
from alerts.settings import Outlet, Route, Settings, SettingsError, read_settings
from alerts.tables import outbox as t

Open = Callable[[], AbstractContextManager[Desk]]
"""The desk of this machine for one command; expected failures end the command with their sentence."""

_SHOWN: Final = ("key", "at", "kind", "audience", "channel", "state", "tries", "due", "error")


@dataclass(frozen=True, slots=True)
class Trial:
    """One way to be tried."""

    outlet: Outlet
    route: Route
    address: str


def add_to(app: typer.Typer, desk: Open) -> None:
    """Put the commands into a group."""

    @app.command("outbox", epilog=EPILOG)
    def outbox(
        *,
        dead: Annotated[bool, typer.Option("--dead", help="only what nobody will get")] = False,
        limit: Annotated[int, typer.Option(help="so many, the newest first", min=1, max=10_000)] = 50,
        as_json: Json = False,
    ) -> None:
        """Messages, the newest first: to whom, by which channel, and what came of them."""
        with desk() as here:
            _list(here, dead=dead, limit=limit, as_json=as_json)

    @app.command("retry", epilog=EPILOG)
    def retry(keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="keys of dead letters")]) -> None:
        """Try dead letters again."""
        with desk() as here:
            now_ms = here.clock.wall_ms()
            count = here.store.writer.do(lambda conn: rows.revive(conn, keys, now_ms))
            if not count:
                end("no dead letter has such a key: motcua alerts outbox --dead", NOT_FOUND)
            here.wake(TOPIC)
            say(f"{count} to be tried again, at most half a minute from now, where motcua serves the role alert")

    @app.command("dismiss", epilog=EPILOG)
    def dismiss(keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="keys of dead letters")]) -> None:
        """Take dead letters off the list: nobody needs them any more."""
        with desk() as here:
            count = here.store.writer.do(lambda conn: rows.dismiss(conn, keys, "the command line"))
            if not count:
                end("no dead letter has such a key: motcua alerts outbox --dead", NOT_FOUND)
            say(f"{count} taken off the list; they stay on record as dropped")

    @app.command("test", epilog=EPILOG)
    def test(
        whom: Annotated[str, typer.Argument(metavar="CHANNEL|TEAM", help="a channel of alerts.toml, a team, officer")],
        to: Annotated[str, typer.Option(help="an address instead of that of the settings")] = "",
    ) -> None:
        """Send one message, marked as a trial, now; say what the other side answered."""
        with desk() as here:
            if not _try(here, whom, to):
                raise typer.Exit(FAILED)


def _list(desk: Desk, *, dead: bool, limit: int, as_json: bool) -> None:
    columns = (
        t.c.key, t.c.created_ms, t.c.kind, t.c.audience, t.c.channel, t.c.state, t.c.tries, t.c.due_ms, t.c.error,
    )  # fmt: skip
    query = select(*columns).order_by(t.c.created_ms.desc(), t.c.key)
    with desk.store.reading() as conn:
        found = conn.execute((query.where(t.c.state == "dead") if dead else query).limit(limit)).all()
    if not found and not as_json:
        say("no dead letters" if dead else "nothing was ever to be told")
        return
    told = [(k, moment(at), *middle, moment(due), why) for k, at, *middle, due, why in map(tuple, found)]
    if as_json:
        listing(_SHOWN, told)
    for key, at, kind, audience, channel, state, tries, due, why in () if as_json else told:
        waits = f", due {due}" if state == "waiting" else ""
        say(f"{at}  {state:<8}  {kind} to {audience} by {channel or '–'}, tries: {tries}{waits}")
        say(f"    {key}")
        if why:
            say(f"    {why}")


def _try(desk: Desk, whom: str, to: str) -> bool:
    """Whether every way that was tried works."""
    settings = _settings(desk)
    names, post = InventoryNames(desk.reader), settings.post(desk.clock)
    well = True
    for one in _ways(desk, settings, whom):
        letter = trial(
            one.outlet.name, names=names, now_ms=desk.clock.wall_ms(), lang=one.route.lang, address=to or one.address
        )
        where = f"{one.outlet.name} ({one.outlet.kind}{f', {letter.address}' if letter.address else ''})"
        try:
            say(f"{where}: taken, the other side says {one.outlet.send(letter, post)}")
        except ChannelError as error:
            well = False
            say(f"{where}: {'refused' if error.permanent else 'not now'}: {error}")
        except ModuleNotFoundError as error:
            well = False
            say(f"{where}: needs {error.name}, which is not installed: pip install 'motcua[alerts]'")
    return well


def _settings(desk: Desk) -> Settings:
    try:
        return read_settings(desk.home)
    except SettingsError as error:
        end(str(error), USAGE)


def _ways(desk: Desk, settings: Settings, whom: str) -> Iterator[Trial]:
    outlet = settings.outlets.get(whom)
    if outlet is not None:
        yield Trial(outlet, Route((whom,)), "")
        return
    audience = _audience(desk, whom)
    route = None if audience is None else settings.route(audience.key)
    if audience is None or route is None:
        known = ", ".join([*settings.outlets, *(team.key for team in desk.reader.teams()), OFFICER, DEPUTY])
        why = "there is no such channel or team" if audience is None else f"no route leads to {audience.key}"
        end(f"{whom}: {why} in {settings.path.name}; known are {known}", NOT_FOUND)
    asked = _asked(audience)
    for name in route.outlets:
        found = settings.outlets[name]
        yield Trial(found, route, address_of(name, found.address, route, asked))


def _audience(desk: Desk, whom: str) -> Audience | None:
    if whom in {OFFICER, DEPUTY}:
        return Audience(whom)
    now_ms = desk.clock.wall_ms()
    team = next((team for team in desk.reader.teams() if team.key == whom.removeprefix("team:")), None)
    return None if team is None else audience_of(team, town_of(desk.reader, now_ms, {}), now_ms)


def _asked(audience: Audience) -> Message:
    return Message(
        incident="", number=0, kind="call", owner="unknown", state="unknown", title=Said(""), since_ms=0,
        person=audience.person, phone=audience.phone, email=audience.email,
    )  # fmt: skip
