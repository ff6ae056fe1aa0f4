"""What the LAN page asks of the agent, and what its button does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from agent.identity import Identity
from agent.lan.evidence import Evidence, drawn
from agent.lan.page import View
from agent.lan.seen import Seen
from agent.talk.contact import Contact
from wire import onsite
from wire.clock import Clock
from wire.messages import Observation, PlanItem

CUT_MS: Final = 60_000
"""So long unheard, two long polls, the collector is out of reach."""

WAY_SCALE: Final = 6
"""Pixels a module: read from an arm's length, and a phone of 320 pixels shows it whole."""

ASKED_NOW: Final = frozenset({"service", "dns"})
"""What the button has measured; trains go all the time anyway."""


class LanDesk:
    """`board`: its address as phones reach it, empty where there is none. `due` runs an item now, `items` is what is
    planned, `sink` takes an observation."""

    def __init__(
        self, who: Identity, home: Path, board: str, *, clock: Clock, contact: Contact,
        due: Callable[[PlanItem], None], items: Callable[[], Iterable[PlanItem]], sink: Callable[[Observation], None],
    ) -> None:  # fmt: skip
        self._who, self._clock, self._contact = who, clock, contact
        self._due, self._items, self._sink = due, items, sink
        self.seen: Final = Seen(contact.server_now_ms)
        self._token_sha256 = onsite.token_hash(who.token)
        self._evidence = Evidence(home, who.agent, f"{board}/e#", contact.server_now_ms) if board else None
        self._board, self._way = board, ("", "")

    def look(self) -> View:
        """The page of this moment. Where the collector is out of reach, with evidence to be carried to it."""
        now_ms, quiet_ms = self._contact.server_now_ms(), self._contact.quiet_ms()
        cut, sights = quiet_ms is None or quiet_ms > CUT_MS, self.seen.now()
        carry, why = "", ""
        if cut and sights and self._evidence is not None:
            carry, why = self._evidence.code(sights, self._contact.heard_ms())
        code = onsite.here_code(self._token_sha256, now_ms)
        return View(
            self._who.centre, now_ms, self._contact.heard_ms(), cut, self._contact.notices, sights, code, carry, why,
            way=self._way_to(code),
        )  # fmt: skip

    def _way_to(self, code: str) -> str:
        """A QR code that opens the board with the code filled in, drawn once for each; empty where there is none."""
        if self._board and self._way[0] != code:
            try:
                self._way = code, drawn(onsite.here_url(self._board, self._who.centre, code), WAY_SCALE)
            except ImportError:  # the code can be typed
                self._way = code, ""
        return self._way[1]

    def slow(self, text: str) -> bool:
        """Note that a clerk finds it slow, and measure; whether the collector is in reach to hear it now."""
        self._sink(Observation(
            i=0, probe=onsite.COMPLAINT, subject=f"centre:{self._who.centre}", target=onsite.CLERK,
            at_ms=self._clock.wall_ms(), mono_ms=self._clock.mono_ms(), took_ms=0, outcome="ok",
            detail={"text": text} if text else {},
        ))  # fmt: skip
        for item in [item for item in self._items() if item.probe in ASKED_NOW]:
            self._due(item)
        quiet_ms = self._contact.quiet_ms()
        return quiet_ms is not None and quiet_ms <= CUT_MS

    def take(self, observation: Observation) -> None:
        """Something was measured."""
        self.seen.take(observation)

    def apply(self, items: Iterable[PlanItem]) -> None:
        """The plan changed: what it no longer holds is not shown."""
        self.seen.forget({(item.subject, item.probe, item.target) for item in items})
