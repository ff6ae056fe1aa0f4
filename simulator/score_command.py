"""`motcua alerts score`: composed causes played and judged by the real chain, held against the simulator's truth."""

import dataclasses
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from simulator import score_console
from simulator.command import PROVINCE
from simulator.console import show
from simulator.errors import FAILED, ScenarioError, SimulatorError
from simulator.figures import Figures, figures
from simulator.ground import Roof
from simulator.keeping import Keeping
from simulator.scenario import read_scenario
from simulator.scoring import Scored
from simulator.trials import Job, Over, Player, at_once, here, scratch, work

SEEDS: Final = 20
_WORK: Final = "--work"


@dataclasses.dataclass(frozen=True, slots=True)
class _Play:
    """Plays trials by so many workers; none begins once it is `over`."""

    player: Player
    workers: int
    province: Path
    over: Over

    def __call__(self, jobs: Sequence[Job]) -> Iterator[Scored]:
        workers = min(self.workers, len(jobs))
        if not workers:
            return
        with score_console.bar(len(jobs)) as told:
            if workers == 1:
                yield from here(self.player, jobs, told, self.over)
                return
            folder = str(self.province.absolute())
            command = [sys.executable, "-m", "motcua", "alerts", "score", _WORK, "--province", folder]
            yield from at_once(command, jobs, workers, told, self.over)


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
        kept: Annotated[
            Path | None, typer.Option(help="a file of what each seed gave: those in it are not played again")
        ] = None,
        minutes: Annotated[
            float, typer.Option(help="begin no trial later than this; the next call with --kept goes on", min=0)
        ] = 0.0,
        province: Annotated[
            Path, typer.Option(help="the folder that is played", show_default="the example, Bắc Ninh")
        ] = PROVINCE,
        working: Annotated[bool, typer.Option(_WORK, hidden=True)] = False,
    ) -> None:
        """Play composed causes, judge them, and hold what was told against the truth.

        Each seed is two scenes of one to three causes in a little province, through the real judge, correlation,
        incidents and outbox; nothing is sent. Ends with 1 where recall, right owner or messages miss their bars.
        """
        began_s = time.monotonic()
        try:
            with scratch() as folder:
                player = Player(province.absolute(), folder, roof)
                if working:
                    work(player)
                    return
                todo = _jobs(scenario or [], shown, first_seed, seeds)
                play = _Play(player, jobs or os.cpu_count() or 1, province, lambda: _late(began_s, minutes))
                keeping = _keeping(kept, province, bool(scenario))
                found = sorted(_trials(todo, keeping, play), key=lambda one: one.seed)
        except SimulatorError as error:
            sys.stderr.write(f"motcua: {error}\n")
            raise typer.Exit(error.code) from error
        result = figures(found, time.monotonic() - began_s)
        _tell(result, found if shown else [], as_json=as_json)
        if not (_all(found, todo) and result.holds):
            raise typer.Exit(FAILED)

    return score


def _jobs(scenarios: Sequence[Path], shown: Sequence[int] | None, first: int, seeds: int | None) -> list[Job]:
    """What is to be played. Raises ScenarioError: what cannot be read is said before anything is played."""
    files = [str(path) for path in scenarios]
    for name in files:
        read_scenario(name)
    wanted = shown or range(first, first + (seeds or (1 if files else SEEDS)))
    return [Job(seed, name) for name in files or [""] for seed in wanted]


def _tell(result: Figures, trials: Sequence[Scored], *, as_json: bool) -> None:
    """The figures, and the trials that were asked for, for a program or for a person."""
    if as_json:
        document = dataclasses.asdict(result) | ({"trials": trials} if trials else {})
        show(msgspec.json.encode(document).decode())
        return
    if trials:
        score_console.trials(trials)
    score_console.table(result)


def _keeping(kept: Path | None, province: Path, scenario: bool) -> Keeping | None:
    if kept is None:
        return None
    if scenario:
        raise ScenarioError("--kept keeps seeds of composed causes; leave it out where a --scenario is scored")
    return Keeping(kept, province)


def _trials(jobs: Sequence[Job], keeping: Keeping | None, play: _Play) -> Iterator[Scored]:
    """Those that are kept, then the others as they are over, kept from then on."""
    if keeping is None:
        yield from play(jobs)
        return
    old = {one.seed: one for one in keeping.found({job.seed for job in jobs})}
    yield from old.values()
    for one in play([job for job in jobs if job.seed not in old]):
        keeping.add(one)
        yield one


def _late(began_s: float, minutes: float) -> bool:
    return minutes > 0 and time.monotonic() - began_s > 60 * minutes


def _all(found: Sequence[Scored], jobs: Sequence[Job]) -> bool:
    left = len(jobs) - len(found)
    if left:
        sys.stderr.write(f"motcua: {left} trials are left; the same call goes on with them where --kept is given\n")
    return not left
