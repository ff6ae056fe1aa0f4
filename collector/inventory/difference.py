"""What an import would change, table by table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from collector.inventory.schema import Body

EXAMPLES: Final = 20


@dataclass(frozen=True, slots=True)
class Change:
    """One row: new where `before` is None, gone where `after` is."""

    key: str
    before: Body | None
    after: Body | None

    @property
    def columns(self) -> list[str]:
        """What differs."""
        before, after = self.before or {}, self.after or {}
        return sorted(name for name in {**before, **after} if before.get(name) != after.get(name))


@dataclass(slots=True)
class TableDifference:
    """One table: what is added, changed and removed, and how many rows stay as they are."""

    added: list[Change] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    removed: list[Change] = field(default_factory=list)
    unchanged: int = 0

    @property
    def changes(self) -> list[Change]:
        return [*self.added, *self.changed, *self.removed]

    def counts(self) -> dict[str, int]:
        return {
            "added": len(self.added), "changed": len(self.changed), "removed": len(self.removed),
            "unchanged": self.unchanged,
        }  # fmt: skip


Difference = Mapping[str, TableDifference]


def between(before: Mapping[str, Body], after: Mapping[str, Body]) -> TableDifference:
    """The difference of one table."""
    found = TableDifference()
    for key, body in after.items():
        old = before.get(key)
        if old is None:
            found.added.append(Change(key, None, body))
        elif old != body:
            found.changed.append(Change(key, old, body))
        else:
            found.unchanged += 1
    found.removed = [Change(key, body, None) for key, body in before.items() if key not in after]
    return found


def is_empty(difference: Difference) -> bool:
    """Whether nothing would change."""
    return not any(table.changes for table in difference.values())
