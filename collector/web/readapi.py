"""The read API: what `api.Reader` knows, over HTTP, for programs.

Who may read: a person's session (cookie `motcua_session`, or as bearer token) reads everything; an agent's token reads
its own centre and nothing else, because it lies on a machine in an office.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final

from litestar import Request, Router, get
from litestar.di import NamedDependency, Provide
from litestar.handlers.http_handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter
from sqlalchemy import select

from collector.api import (
    AgentInfo,
    Centre,
    DayFigure,
    Flip,
    Interval,
    NotFound,
    Reader,
    Series,
    Standing,
    StoredObservation,
    SubjectInfo,
    SuiteHealth,
)
from collector.hub import Hub
from collector.register.known import Register, token_hash
from collector.store.tables import subject as subject_table
from collector.web.problems import Refusal
from collector.web.speaking import bearer

COOKIE: Final = "motcua_session"
DAY_MS: Final = 86_400_000
MAX_SPAN_MS: Final = 400 * DAY_MS

Ask = Request[Any, Any, Any]
Limit = Annotated[int, QueryParameter(ge=1, le=1_000)]
Day = Annotated[str, QueryParameter(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Millis = Annotated[int, QueryParameter(ge=0, le=2**53)]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: `centre` None reads everything."""

    centre: str | None

    def admit(self, centre: str | None) -> None:
        """Raise Refusal 403 for what lies outside the caller's centre."""
        if self.centre is not None and centre != self.centre:
            raise Refusal(403, "foreign_centre", "an agent's token reads its own centre only", "use a session")


Asking = NamedDependency[Caller]


def read_routes(hub: Hub, reader: Reader, register: Register) -> Router:
    """The routes over one reader."""
    handlers = [*_centre_routes(reader), *_subject_routes(hub, reader), *_suite_routes(reader)]
    caller = Provide(_caller_by(reader, register), sync_to_thread=True)
    return Router("/api/v1", route_handlers=handlers, dependencies={"caller": caller})


def _caller_by(reader: Reader, register: Register) -> Callable[[Ask], Caller]:
    def caller_of(request: Ask) -> Caller:
        token = bearer(request.headers.get("authorization", "").encode("latin-1")).decode("latin-1")
        session = token or request.cookies.get(COOKIE, "")
        if session and reader.actor(session) is not None:
            return Caller(None)
        known = register.look_up(token_hash(token)) if token else None
        if known is None:
            remedy = "motcua collector login-link NAME"
            raise Refusal(401, "token", "reading needs a session, or an agent's token", remedy)
        return Caller(known.centre)

    return caller_of


def _centre_routes(reader: Reader) -> list[HTTPRouteHandler]:
    @get("/centres", sync_to_thread=True)
    def centres(caller: Asking) -> list[Centre]:
        """Every centre that may be read."""
        return [centre for centre in reader.centres() if caller.centre in {None, centre.key}]

    @get("/centres/{key:str}/subjects", sync_to_thread=True)
    def subjects(caller: Asking, key: FromPath[str]) -> list[SubjectInfo]:
        """Whatever has a state at a centre."""
        caller.admit(key)
        return reader.subjects(key)

    @get("/centres/{key:str}/standings", sync_to_thread=True)
    def standings(caller: Asking, key: FromPath[str]) -> list[Standing]:
        """What is true now of the subjects of a centre."""
        caller.admit(key)
        return list(reader.standings(key).values())

    @get("/centres/{key:str}/latest", sync_to_thread=True)
    def latest(caller: Asking, key: FromPath[str]) -> list[StoredObservation]:
        """The newest observation of every measurement of a centre."""
        caller.admit(key)
        return reader.latest(key)

    return [centres, subjects, standings, latest]


def _subject_routes(hub: Hub, reader: Reader) -> list[HTTPRouteHandler]:
    def centre_of(subject: str) -> str:
        with hub.store.reading() as conn:
            found = conn.scalar(select(subject_table.c.centre).where(subject_table.c.key == subject))
        if found is None:
            raise NotFound(f"there is no subject {subject[:200]}")
        return str(found)

    @get("/intervals", sync_to_thread=True)
    def intervals(caller: Asking, subject: FromQuery[str], from_ms: Millis, to_ms: Millis) -> list[Interval]:
        """The states of a subject over a span, in order."""
        caller.admit(centre_of(subject))
        return reader.intervals([subject], from_ms, _end(from_ms, to_ms)).get(subject, [])

    @get("/observations", sync_to_thread=True)
    def observations(
        caller: Asking, subject: FromQuery[str], before_ms: Millis, limit: Limit = 50
    ) -> list[StoredObservation]:
        """Observations of a subject older than `before_ms`, newest first."""
        caller.admit(centre_of(subject))
        return reader.observations(subject, before_ms, limit)

    @get("/observations/{key:path}", sync_to_thread=True)
    def observation(caller: Asking, key: FromPath[str]) -> StoredObservation:
        """One observation by its id, `<agent>/<epoch>/<batch>/<i>`."""
        found = reader.observation(key.lstrip("/"))
        caller.admit(centre_of(found.observation.subject))
        return found

    @get("/history", sync_to_thread=True)
    def history(
        caller: Asking,
        *,
        subject: FromQuery[str],
        metric: FromQuery[list[str]],
        from_ms: Millis,
        to_ms: Millis,
        points: Limit = 288,
    ) -> list[Series]:
        """Numbers of a subject over a span: lowest, mean, highest, count and coverage, at the resolution said."""
        caller.admit(centre_of(subject))
        return reader.history(subject, metric[:50], from_ms, _end(from_ms, to_ms), points)

    @get("/daily", sync_to_thread=True)
    def daily(
        caller: Asking, subject: FromQuery[str], metric: FromQuery[str], from_day: Day, to_day: Day
    ) -> list[DayFigure]:
        """Figures of local days with their quantiles; both days are included, 400 at most."""
        caller.admit(centre_of(subject))
        return reader.daily(subject, metric, *_days(from_day, to_day))

    return [intervals, observations, observation, history, daily]


def _suite_routes(reader: Reader) -> list[HTTPRouteHandler]:
    @get("/flips", sync_to_thread=True)
    def flips(caller: Asking, after: Millis = 0, limit: Limit = 500) -> list[Flip]:
        """Changes of state behind a cursor, in the order they were recorded."""
        caller.admit(None)
        return reader.flips(after, limit)

    @get("/agents", sync_to_thread=True)
    def agents(caller: Asking) -> list[AgentInfo]:
        """Every agent and how it is."""
        return [agent for agent in reader.agents() if caller.centre in {None, agent.centre}]

    @get("/health", sync_to_thread=True)
    def health(caller: Asking) -> SuiteHealth:
        """How motcua itself is."""
        caller.admit(None)
        return reader.health()

    return [flips, agents, health]


def _days(from_day: str, to_day: str) -> tuple[str, str]:
    try:
        length = date.fromisoformat(to_day) - date.fromisoformat(from_day)
    except ValueError as error:
        raise Refusal(422, "day", "a day is written like 2026-11-21", str(error)) from error
    if not 0 <= length.days <= 400:
        raise Refusal(422, "span", "to_day is not before from_day, and at most 400 days after it")
    return from_day, to_day


def _end(from_ms: int, to_ms: int) -> int:
    if not from_ms < to_ms <= from_ms + MAX_SPAN_MS:
        raise Refusal(422, "span", "to_ms lies after from_ms, by at most 400 days")
    return to_ms
