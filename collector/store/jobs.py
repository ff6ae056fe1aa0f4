"""What waits for the writer: jobs with where their results are awaited, and kinds of jobs that are done together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
A_contra = TypeVar("A_contra", contravariant=True)


class Together(Protocol[A_contra, T_co]):
    """A kind of job of which many in one COMMIT cost less than each by itself. All is called in the writer's thread."""

    def ready(self, one: A_contra, /) -> None:
        """Before the transaction, without the database; where it raises, that one goes no further."""
        ...

    def do(self, conn: Connection, those: Sequence[A_contra], /) -> Sequence[T_co]:
        """All of them, in order; where it raises, everything is taken back and each is done by itself."""
        ...

    def undone(self) -> None:
        """What was done last did not stay."""
        ...


@dataclass(slots=True)
class Entry(Generic[T]):
    """A job and where its result is awaited: an asyncio future has its loop, any other has none.

    `kind` with `one` is a job that may be done together with others; `job` then does it alone.
    """

    job: Callable[[Connection], T]
    future: Future[T] | asyncio.Future[T]
    loop: asyncio.AbstractEventLoop | None = None
    kind: Together[Any, T] | None = None
    one: object = None
    result: T | None = None
    error: BaseException | None = None

    def make_ready(self) -> bool:
        """Do what comes before the transaction; whether it can be run."""
        try:
            if self.kind is not None:
                self.kind.ready(self.one)
        except Exception as error:  # carried to the one who asked
            self.error = error
        return self.error is None


Entries = list[Entry[Any]]


def runs(entries: Entries) -> Iterator[Entries]:
    """Neighbours that can be done together, and every other entry by itself."""
    for kind, some in groupby(entries, key=lambda entry: id(entry.kind) if entry.kind is not None else None):
        if kind is None:
            yield from ([entry] for entry in some)
        else:
            yield list(some)


def do(conn: Connection, run: Entries) -> None:
    """Do a run of entries. Raises what the first that fails raised."""
    first = run[0]
    if first.kind is None:
        first.result = first.job(conn)
        return
    for entry, result in zip(run, first.kind.do(conn, [entry.one for entry in run]), strict=True):
        entry.result = result


def undone(entries: Entries) -> None:
    """Tell the kinds among them that nothing of it stayed."""
    for kind in {id(entry.kind): entry.kind for entry in entries if entry.kind is not None}.values():
        kind.undone()


def settle(entries: Entries) -> None:
    """Hand out the results; a loop is woken once a group, not once a job."""
    by_loop: dict[asyncio.AbstractEventLoop, Entries] = {}
    for entry in entries:
        if entry.loop is None:
            _resolve(entry)
        else:
            by_loop.setdefault(entry.loop, []).append(entry)
    for loop, waiting in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop ended meanwhile, and with it everyone who waited there
            loop.call_soon_threadsafe(_resolve_all, waiting)


def _resolve_all(entries: Entries) -> None:
    for entry in entries:
        _resolve(entry)


def _resolve(entry: Entry[Any]) -> None:
    if entry.future.done():  # given up by the one who asked
        return
    if entry.error is not None:
        entry.future.set_exception(entry.error)
    else:
        entry.future.set_result(entry.result)
