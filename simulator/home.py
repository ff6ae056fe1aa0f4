"""The home of a simulated province: a mark that nothing in it was measured, its seed, and its agents' tokens."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from simulator.agent import Who
from simulator.errors import HomeError
from wire.messages import Role

MARK: Final = "simulated.json"
"""`collector.settings` looks for a file of this name: the board says on every page what it means."""

PROVINCE: Final = "province"
TRUTH: Final = "truth.ndjson"


class Kept(Struct, frozen=True):
    """An agent of this home."""

    agent: str
    centre: str
    role: Role
    token: str


class State(Struct, frozen=True):
    """What a later run goes on from. `turns`: how often the home was played; `ca`: what its agents trust, PEM."""

    seed: Annotated[int, Meta(ge=0, le=2**62)]
    centres: Annotated[int, Meta(ge=1)]
    turns: int = 0
    ca: str = ""
    agents: list[Kept] = []

    def people(self) -> list[Who]:
        """The agents."""
        return [Who(kept.agent, kept.centre, kept.role, kept.token) for kept in self.agents]


def read_state(home: Path) -> State | None:
    """What is known of a simulated home; None for a folder that is not there or empty.

    Raises HomeError for a home with data that is not simulated, and for a mark that cannot be read.
    """
    mark = home / MARK
    if mark.exists():
        try:
            return msgspec.json.decode(mark.read_bytes(), type=State)
        except (OSError, msgspec.MsgspecError, UnicodeError) as error:
            raise HomeError(f"{mark} cannot be read ({error}); remove {home}, nothing in it was measured") from error
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise HomeError(f"{home} holds data that is not simulated; set MOTCUA_HOME to another folder, or leave it out")
    return None


def keep_state(home: Path, state: State) -> None:
    """Mark the home and keep the state, whole or not at all; tokens are for this user alone. Raises HomeError."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = home / f".{MARK}"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(state))
        draft.replace(home / MARK)
    except OSError as error:
        raise HomeError(f"{home}: {error.strerror}; set MOTCUA_HOME to a folder that can be written") from error
