"""Many trials: in this process one after the other, or in several at once, each taking the next seed when it is free.

A worker is the same command told to work: it reads jobs from its standard input and answers in lines of JSON, so that
nothing is shared and a trial that fails says so by itself.
"""

from __future__ import annotations

import contextlib
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from simulator.chance import Dice
from simulator.composing import GAP_MS, LEAD_MS, Scenes
from simulator.errors import Broken, ScenarioError
from simulator.ground import Roof
from simulator.province import Province
from simulator.scenario import read_scenario, resolve, stops
from simulator.scoring import Scored
from simulator.trial import HOUR_MS, Progress, Template, Trial, begins_ms, scenes_of

SPREAD_MS: Final = 4 * HOUR_MS
"""Over how much time a scenario's own generator spreads its causes where it does not say."""

_MEMORY: Final = Path("/dev/shm")  # noqa: S108  # a folder of our own in it, gone afterwards


class Job(Struct, frozen=True):
    """One trial: the scenes of a seed, or of a scenario with the chance of a seed."""

    seed: int
    scenario: str = ""


class Said(Struct, frozen=True):
    """A line of a worker: how far its trial is, what came of it, or why it failed."""

    part: float = 0.0
    scored: Scored | None = None
    error: str = ""


_SAID: Final = msgspec.json.Decoder(Said)
_JOB: Final = msgspec.json.Decoder(Job)
_ENCODER: Final = msgspec.json.Encoder()
Told = Callable[[int, float], None]
"""Which worker is how far with its trial, 0 to 1; 1 once for each that is over."""

Over = Callable[[], bool]
"""Whether no more trials are to begin."""


class Player:
    """Plays trials in this process; templates are made when they are first needed and kept until the end."""

    def __init__(self, source: Path, folder: Path, roof: Roof) -> None:
        self._source, self._folder, self._roof = source, folder, roof
        self._templates: dict[bool, Template] = {}

    def play(self, job: Job, told: Progress) -> Scored:
        """One trial. Raises SimulatorError."""
        template = self._template(whole=False)
        if not job.scenario:
            scenes, from_ms = scenes_of(job.seed, template.province), begins_ms(job.seed)
        else:
            template, scenes, from_ms = self._given(job)
        return Trial(template, job.seed, scenes, from_ms).run(self._roof, told)

    def _given(self, job: Job) -> tuple[Template, Scenes, int]:
        """A scenario in the little province, or in the whole where it names what the little one does not have."""
        little = self._template(whole=False)
        try:
            return little, *given(job, little.province)
        except ScenarioError:
            whole = self._template(whole=True)
            return whole, *given(job, whole.province)

    def _template(self, *, whole: bool) -> Template:
        if whole not in self._templates:
            folder = self._folder / ("whole" if whole else "little")
            self._templates[whole] = Template(self._source, folder, self._roof, whole=whole)
        return self._templates[whole]


def given(job: Job, province: Province) -> tuple[Scenes, int]:
    """The causes of a scenario as a trial plays them, and when it begins. Raises ScenarioError."""
    scenario, zero_ms = read_scenario(job.scenario), begins_ms(job.seed)
    span = zero_ms, zero_ms + SPREAD_MS
    causes = resolve(scenario, province, Dice(job.seed), zero_ms=zero_ms, span=span)
    if not causes:
        raise ScenarioError(f"{job.scenario}: no cause to be scored; write [[cause]] or [generate]")
    first, last = min(cause.from_ms for cause in causes), max(cause.to_ms for cause in causes)
    planned = tuple(stops(scenario, province, zero_ms))
    return Scenes(tuple(causes), planned, last + GAP_MS), first - LEAD_MS


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder in memory where there is room for one; nothing in it is to outlive the run."""
    base = _MEMORY if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > 2**30 else None
    with tempfile.TemporaryDirectory(prefix="motcua-score-", dir=base, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def work(player: Player) -> None:
    """Be a worker: jobs come by standard input, a line each."""
    for line in sys.stdin.buffer:
        job = _JOB.decode(line)

        def told(part: float) -> None:
            _say(Said(min(part, 0.999)))

        try:
            _say(Said(1.0, player.play(job, told)))
        except Exception as error:  # told to the one who asked, who gives up
            _say(Said(1.0, error=f"{job.scenario or 'seed'} {job.seed}: {type(error).__name__}: {error}"))
            raise


def _say(said: Said) -> None:
    sys.stdout.buffer.write(_ENCODER.encode(said) + b"\n")
    sys.stdout.buffer.flush()


def here(player: Player, jobs: Sequence[Job], told: Told, over: Over) -> Iterator[Scored]:
    """Trials one after the other in this process, until it is `over`."""
    for job in jobs:
        if over():
            return
        yield player.play(job, lambda part: told(0, min(part, 0.999)))
        told(0, 1.0)


def at_once(command: Sequence[str], jobs: Sequence[Job], workers: int, told: Told, over: Over) -> Iterator[Scored]:
    """Trials by several workers, as they come; none begins once it is `over`. Raises Broken where one fails."""
    waiting, answers = queue.SimpleQueue[Job | None](), queue.SimpleQueue[Scored | str | None]()
    for job in [*jobs, *[None] * workers]:
        waiting.put(job)

    def following() -> Job | None:
        return None if over() else waiting.get()

    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(min(workers, len(jobs)))
    ]
    threads = [
        threading.Thread(target=_serve, args=(n, one, following, answers, told), daemon=True)
        for n, one in enumerate(processes)
    ]
    for thread in threads:
        thread.start()
    working = len(threads)
    try:
        while working:
            answer = answers.get()
            if isinstance(answer, str):
                raise Broken(answer)
            if answer is None:
                working -= 1
            else:
                yield answer
    finally:
        for process in processes:
            process.kill()
        for thread in threads:
            thread.join()


def _serve(
    number: int, process: subprocess.Popen[bytes], following: Callable[[], Job | None],
    answers: queue.SimpleQueue[Scored | str | None], told: Told,
) -> None:  # fmt: skip
    with process as worker:
        assert worker.stdin is not None and worker.stdout is not None  # noqa: S101, PT018  # both were asked for
        while (job := following()) is not None:
            try:
                worker.stdin.write(_ENCODER.encode(job) + b"\n")
                worker.stdin.flush()
                answers.put(_until_over(number, worker.stdout, told))
            except (OSError, msgspec.MsgspecError) as error:
                answers.put(f"{job.scenario or 'seed'} {job.seed}: its worker ended: {error}")
                return
    answers.put(None)


def _until_over(number: int, lines: Iterator[bytes], told: Told) -> Scored | str:
    for line in lines:
        said = _SAID.decode(line)
        told(number, said.part)
        if said.scored is not None or said.error:
            return said.scored or said.error
    raise OSError("it said nothing more; its own words are above")
