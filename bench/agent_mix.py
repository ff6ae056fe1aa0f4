"""What the agent costs: the fixed mix of a minute, its memory and its share of a core, beside Debian's own programs.

24 trains of 10 packets, 12 services over TLS, each on IPv4 and on IPv6, 12 looks at the PC and 12 at what a line
carries a minute, enrolled at a real collector on loopback; targets are loopback and a neighbour in a network
namespace. The rivals run in the same minutes, on the same targets, at the same rate (blackbox and Zabbix send one
packet or connection where we send ten, and ask no services).
"""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections import Counter
from contextlib import ExitStack
from typing import Final

from bench.agenthome import plan, settle
from bench.frame import Report, main, say
from bench.home import Enrolled, Home, furnish
from bench.meter import Cost, watch
from bench.pages import MUST_STAND, pages
from bench.peer import Peer, neighbour
from bench.place import ROOT, scratch
from bench.process import BenchError, must_live, program, wait_until
from bench.recording import DATABASE
from bench.rivals import LOOKS_S, PACKETS, TRAINS_S, Rival, rivals
from collector.store.bodies import spooled
from wire.codec import decode_parcel
from wire.messages import Observation, PlanItem, Scalar

MEMORY_MB: Final = 45.0
CORE: Final = 0.007
SETTLE_S: Final = 5.0
GROWTH_MB: Final = 1.0  # a program that has settled may still be found this much larger by chance
TRAINS_A_MINUTE: Final = 24
LOOKS_A_MINUTE: Final = 12
PAGES_A_MINUTE: Final = 12
WATCHED: Final = frozenset({"pc", "reach", "service", "use"})
MIX: Final = (
    f"{TRAINS_A_MINUTE} trains × {PACKETS} packets, {PAGES_A_MINUTE} TLS services each over IPv4 and over IPv6, "
    f"{LOOKS_A_MINUTE} pc, {LOOKS_A_MINUTE} line a minute"
)


def run(report: Report) -> None:
    seconds = 60.0 if report.quick else 180.0
    with ExitStack() as stack:
        folder = stack.enter_context(scratch("mix"))
        peer = stack.enter_context(neighbour())
        targets = ["127.0.0.1", "127.0.0.2", peer.address, peer.address]
        urls, trusting = stack.enter_context(pages(folder))
        home = Home(folder / "home")
        (one,) = furnish(home, 1)
        plan(home, one.agent, _items(one, peer, urls))
        stack.enter_context(home.running(home.serve()))
        ours = settle(folder / "agent", home, one, "log_level = 'warning'\n")
        log = folder / "agent.log"
        agent = stack.enter_context(program(ours.command(), log, cwd=ROOT, env=trusting))
        others = stack.enter_context(rivals(folder, targets))
        must_live("the agent", agent, log)
        wait_until(lambda: bool(_observations(home)), what="the first batch", within_s=90)
        time.sleep(SETTLE_S)
        pids = {"motcua": agent.pid} | {name: rival.pid for name, rival in others.items()}
        before = _observations(home)
        costs = watch(pids, seconds, alive=lambda: must_live("the agent", agent, log))
        _judge(report, costs["motcua"], seconds)
        _compare(report, costs, others)
        _check_the_mix(report, home, before)


def _items(one: Enrolled, peer: Peer, urls: list[str]) -> list[PlanItem]:
    """Four targets every ten seconds, the PC and a line's counters every five, and twelve services every minute."""
    train: dict[str, Scalar] = {"packets": PACKETS, "interval_s": 0.2, "timeout_s": 2.0}
    lan, line = f"lan:{one.centre}", f"line:{one.centre}/a"
    pairs = [(lan, "127.0.0.1"), (line, "127.0.0.2"), (line, peer.address), (lan, peer.address)]
    trains = [
        PlanItem(f"reach-{n}", subject, "reach", target, TRAINS_S, 8, train)
        for n, (subject, target) in enumerate(pairs)
    ]
    expected: dict[str, Scalar] = {"allow_private": True, "text": MUST_STAND}
    services = [
        PlanItem(f"{n}-{url}", f"service:s{n}@{one.centre}", "service", url, 60, 10, expected | {"family": family})
        for n in range(PAGES_A_MINUTE)
        for url, family in zip(urls, ("4", "6"), strict=True)
    ]
    use = PlanItem("use", line, "use", "port", LOOKS_S, 4, {"interface": "lo"})
    return [*trains, *services, PlanItem("pc", one.device, "pc", "self", LOOKS_S, 4), use]


def _judge(report: Report, cost: Cost, seconds: float) -> None:
    memory = statistics.median(cost.memory_mb)
    third = max(1, len(cost.memory_mb) // 3)
    growth = statistics.median(cost.memory_mb[-third:]) - statistics.median(cost.memory_mb[:third])
    how = f"{MIX}, for {seconds:.0f} s"
    report.judge(
        "agent, fixed mix: memory (PSS, with children)", f"≤ {MEMORY_MB:.0f} MB",
        f"{memory:.1f} MB ({min(cost.memory_mb):.1f} to {max(cost.memory_mb):.1f}); resident {max(cost.rss_mb):.1f} MB",
        holds=max(cost.memory_mb) <= MEMORY_MB, how=how + "; alone on its machine it shares less: at most the resident",
    )  # fmt: skip
    report.judge(
        "agent, fixed mix: processor", f"≤ {CORE:.1%} of a core", f"{cost.core:.2%}", holds=cost.core <= CORE,
        how=how + ", user and system",
    )  # fmt: skip
    report.judge(
        "agent, fixed mix: memory does not grow", f"≤ {GROWTH_MB:.0f} MB from the first third to the last",
        f"{growth:+.2f} MB", holds=growth <= GROWTH_MB, how=how,
    )  # fmt: skip


def _compare(report: Report, costs: dict[str, Cost], others: dict[str, Rival]) -> None:
    """The rivals are no bar, but a number without a neighbour says little."""
    for name, cost in costs.items():
        report.keep({
            f"{name}_pss_mb": round(statistics.median(cost.memory_mb), 1),
            f"{name}_rss_mb": round(statistics.median(cost.rss_mb), 1),
            f"{name}_core_percent": round(100 * cost.core, 3),
        })  # fmt: skip
    for name, rival in others.items():
        report.keep({f"{name}_good_answers": rival.measured()})
        if not rival.measured():
            say(f"{name} gave no good answer: its numbers are of an idle program")
    told = [f"{name} {statistics.median(costs[name].memory_mb):.0f} MB, {costs[name].core:.2%}" for name in others]
    report.judge(
        "agent beside its rivals", "the same run, for comparison", "; ".join(told) or "none is installed",
        holds=True if told else None, how="PSS and share of a core in the same minutes, without what asks them",
    )  # fmt: skip


def _check_the_mix(report: Report, home: Home, before: list[Observation]) -> None:
    """Whether the agent really measured what it was measured by."""
    made = _observations(home)[len(before) :]
    kinds = Counter((o.probe, o.outcome) for o in made)
    minutes = (max(o.mono_ms for o in made) - min(o.mono_ms for o in made)) / 60_000 if made else 0.0
    report.keep({f"observed_{probe}_{outcome}": n for (probe, outcome), n in kinds.items()})
    if not minutes:
        raise BenchError("no batch arrived while the agent was watched: nothing was measured")
    trains, looks, asked, used = (kinds[probe, "ok"] / minutes for probe in ("reach", "pc", "service", "use"))
    packets = {v.value for o in made for v in o.values if v.metric.endswith("_sent_packets")}
    report.judge(
        "agent, fixed mix: what it was measured by", MIX,
        f"{trains:.1f} trains, {asked / 2:.1f} × 2 services, {looks:.1f} pc, {used:.1f} line a minute, "
        f"{max(packets, default=0):.0f} packets a train",
        holds=trains >= 0.97 * TRAINS_A_MINUTE and min(looks, used) >= 0.97 * LOOKS_A_MINUTE
        and packets == {float(PACKETS)} and asked >= 2 * 0.9 * PAGES_A_MINUTE,  # some are cut short
        how="counted in the collector's inbox",
    )  # fmt: skip


def _observations(home: Home) -> list[Observation]:
    """Everything in the inbox, in the order it came."""
    db = sqlite3.connect(home.folder / DATABASE)
    try:
        bodies = db.execute("SELECT body FROM inbox ORDER BY seq").fetchall()
    finally:
        db.close()
    return [o for (body,) in bodies for o in decode_parcel(spooled(body)).observations if o.probe in WATCHED]


if __name__ == "__main__":
    main("agent_mix", run, __doc__)
