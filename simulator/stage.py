"""What a simulation asks of the collector it plays on, beside the contract its agents speak. The roof gives it one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from wire.messages import Role

Span = tuple[int, int]
"""From and to, UTC milliseconds."""

Held = tuple[str, str | None, int, int]
"""A state, its reason, and from when to when it held."""


class Stage(Protocol):
    """One collector in this process. Every call blocks: not from an event loop."""

    @property
    def url(self) -> str:
        """Where agents find it."""
        ...

    def import_province(self, folder: Path) -> None:
        """Import a province; nothing happens where nothing differs."""
        ...

    def join_codes(self, wanted: Sequence[tuple[str, Role]]) -> list[str]:
        """A one-time join code for each centre and role, all made at once."""
        ...

    def recall(self, heard: Mapping[str, Sequence[Span]]) -> None:
        """Have it on record that agents were heard at these times, before this collector listened."""
        ...

    def pause(self, subject: str, from_ms: int, to_ms: int, reason: str) -> None:
        """Announce a planned stop of a centre or a line."""
        ...

    def board_link(self) -> str:
        """The board's address, with a login that works once."""
        ...

    def measured(self) -> int:
        """How many centres have a state that was measured."""
        ...

    def behind(self) -> int:
        """How many batches a reader of the inbox has not taken yet; the one that is farthest behind."""
        ...

    def subjects(self) -> list[str]:
        """Keys of everything that has a state."""
        ...

    def machines(self) -> dict[str, str]:
        """The machine (`device:…`) of every agent."""
        ...

    def held(self, subjects: Sequence[str], span: Span) -> dict[str, list[Held]]:
        """How subjects were judged over a span, oldest first."""
        ...

    def step(self, *, all_of_it: bool) -> None:
        """For a replay, where nothing runs by itself: judge what there is; `all_of_it` with what is never urgent."""
        ...


Progress = Callable[[str, int, int], None]
"""What is being done, how much of it is done, and how much there is."""
