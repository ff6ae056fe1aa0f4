"""One page asks each question once, and is told the same in all of its parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

R = TypeVar("R")


class _Once:
    def __init__(self, reader: object) -> None:
        self._reader = reader
        self._told: dict[tuple[object, ...], object] = {}

    def __getattr__(self, name: str) -> Callable[..., object]:
        ask: Callable[..., object] = getattr(self._reader, name)

        def asked(*words: object, **named: object) -> object:
            key = (name, *words, *named.items())
            try:
                if key not in self._told:
                    self._told[key] = ask(*words, **named)
            except TypeError:  # a question with a list in it
                return ask(*words, **named)
            return self._told[key]

        return asked


def once(reader: R) -> R:
    """The same reader for the making of one page: what was asked before is told again. Not for several threads."""
    return cast("R", _Once(reader))
