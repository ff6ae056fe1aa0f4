"""`motcua alerts score`: composed causes played and judged by the real chain, held against the simulator's truth."""

import dataclasses
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from simulator import score_console
from simulator.command import PROVINCE
from simulator.console import show
from simulator.errors import FAILED, SimulatorError
from simulator.figures import figures
from simulator.ground import Roof
from simulator.scenario import read_scenario
from simulator.scoring import Scored
from simulator.trials import Job, Player, at_once, here, scratch, work

SEEDS: Final = 20
_WORK: Final = "--work"


def command(roof: Roof) -> Callable[..., None]:
    """The command; `roof` sets up the collector with its alerts that a trial is played on."""

    def score(
        *,
        seeds: Annotated[int | None, typer.Option(help="how many; default 20, of a scenario 1", min=1)] = None,
        first_seed: Annotated[int, typer.Option("--first-seed", help="and those after it", min=0)] = 1,
        scenario: Annotated[
            list[Path] | None, typer.Option(help="score the causes of this file instead; may be given again")
        ] = None,
        shown: Annotated[
            list[int] | None, typer.Option("--show", metavar="SEED", help="play this one and print all of it")
        ] = None,
        jobs: Annotated[int, typer.Option(help="at once; default: one for each processor", min=0)] = 0,
        as_json: Annotated[bool, typer.Option("--json", help="one object")] = False,
        province: Annotated[
            Path, typer.Option(help="the folder that is played", show_default="the example, Bắc Ninh")
        ] = PROVINCE,
        working: Annotated[bool, typer.Option(_WORK, hidden=True)] = False,
    ) -> None:
        """Play composed causes, judge them, and hold what was told against the truth.

        Each seed is two scenes of one to three causes in a little province, through the real judge, correlation,
        incidents and outbox; nothing is sent. Ends with 1 where recall, right owner or messages miss their bars.
        """
        try:
            with scratch() as folder:
                player = Player(province.absolute(), folder, roof)
                if working:
                    work(player)
                    return
                files = [str(path) for path in scenario or ()]
                for name in files:
                    read_scenario(name)  # what cannot be read is said before anything is played
                wanted = shown or range(first_seed, first_seed + (seeds or (1 if files else SEEDS)))
                todo = [Job(seed, name) for name in files or [""] for seed in wanted]
                began_s = time.monotonic()
                found = _play(player, todo, jobs or os.cpu_count() or 1, province)
        except SimulatorError as error:
            sys.stderr.write(f"motcua: {error}\n")
            raise typer.Exit(error.code) from error
        result = figures(found, time.monotonic() - began_s)
        if as_json:
            document = dataclasses.asdict(result) | ({"trials": found} if shown else {})
            show(msgspec.json.encode(document).decode())
        else:
            if shown:
                score_console.trials(found)
            score_console.table(result)
        if not result.holds:
            raise typer.Exit(FAILED)

    return score


def _play(player: Player, jobs: Sequence[Job], workers: int, province: Path) -> list[Scored]:
    workers = min(workers, len(jobs))
    with score_console.bar(len(jobs)) as told:
        if workers == 1:
            return list(here(player, jobs, told))
        command = [sys.executable, "-m", "motcua", "alerts", "score", _WORK, "--province", str(province.absolute())]
        return sorted(at_once(command, jobs, workers, told), key=lambda one: one.seed)
