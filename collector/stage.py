"""What a collector does for a simulation that plays on it in the same process; the roof hands this over.

Nothing here is a way round the contract: agents enrol, report and are heard over TLS as everywhere. This is the rest: a
province to enrol in, codes by the hundred, a past in which they were heard, and how it was judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from collector import commands as acts
from collector import floor
from collector.api import Actor, Pause
from collector.hub import Hub
from collector.inventory import importing
from collector.inventory.difference import is_empty
from collector.lifecycle import doing
from collector.loops import Loop
from collector.register import presence
from collector.store.tables import agent, cursor, inbox, ts_cursor
from wire.messages import Role

SIMULATOR: Final = Actor("simulate", "system")
READERS: Final = ("judge", "history")
STEPS: Final = 200
"""A replay calls a loop so often in a row at most, as long as there is more to do."""

Held = tuple[str, str | None, int, int]


class Stage:
    """Every call blocks: not from an event loop."""

    def __init__(self, hub: Hub, loops: Sequence[Loop] = ()) -> None:
        """`loops`: all that repeats in this collector, to be stepped by a replay."""
        self._hub, self._reader = hub, floor.reader(hub)
        self._loops = list(loops) if hub.driven else []

    @property
    def url(self) -> str:
        """Where agents on this machine find the collector."""
        return self._hub.settings.agents_url

    def import_province(self, folder: Path) -> None:
        """Import a province, unless nothing differs. Raises ImportRefused."""
        run = importing.prepare(self._hub, folder, _quiet)
        if not is_empty(run.difference):
            importing.carry_out(self._hub, SIMULATOR, run, _quiet)

    def join_codes(self, wanted: Sequence[tuple[str, Role]]) -> list[str]:
        """A one-time join code for each centre and role, all made in one transaction."""
        return acts.create_join_codes(self._hub, wanted, actor=SIMULATOR)

    def recall(self, heard: Mapping[str, Sequence[tuple[int, int]]]) -> None:
        """Have it on record that agents were heard at these times (UTC ms)."""
        self._hub.store.writer.do(lambda conn: presence.recall(conn, heard))

    def pause(self, subject: str, from_ms: int, to_ms: int, reason: str) -> None:
        """Announce a planned stop. Raises NotFound, NotAllowed."""
        doing.change(self._hub, SIMULATOR, Pause(subject, to_ms, reason, from_ms))

    def board_link(self) -> str:
        """The board's address, with a login that works once."""
        return f"http://{self._hub.settings.board}/login/{floor.login_link(self._hub, name='simulate')}"

    def measured(self) -> int:
        """How many centres have a state that was measured, the province's own rooms aside."""
        held = self._reader.overview().standings
        return sum(one.reason != "never_measured" for key, one in held.items() if not key.startswith("00000-"))

    def behind(self) -> int:
        """How many batches the reader of the inbox that is farthest behind has not taken yet."""
        with self._hub.store.reading() as conn:
            newest: int = conn.scalar(select(func.max(inbox.c.seq))) or 0
            seqs = {row.name: row.seq for row in conn.execute(select(cursor.c.name, cursor.c.seq))}
        with self._hub.store.reading_ts() as conn:
            seqs |= {row.name: row.seq for row in conn.execute(select(ts_cursor.c.name, ts_cursor.c.seq))}
        return newest - min(int(seqs.get(name, 0)) for name in READERS)

    def subjects(self) -> list[str]:
        """Keys of everything that has a state."""
        return [info.key for info in self._reader.subjects()]

    def machines(self) -> dict[str, str]:
        """The machine of every agent."""
        with self._hub.store.reading() as conn:
            return {row.id: row.device for row in conn.execute(select(agent.c.id, agent.c.device))}

    def held(self, subjects: Sequence[str], span: tuple[int, int]) -> dict[str, list[Held]]:
        """How subjects were judged over a span (UTC ms), oldest first: state, reason, from, to."""
        found = self._reader.intervals(list(subjects), *span)
        return {key: [(i.state, i.reason, i.from_ms, i.to_ms) for i in held] for key, held in found.items()}

    def step(self, *, all_of_it: bool) -> None:
        """One turn of every loop of a driven collector, until it has no more to do; `all_of_it` with the slow ones."""
        for loop in self._loops:
            if all_of_it or loop.name not in {"upkeep", "rollups", "tasks"}:
                for _ in range(STEPS):
                    if loop.step() > 0:
                        break


def _quiet(_stage: str, _done: int, _total: int) -> None:
    """An import of a simulation shows no bar of its own."""
