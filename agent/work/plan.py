"""The plan: what this agent measures, kept on disk so that measuring goes on without a collector."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from agent.counts import Counts
from agent.files import read_struct, write_atomic
from agent.log import warn
from wire.messages import MAX_PLAN_BYTES, Plan, PlanItem

FILE: Final = "plan.json"
SCHEMA: Final = 1
MAX_ITEMS: Final = 2_000

_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_ITEM: Final = msgspec.json.Decoder(PlanItem)
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)


class PlanError(ValueError):
    """A plan that cannot be followed: its text is not what its hash says, or it is of another schema."""


@dataclass(frozen=True, slots=True)
class Held:
    """A verified plan. `refused` counts items this agent cannot read: from a newer collector, or broken."""

    sha256: str
    version: int
    items: tuple[PlanItem, ...]
    refused: int = 0


NO_PLAN: Final = Held("", 0, ())


def verify(plan: Plan) -> Held:
    """The items of `plan`, each read alone: one that cannot be read spoils only itself. Raises PlanError."""
    raw = bytes(plan.items)
    if plan.schema != SCHEMA:
        raise PlanError(f"schema {plan.schema} of the plan is not read here, only {SCHEMA}")
    if len(raw) > MAX_PLAN_BYTES:
        raise PlanError(f"the plan is larger than {MAX_PLAN_BYTES} bytes")
    if hashlib.sha256(raw).hexdigest() != plan.sha256:
        raise PlanError("the plan's items are not what its sha256 says")
    try:
        lines = _ITEMS.decode(raw)
    except _UNREADABLE as error:
        raise PlanError(f"the plan's items are no list: {error}") from error
    items = [item for line in lines[:MAX_ITEMS] if (item := _item(line)) is not None]
    unique = {item.id: item for item in items}
    return Held(plan.sha256, plan.version, tuple(unique.values()), len(lines) - len(unique))


def _item(line: msgspec.Raw) -> PlanItem | None:
    try:
        return _ITEM.decode(line)
    except _UNREADABLE:
        return None


class PlanFile:
    """The plan in force, and its copy in `home`."""

    def __init__(self, home: Path, counts: Counts) -> None:
        self._path, self._counts = home / FILE, counts
        self.now = self._load()

    def keep(self, plan: Plan) -> Held:
        """Verify `plan`, put it in force, and keep it for the next start. Raises PlanError."""
        self.now = verify(plan)
        self._counts.add("plan_items_refused", self.now.refused)
        try:
            write_atomic(self._path, msgspec.json.encode(plan))
        except OSError as error:
            warn("plan_not_kept", error=str(error))  # in force all the same; the next start asks for it again
        return self.now

    def _load(self) -> Held:
        plan = read_struct(self._path, Plan)
        if plan is None:
            return NO_PLAN
        try:
            return verify(plan)
        except PlanError as error:
            warn("plan_unreadable", path=str(self._path), error=str(error))
            return NO_PLAN
