"""What is wrong with an import: where, what, and what to do about it. All is counted, a bounded part kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from collector.api import CollectorError

KEPT: Final = 200
SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one cell, and the remedy."""

    what: str
    remedy: str


class CellError(ValueError):
    """Raised where a cell's text cannot be taken."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}: {remedy}")
        self.fault = Fault(what, remedy)


@dataclass(frozen=True, slots=True)
class Problem:
    """One flaw of the files. `line` counts from 1 as an editor or a spreadsheet does; 0 is the file as a whole."""

    file: str
    line: int
    column: str
    what: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}{f' · {self.column}' if self.column else ''}: {self.what}. {self.remedy}"


@dataclass(slots=True)
class Problems:
    """Everything that was found. The first `KEPT` are kept, all are counted."""

    kept: list[Problem] = field(default_factory=list)
    count: int = 0

    def add(self, file: str, line: int, column: str, fault: Fault) -> None:
        """Remember one."""
        self.count += 1
        if len(self.kept) < KEPT:
            self.kept.append(Problem(file, line, column, fault.what, fault.remedy))

    @property
    def room(self) -> bool:
        """Whether one more would be kept: what is costly to explain need not be explained beyond."""
        return len(self.kept) < KEPT


class ImportRefused(CollectorError):
    """The files cannot be imported and nothing was changed. `problems` says why, `count` how many there are."""

    def __init__(self, problems: Sequence[Problem], count: int) -> None:
        self.problems, self.count = tuple(problems), count
        super().__init__(f"{count} {'problem' if count == 1 else 'problems'}; nothing was imported")


def shown(text: str) -> str:
    """A cell's text for a sentence: quoted, and not too long."""
    return repr(text if len(text) <= SHOWN else text[: SHOWN - 1] + "…")
