"""`motcua simulate`, as people and programs call it."""

import os
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Final

import typer

from simulator.drive import DrivenClock
from simulator.errors import ScenarioError, SimulatorError
from simulator.order import DAY_MS, Order, check, settle_home
from simulator.play import Play
from simulator.scenario import known, read_scenario
from wire.clock import SystemClock

HOME: Final = "var-simulated"
PROVINCE: Final = Path(__file__).parent.parent / "province" / "bac-ninh"
_VIETNAM: Final = timezone(timedelta(hours=7))


def command(roof: Callable[[Play], None]) -> Callable[..., None]:
    """The command; `roof` sets up the collector that a play is played on, and runs it."""

    def simulate(
        *,
        scenario: Annotated[str, typer.Option(help=f"{', '.join(known())}, or a TOML file")] = "morning",
        seed: Annotated[int | None, typer.Option(help="the same seed, the same province", min=0, max=2**62)] = None,
        centres: Annotated[int | None, typer.Option(help="how many; default: all of the province")] = None,
        backfill: Annotated[float, typer.Option(metavar="DAYS", help="first a history of so many days")] = 0.0,
        rare: Annotated[
            float, typer.Option(metavar="DAYS", help="before that, of lines what is measured rarely, from so long ago")
        ] = 0.0,
        only: Annotated[bool, typer.Option("--only", help="nothing but the history, then end")] = False,
        replay: Annotated[bool, typer.Option("--replay", help="as fast as it goes, held against the truth")] = False,
        days: Annotated[float, typer.Option(help="how much a replay plays")] = 0.1,
        start: Annotated[str, typer.Option(help="when a replay begins, 2026-11-16T07:30 in Vietnam")] = "",
        province: Annotated[
            Path, typer.Option(help="the folder that is simulated", show_default="the example, Bắc Ninh")
        ] = PROVINCE,
        as_json: Annotated[bool, typer.Option("--json", help="the closing count as JSON")] = False,
    ) -> None:
        """A simulated province: agents by the hundred over real TLS, faults by scenario, and the truth beside them."""
        try:
            with tempfile.TemporaryDirectory(prefix="motcua-replay-") as scratch:
                home = Path(scratch) / "home" if replay else Path(os.environ.get("MOTCUA_HOME") or HOME).absolute()
                order = check(Order(
                    home, province, read_scenario(scenario), seed=seed, centres=centres, back_days=backfill,
                    rare_days=rare,
                    replay_days=days if replay else 0.0, only_back=only, start_ms=_moment(start),
                ))  # fmt: skip
                state, found = settle_home(order)
                clock = DrivenClock(_begins_ms(order)) if replay else None
                roof(Play(order, state, found, clock=clock, as_json=as_json))
        except SimulatorError as error:
            sys.stderr.write(f"motcua: {error}\n")
            raise typer.Exit(error.code) from error

    return simulate


def _begins_ms(order: Order) -> int:
    if order.start_ms is not None:
        return order.start_ms
    return SystemClock().wall_ms() // 60_000 * 60_000 - round(order.replay_days * DAY_MS)


def _moment(text: str) -> int | None:
    """A moment in Vietnam, UTC ms. Raises ScenarioError for what is none, or lies where a certificate is not good."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ScenarioError(f"--start: {text!r} is no moment; write 2026-11-16T07:30") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=_VIETNAM)
    now = datetime.now(UTC)
    if not now - timedelta(days=400) <= moment <= now:
        raise ScenarioError("--start: a replay begins within the last 400 days")
    return round(moment.timestamp() * 1000)
