"""What a person asked for: the options of `motcua simulate` as one thing, checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simulator.chance import Dice
from simulator.copying import MOST, write_copy
from simulator.errors import HomeError, ScenarioError
from simulator.home import PROVINCE, State, keep_state, read_state
from simulator.province import Province, read_province
from simulator.scenario import LONGEST_S, Scenario, resolve

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
AHEAD_MS: Final = 4 * HOUR_MS
"""How far ahead a live run spreads composed causes."""


@dataclass(frozen=True, slots=True)
class Order:
    """`source`: the folder a new home's province is copied from. `seed` and `centres` None: those of the home.

    `rare_days`: how far back a history reaches with what is measured rarely alone; `back_days`: with everything.
    """

    home: Path
    source: Path
    scenario: Scenario
    seed: int | None = None
    centres: int | None = None
    back_days: float = 0.0
    rare_days: float = 0.0
    replay_days: float = 0.0
    only_back: bool = False
    start_ms: int | None = None


def check(order: Order) -> Order:
    """Raises ScenarioError for what cannot be played together."""
    if order.replay_days and order.back_days:
        raise ScenarioError("--replay and --backfill exclude each other: a replay has no present to fill up to")
    if order.rare_days and not order.back_days <= order.rare_days:
        raise ScenarioError("--rare reaches farther back than --backfill, or it is left out")
    if order.replay_days and order.rare_days:
        raise ScenarioError("--replay and --rare exclude each other: a replay has no present to fill up to")
    if order.only_back and not (order.back_days or order.rare_days):
        raise ScenarioError("--only goes with --backfill or --rare DAYS: without it there is nothing to send")
    if order.start_ms is not None and not order.replay_days:
        raise ScenarioError("--start goes with --replay: everything else ends now")
    for days in (order.back_days, order.rare_days, order.replay_days):
        if not 0 <= days * 86_400 <= LONGEST_S:
            raise ScenarioError(f"{days:g} days cannot be simulated; at most {LONGEST_S // 86_400}")
    if order.centres is not None and not 1 <= order.centres <= MOST:
        raise ScenarioError(f"--centres: from 1 to {MOST}")
    return order


def settle_home(order: Order) -> tuple[State, Province]:
    """The state and the province of the home, made where it is new. Raises HomeError, ScenarioError."""
    state, folder = read_state(order.home), order.home / PROVINCE
    if state is None or not (state.turns or state.agents):
        seed = 1 if order.seed is None else order.seed
        keep_state(order.home, State(seed, order.centres or 1))  # the mark first: nothing in here is measured
        state = State(seed, write_copy(order.source, folder, order.centres))
        keep_state(order.home, state)
    for name, asked, held in (("seed", order.seed, state.seed), ("centres", order.centres, state.centres)):
        if asked not in {None, held}:
            remedy = f"leave --{name} out, or set MOTCUA_HOME to another folder"
            raise HomeError(f"{order.home} was made with --{name} {held}; {remedy}")
    province = read_province(folder)
    resolve(order.scenario, province, Dice(state.seed), zero_ms=0, span=(0, 1))  # what it cannot play is said at once
    return state, province
