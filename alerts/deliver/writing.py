"""From a row to what is sent: the letter with all that is known by now, or the notice of a centre."""

from __future__ import annotations

from typing import Final

from alerts.api import Incident
from alerts.api.words import say
from alerts.channels import ChannelError, Letter
from alerts.channels.ground import ground_of
from alerts.channels.wording import letter
from alerts.deliver import cases
from alerts.deliver.message import Message, unpack
from alerts.deliver.names import InventoryNames
from alerts.deliver.routing import address_of
from alerts.deliver.rows import Row
from alerts.desk import Desk
from alerts.settings import Outlet, Route, Settings
from collector.api import Actor, CollectorError, NotAllowed, NotFound
from wire.messages import Notice

SELF: Final = Actor("motcua", "system")


class Pen:
    """Writes and sends what lies in the outbox; one for a turn of the loop. Safe from any thread."""

    def __init__(self, desk: Desk, settings: Settings) -> None:
        self._desk, self._settings, self._post = desk, settings, settings.post(desk.clock)
        self._names = InventoryNames(desk.reader)

    def send(self, row: Row) -> str:
        """By the channel of a row. Raises ChannelError."""
        outlet = self._settings.outlets.get(row.channel)
        route = self._settings.route(row.audience)
        if outlet is None or route is None:
            text = f"there is no channel {row.channel} for {row.audience} in {self._settings.path.name} any more"
            raise ChannelError(text, permanent=True)
        try:
            return outlet.send(self.letter(row, outlet, route), self._post)
        except ModuleNotFoundError as error:
            text = f"needs {error.name}, which is not installed: pip install 'motcua[alerts]'"
            raise ChannelError(text, permanent=True) from error

    def letter(self, row: Row, outlet: Outlet, route: Route) -> Letter:
        """What a row says by now. Raises ImportError where a library of the channel is missing."""
        message = unpack(row.message)
        address = row.address or address_of(outlet.name, outlet.address, route, message)
        case, past = self._known(message)
        ground = ground_of(
            message, self._desk.reader, now_ms=self._desk.clock.wall_ms(), board_url=self._settings.board_url,
            incident=case, past=past,
        )  # fmt: skip
        return letter(
            message, key=row.key, audience=row.audience, ground=ground, names=self._names, lang=route.lang,
            address=address,
        )  # fmt: skip

    def _known(self, message: Message) -> tuple[Incident | None, list[Incident]]:
        with self._desk.store.reading() as conn:
            case = cases.read_cases(conn, [message.incident]).get(message.incident)
            return case, cases.past(conn, message.centres[0]) if len(message.centres) == 1 else []

    def put_up(self, row: Row) -> str:
        """Show a notice at a centre, or take it down where its incident is over or no longer concerns it."""
        message, centre = unpack(row.message), row.audience.partition(":")[2]
        with self._desk.store.reading() as conn:
            case = cases.read_cases(conn, [row.incident]).get(row.incident)
        holds = case is not None and case.closed_ms is None and case.ended_ms is None
        concerned = case is not None and centre in {*case.verdict.affected, *case.verdict.centres}
        try:
            if row.kind == "recovered" or not holds or not concerned:
                self._desk.commands.end_notice(SELF, centre, row.incident)
                return "ended"
            self._desk.commands.set_notice(SELF, centre, self._notice(row.incident, message))
        except (NotFound, NotAllowed) as error:
            raise ChannelError(str(error), permanent=True) from error
        except CollectorError as error:
            raise ChannelError(str(error)) from error
        return "shown"

    def _notice(self, key: str, message: Message) -> Notice:
        now_ms = self._desk.clock.wall_ms()
        vi, en = (say(message.title, lang, self._names, now_ms=now_ms) for lang in ("vi", "en"))
        return Notice(key, vi, en, message.since_ms, now_ms)
