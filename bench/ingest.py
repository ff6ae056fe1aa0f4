"""The door under load: latency at the planned rate, and what one core takes at most, beside two references.

Everything over TLS on kept connections; the server alone on core 0, the generator on core 1. The references of the same
run: the collector's own process with its door replaced by a bare echo (same writer, same COMMIT), and Prometheus'
remote-write receiver. A sample is one value. With PostgreSQL the database server shares core 0.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Final

from bench import postgres, remotewrite
from bench.frame import Report, main, say, spread
from bench.home import Home, furnish, nobody, senders
from bench.load import Request
from bench.mix import Sender, plan_minute
from bench.place import scratch
from bench.process import BenchError, free_port, listening, must_live, program, wait_until
from bench.rounds import CLIENT_CORE, CONNECTIONS, SERVER_CORE, Target

AGENTS: Final = 2000  # so many that at the planned rate none is fresh in the collector's memory, as in life
RATE: Final = 300.0
SMALL: Final = 4  # observations of an urgent batch
BIG: Final = 1000  # samples in a request of the size that suits Prometheus best


def run(report: Report) -> None:
    os.sched_setaffinity(0, {CLIENT_CORE})
    with scratch("ingest") as folder:
        with _collector(Home(folder / "sqlite")) as ours:
            _at_the_planned_rate(report, "SQLite", ours)
            _at_the_planned_rate(report, "SQLite", _planned(ours))
            with _echo(Home(folder / "echo")) as echo, _prometheus(folder, ours) as rivals:
                _at_saturation(report, "SQLite", ours, echo, rivals)
        _on_postgresql(report, folder)


def _on_postgresql(report: Report, folder: Path) -> None:
    try:
        with postgres.cluster(folder / "pg", core=SERVER_CORE) as made:
            ours = Home(folder / "pg-home", database=made.database("motcua"))
            bare = Home(folder / "pg-echo-home", database=made.database("echo"))
            with _collector(ours, made.pid) as target:
                _at_the_planned_rate(report, "PostgreSQL", target)
                _at_the_planned_rate(report, "PostgreSQL", _planned(target))
                with _echo(bare, made.pid) as echo:
                    _at_saturation(report, "PostgreSQL", target, echo, [])
    except BenchError as error:
        report.judge("ingest on PostgreSQL", "as on SQLite", str(error), holds=None, how="")


# --- the two questions ----------------------------------------------------------------------------------------------


def _at_the_planned_rate(report: Report, store: str, ours: Target) -> None:
    """(a) Open loop: latency counts from when a batch fell due."""
    _introduce(ours)
    ours.offer(RATE, 2.0)  # warm
    ours.forget()
    for _ in range(report.runs):
        ours.offer(RATE, 3.0 if report.quick else 4.0)
    p99, core = spread(ours.p99_ms), spread(ours.cores)
    report.keep(ours.facts(f"open_{store.lower()}_{ours.name}_"))
    report.judge(
        f"ingest, {RATE:.0f} batches/s of {ours.samples} values, open loop, {store}: p99", "≤ 60 ms",
        p99.text(" ms") + _but(ours), holds=p99.median <= 60 and not ours.flaws, how=_how(ours),
    )  # fmt: skip
    report.judge(
        f"ingest, {RATE:.0f} batches/s of {ours.samples} values, open loop, {store}: processor", "≤ 40 % of a core",
        spread([100 * c for c in ours.cores]).text(" %"), holds=core.median <= 0.4 and not ours.flaws, how=_how(ours),
    )  # fmt: skip


def _introduce(target: Target) -> None:
    """Let every agent have sent once: the first batch of a spool costs more, and comes once in its life."""
    taken = 0.0
    while taken < 1.2 * AGENTS:
        target.saturate(1.0)
        taken += target.rates[-1]


def _at_saturation(report: Report, store: str, ours: Target, echo: Target, rivals: Sequence[Target]) -> None:
    """(b) and (c): everybody in turn, round after round, so that the machine's mood is shared."""
    pairs = [(ours, echo), (_smaller(ours), _smaller(echo))]
    everybody = [*(target for pair in pairs for target in pair), *rivals]
    for target in everybody:
        target.forget()
        _introduce(target)
        target.forget()
    for _ in range(report.runs):
        for target in everybody:
            target.saturate(2.0 if report.quick else 3.0)
    for target in everybody:
        report.keep(target.facts(f"full_{store.lower()}_{target.name}_"))
    for a, b in pairs:
        _against_echo(report, store, a, b)
    if rivals:
        _against_prometheus(report, store, ours, rivals)


def _against_echo(report: Report, store: str, ours: Target, echo: Target) -> None:
    ratios = spread([a / b for a, b in zip(ours.rates, echo.rates, strict=True)])
    report.judge(
        f"ingest, saturation against a bare echo with the same COMMIT, {ours.samples} values, {store}", "≥ 0.8",
        f"{ratios.text(digits=2)}: {ours.requests.text('/s', 0)} against {echo.requests.text('/s', 0)}"
        + _but(ours, echo), holds=ratios.median >= 0.8 and not ours.flaws | echo.flaws,
        how=f"{_how(ours)}; processor a batch {ours.cost_us:.0f} and {echo.cost_us:.0f} µs",
    )  # fmt: skip


def _against_prometheus(report: Report, store: str, ours: Target, rivals: Sequence[Target]) -> None:
    """In both shapes of request: as wide as suits its users best, and the very minutes that our agents send."""
    for rival, shape in zip(rivals, (f"{BIG} series × 1", "the same minutes"), strict=True):
        rates = zip(ours.rates, rival.rates, strict=True)
        ratio = spread([a * ours.samples / (b * rival.samples) for a, b in rates])
        report.judge(
            f"ingest, samples/s against Prometheus' receiver ({shape}), {store}", "≥ 1.0",
            f"{ratio.text(digits=2)}: {ours.samples_per_s:,.0f} against {rival.samples_per_s:,.0f} samples/s"
            + _but(ours, rival), holds=ratio.median >= 1.0 and not ours.flaws | rival.flaws,
            how=f"TLS both, one core each; Prometheus without fsync, {rival.samples} samples a request",
        )  # fmt: skip


def _how(ours: Target) -> str:
    others = spread(ours.others).median
    return (
        f"TLS, keep-alive, server on one core, batches of {ours.samples} values of {AGENTS} agents;"
        f" others took {others:.0%} of that core"
    )


def _but(*targets: Target) -> str:
    flaws = [f"{t.name}: {'; '.join(sorted(t.flaws))}" for t in targets if t.flaws]
    return f" ({', '.join(flaws)})" if flaws else ""


# --- servers --------------------------------------------------------------------------------------------------------


@contextmanager
def _collector(home: Home, *helpers: int) -> Iterator[Target]:
    with _serving("motcua", home, home.serve(), helpers) as target:
        yield target


@contextmanager
def _echo(home: Home, *helpers: int) -> Iterator[Target]:
    with _serving("echo", home, home.variant("--echo"), helpers) as target:
        yield target


@contextmanager
def _serving(name: str, home: Home, command: Sequence[str], helpers: Sequence[int]) -> Iterator[Target]:
    """A collector on its core; what it is asked can be made smaller by `_smaller`."""
    known = furnish(home, AGENTS)
    with home.running(command, core=SERVER_CORE) as pid:
        players = senders(known)
        yield Target(name, home.port, home.tls(), _turns(players), [pid, *helpers], players[0].values, known)


def _planned(target: Target) -> Target:
    """The same server, asked with what a box sends in a minute of the plan it is given."""
    return _asked(target, "plan", senders(target.known, make=plan_minute))


def _smaller(target: Target) -> Target:
    """The same server, asked with what an agent sends when something is urgent: a few observations."""
    return _asked(target, "small", senders(target.known, observations=SMALL))


def _asked(target: Target, name: str, players: list[Sender]) -> Target:
    name, samples = f"{target.name}_{name}", players[0].values
    return Target(name, target.port, target.tls, _turns(players), target.pids, samples, target.known)


@contextmanager
def _prometheus(folder: Path, ours: Target) -> Iterator[list[Target]]:
    """Debian's Prometheus with its remote-write receiver, under the collector's own certificate; [] where it is not."""
    if shutil.which("prometheus") is None:
        say("prometheus is not installed: apt install prometheus")
        yield []
        return
    home, port, log = folder / "prometheus", free_port(), folder / "prometheus.log"
    home.mkdir()
    certificates = folder / "sqlite"
    (home / "prometheus.yml").write_text("global: {scrape_interval: 1h}\n")
    (home / "web.yml").write_text(
        f"tls_server_config:\n  cert_file: {certificates}/server.pem\n  key_file: {certificates}/server.key\n"
    )
    command = [
        "prometheus", f"--config.file={home}/prometheus.yml", f"--web.config.file={home}/web.yml",
        f"--storage.tsdb.path={home}/data", f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver", "--log.level=warn",
    ]  # fmt: skip
    with program(command, log, core=SERVER_CORE, env={"GOMAXPROCS": "1"}) as process:

        def ready() -> bool:
            must_live("prometheus", process, log)
            return listening(port)

        wait_until(ready, what="prometheus")
        players = senders(nobody(AGENTS))
        shapes = {
            "wide": remotewrite.wide(players, CONNECTIONS, BIG),
            "minutes": remotewrite.minutes(players, CONNECTIONS),
        }
        yield [
            Target(f"prometheus_{name}", port, ours.tls, writers.request, [process.pid], writers.samples)
            for name, writers in shapes.items()
        ]


def _turns(players: list[Sender]) -> Request:
    """Every connection is shared by some senders, in turn."""
    turns = [cycle(players[n::CONNECTIONS]) for n in range(CONNECTIONS)]
    return lambda connection: next(turns[connection]).request()


if __name__ == "__main__":
    main("ingest", run, __doc__)
