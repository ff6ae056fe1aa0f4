"""The two protocols of the door: incidents are asked for, and acted on; every act leaves an event in their history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from alerts.api.facts import Happened, Incident, Quality, Stage, Told
from collector.api import Actor, CarriedIn


class Reader(Protocol):
    """Questions. Plain synchronous calls: from an event loop go through a thread."""

    def revision(self) -> str:
        """A short text that changes whenever an incident may have: for ETags."""
        ...

    def open(self, centre: str | None = None) -> list[Incident]:
        """Incidents that live, by people waiting and age, the most pressing first; those that touch a centre."""
        ...

    def incident(self, key: str) -> Incident:
        """By id or number. Raises NotFound."""
        ...

    def incidents(self, from_ms: int, to_ms: int, limit: int = 500) -> list[Incident]:
        """Those whose trouble overlaps the span, newest first; closed ones too."""
        ...

    def story(self, incident: str) -> list[Happened]:
        """Everything that happened to an incident, oldest first. Raises NotFound."""
        ...

    def of_centre(self, centre: str, limit: int = 3) -> list[Incident]:
        """The last incidents of a centre, newest first."""
        ...

    def told(self, incident: str | None = None, *, dead: bool = False, limit: int = 200) -> list[Told]:
        """Messages, newest first: of an incident, or only those that nobody will get."""
        ...

    def revised(self, from_ms: int, to_ms: int) -> list[Happened]:
        """What late data changed over a span: revisions, newest first, each with the verdict that holds since."""
        ...

    def quality(self, from_ms: int, to_ms: int) -> Quality: ...


class Commands(Protocol):
    """Acts. Each is an event of the incident's history; each may raise NotFound or Refused."""

    def move(self, actor: Actor, incident: str, to: Stage, *, text: str = "", proof: str = "") -> Incident:
        """Acknowledge, on the way, on site, repaired, closed. `proof`: an observation of a test, where it needs one."""
        ...

    def comment(self, actor: Actor, incident: str, text: str) -> Happened: ...
    def label(self, actor: Actor, incident: str, *, wrong: bool, text: str = "") -> Incident:
        """Say that the verdict was wrong, or right."""
        ...

    def mute(self, actor: Actor, incident: str, until_ms: int | None) -> Incident:
        """Send nothing about it until then; None: again at once."""
        ...

    def link(self, actor: Actor, incident: str, *, team: str, lasts_s: float = 86_400.0) -> str:
        """A signed token for one incident and a technician without an account."""
        ...

    def guest(self, token: str) -> tuple[Actor, str]:
        """Who a link's token speaks for, and its incident. Raises Refused for a forged or expired one."""
        ...

    def slow_now(self, actor: Actor, centre: str, text: str) -> Incident | None:
        """A clerk says that it is slow: joins the centre's incident, where there is one, and is kept where not."""
        ...

    def carry(self, blob: str) -> tuple[CarriedIn, Incident | None]:
        """Take evidence that a phone brings from a cut-off centre: kept, and put beside the centre's incident, where
        there is one. Brought again it changes nothing. Raises Refused where it is not from one of our boxes, or old."""
        ...

    def retry(self, actor: Actor, keys: Sequence[str]) -> int:
        """Try dead letters again; how many."""
        ...

    def dismiss(self, actor: Actor, keys: Sequence[str]) -> int:
        """Nobody needs these dead letters any more; how many, with those that a digest among them told."""
        ...
