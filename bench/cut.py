"""A cut line: how long until the right one is named, the hop behind which nothing goes on, its incident, and its end.

Real collector, real agent, real routers, in namespaces of their own (tests/support/chain.py). The usual centre has two
lines behind one router, told apart by a pinned target each: the default one loses its carrier. The other centre has one
line, cut behind its gateway without a word: nothing reaches the collector, so what counts is what the agent has kept.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import select

from alerts.tables import incident
from bench.frame import Report, main, say, spread
from bench.place import ROOT, scratch
from bench.process import must_live, program, wait_until
from collector.api import Actor, Broken, StoredObservation
from collector.commands import CollectorCommands
from collector.hub import Hub
from collector.judge.path import first_broken, look_of
from collector.reading.reader import HubReader
from collector.register import plans
from collector.settings import Settings, read_settings
from collector.store.databases import migrate, open_store
from tests.support.chain import ANCHOR_A, ANCHOR_B, CARRIER_A, OFFICE, ROUTER, Chain, TwoLines, chained, two_lines
from tests.support.netns import Namespace
from wire.client import fetch_ca
from wire.clock import SystemClock
from wire.messages import Observation

NAMED_S: Final = 60.0
INCIDENT_S: Final = 75.0
RECOVERED_S: Final = 60.0
PATIENCE_S: Final = 120.0
CENTRE: Final = "07375-1"
A, B = f"line:{CENTRE}/a", f"line:{CENTRE}/b"
PORT: Final = 8443
_LINE: Final = msgspec.json.Decoder(Observation)


@dataclass(frozen=True, slots=True)
class Suite:
    """A collector at one place and an agent at another, both the product's own programs."""

    folder: Path
    at: Namespace
    box: Namespace
    address: str

    @property
    def environment(self) -> dict[str, str]:
        own = {"MOTCUA_AGENTS": f"{self.address}:{PORT}", "MOTCUA_BOARD": "127.0.0.1:8080"}
        return own | {"MOTCUA_HOME": str(self.folder), "PYTHONPATH": str(ROOT)}

    @property
    def settings(self) -> Settings:
        return read_settings(os.environ | self.environment)

    @property
    def spool(self) -> Path:
        return self.folder / "box" / "spool.db"

    def words(self, *words: str) -> list[str]:
        return [sys.executable, "-c", "import motcua; motcua.main()", *words]

    @contextmanager
    def running(self, place: Namespace, *words: str) -> Iterator[Callable[[], None]]:
        """A program of the product inside a namespace; gives a check that it lives."""
        log = self.folder / f"{words[0]}.log"
        inside = ["ip", "netns", "exec", place.name, *self.words(*words)]
        with program(inside, log, cwd=ROOT, env=self.environment) as process:
            yield lambda: must_live(words[0], process, log)

    @contextmanager
    def hub(self) -> Iterator[Hub]:
        """The store, beside the collector that runs on it."""
        store = open_store(self.settings.store, SystemClock())
        with closing(store):
            migrate(store)
            yield Hub(store, store.clock, self.settings)

    def answers(self) -> bool:
        try:
            return bool(self.at.call(lambda: fetch_ca(f"https://{self.address}:{PORT}")))
        except Exception:  # not yet: whatever it is, the next look tells
            return False


@contextmanager
def suite(
    folder: Path, at: Namespace, box: Namespace, address: str, lines: Sequence[str]
) -> Iterator[tuple[Suite, Hub]]:
    """A province of one centre with these rows of lines.csv, its box enrolled and at work."""
    made = Suite(folder, at, box, address)
    (folder / "province").mkdir(parents=True)
    (folder / "collector.toml").write_text(f'[listen]\nhosts = ["{address}"]\n', "utf-8")
    (folder / "province" / "centres.csv").write_text(f"key,name_vi\n{CENTRE},Trung tâm đo\n", "utf-8")
    (folder / "province" / "lines.csv").write_text("\n".join(["key,kind,carrier,reach_by", *lines, ""]), "utf-8")
    at.allow_ping()
    box.allow_ping()
    with ExitStack() as stack:
        hub = stack.enter_context(made.hub())
        _call(made, "collector", "import", str(folder / "province"), "--yes")
        code = _call(made, "collector", "join-code", CENTRE).split()[-1]
        stack.enter_context(made.running(at, "serve"))
        wait_until(made.answers, what="the collector")
        home = ("--home", str(folder / "box"))
        box.run("env", *_as_words(made), *made.words("agent", "join", f"https://{address}:{PORT}", code, *home))
        stack.enter_context(made.running(box, "agent", "run", *home))
        yield made, hub


def _as_words(made: Suite) -> list[str]:
    return [f"{key}={value}" for key, value in made.environment.items()]


def _call(made: Suite, *words: str) -> str:
    return made.at.run("env", *_as_words(made), *made.words(*words))


# --- what is known, and where -----------------------------------------------------------------------------------------


def states(hub: Hub) -> dict[str, str]:
    return {key: standing.state for key, standing in HubReader(hub).standings(CENTRE).items()}


def look_now(hub: Hub) -> None:
    """Have every way looked at while it is whole: by itself the agent does so within five minutes."""
    reader = HubReader(hub)
    [agent] = [info.id for info in reader.agents(CENTRE)]
    with hub.store.reading() as conn:
        items = [item for item in plans.items_of(conn, agent) if item.probe == "path"]
    for item in items:
        CollectorCommands(hub).request_task(Actor("bench", "cli"), agent, item.id)
    wait_until(
        lambda: all(_whole(hub, item.subject) for item in items), what="a whole way", within_s=PATIENCE_S, every_s=0.5
    )


def _whole(hub: Hub, line: str) -> bool:
    now = HubReader(hub).path(line).now
    return now is not None and now.reached


def named(hub: Hub, line: str, since_ms: int) -> Broken | None:
    """Where the newest look says that the way breaks off, if that look is of after the cut."""
    view = HubReader(hub).path(line)
    return view.first_broken if view.now is not None and view.now.at_ms >= since_ms else None


def kept_looks(spool: Path) -> list[Observation]:
    """Failed looks that the agent has on its disk, sent or not."""
    with closing(sqlite3.connect(f"{spool.as_uri()}?mode=ro", uri=True, timeout=5.0)) as db:
        lines = [bytes(row[0]) for row in db.execute("SELECT line FROM fresh")]
        bodies = [zlib.decompress(row[0]) for row in db.execute("SELECT body FROM batch")]
    every = [*lines, *(line for body in bodies for line in body.splitlines() if b'"probe":"path"' in line)]
    looks = [_LINE.decode(line) for line in every if b'"probe":"path"' in line]
    return [look for look in looks if look.outcome == "fail"]


# --- two lines behind one router --------------------------------------------------------------------------------------


def two(report: Report, folder: Path) -> None:
    rounds = [_two_once(folder / str(n)) for n in range(report.runs)]
    line, hop = spread([r[0] for r in rounds]), spread([r[1] for r in rounds])
    opened, over = spread([r[2] for r in rounds]), spread([r[3] for r in rounds])
    report.judge(
        "cut the default line of a two-line centre: its incident is open", f"≤ {INCIDENT_S:.0f} s",
        opened.text(" s"), holds=opened.high <= INCIDENT_S, how="from the cut to the COMMIT; slowest counts",
    )  # fmt: skip
    report.judge(
        "mend it: the incident says that it is over", f"≤ {RECOVERED_S:.0f} s", over.text(" s"),
        holds=over.high <= RECOVERED_S, how="from the mend to the COMMIT; people are told once it has settled",
    )  # fmt: skip
    report.judge(
        "cut the default line of a two-line centre: the right line is down at the collector", f"≤ {NAMED_S:.0f} s",
        line.text(" s"), holds=line.high <= NAMED_S,
        how="carrier lost at the carrier's end, the router goes over to the other line, which stays ok; slowest counts",
    )  # fmt: skip
    report.judge(
        "cut the default line of a two-line centre: the hop is named at the collector", f"≤ {NAMED_S:.0f} s",
        hop.text(" s"), holds=hop.high <= NAMED_S,
        how=f"behind {ROUTER}, where {CARRIER_A} was; slowest counts",
    )  # fmt: skip


def _two_once(folder: Path) -> tuple[float, float, float, float]:
    """A suite of its own: an agent rests ten minutes before it looks by itself again."""
    lines = [f"{CENTRE}/a,internet,vnpt,pinned:{ANCHOR_A}", f"{CENTRE}/b,tslcd,viettel,pinned:{ANCHOR_B}"]
    with two_lines() as centre, suite(folder, centre.far, centre.box, OFFICE, lines) as (_, hub):
        look_now(hub)
        return _cut_default(centre, hub)


def _cut_default(centre: TwoLines, hub: Hub) -> tuple[float, float, float, float]:
    """Seconds until the line, the hop, and the incident are named, and from the mend until the incident is over."""
    wait_until(lambda: states(hub).get(A) == states(hub).get(B) == "ok", what="two good lines", within_s=PATIENCE_S)
    began, since_ms = time.monotonic(), hub.clock.wall_ms()
    centre.unplug_a()
    try:
        told: dict[str, float] = {}

        def both() -> bool:
            if "line" not in told and states(hub).get(A) == "down":
                assert states(hub).get(B) == "ok", states(hub)
                told["line"] = time.monotonic() - began
            broken = named(hub, A, since_ms)
            if "hop" not in told and broken is not None:
                assert (broken.number, broken.after, broken.was) == (2, ROUTER, (CARRIER_A,)), broken
                told["hop"] = time.monotonic() - began
            if "incident" not in told and any(ended is None for ended in _incidents(hub, since_ms)):
                told["incident"] = time.monotonic() - began
            return len(told) == 3

        wait_until(both, what="the cut line, its hop and its incident", within_s=PATIENCE_S, every_s=0.2)
    finally:
        centre.plug_in_a()
    mended = time.monotonic()
    wait_until(lambda: _all_over(hub, since_ms), what="the incident's end", within_s=PATIENCE_S, every_s=0.2)
    over_s = time.monotonic() - mended
    say(f"line {told['line']:.1f} s, hop {told['hop']:.1f} s, incident {told['incident']:.1f} s, over {over_s:.1f} s")
    return told["line"], told["hop"], told["incident"], over_s


def _incidents(hub: Hub, since_ms: int) -> list[int | None]:
    """When each incident about the cut line ended; None where it goes on."""
    query = select(incident.c.ended_ms, incident.c.verdict).where(incident.c.opened_ms >= since_ms)
    with hub.store.reading() as conn:
        return [row.ended_ms for row in conn.execute(query) if A in row.verdict]


def _all_over(hub: Hub, since_ms: int) -> bool:
    found = _incidents(hub, since_ms)
    return bool(found) and None not in found


# --- one line, cut behind its gateway ---------------------------------------------------------------------------------


def one(report: Report, folder: Path) -> None:
    rounds = [_one_once(folder / str(n)) for n in range(report.runs)]
    kept, told = spread([r[0] for r in rounds]), spread([r[1] for r in rounds])
    report.judge(
        "cut the hop behind the gateway, one line: the hop is named on the agent's disk", f"≤ {NAMED_S:.0f} s",
        kept.text(" s"), holds=kept.high <= NAMED_S,
        how="packets vanish behind the gateway, nothing reaches the collector; the agent looks by itself and keeps it",
    )  # fmt: skip
    report.judge(
        "…and at the collector, once the line is mended", "shown", told.text(" s after the mend"),
        holds=told.high <= NAMED_S, how="the spool is sent; the broken hop of that look is told beside the way of then",
    )  # fmt: skip


def _one_once(folder: Path) -> tuple[float, float]:
    line = [f"{CENTRE}/a,internet,vnpt,default"]
    with chained(4) as chain, suite(folder, chain.places[-1], chain.here, chain.target(), line) as (made, hub):
        look_now(hub)
        return _cut_behind_gateway(chain, made, hub)


def _cut_behind_gateway(chain: Chain, made: Suite, hub: Hub) -> tuple[float, float]:
    wait_until(lambda: states(hub).get(A) == "ok", what="a good line", within_s=PATIENCE_S)
    gateway, carrier = chain.hops()[:2]
    began, since_ms = time.monotonic(), hub.clock.wall_ms()
    chain.cut(2)
    try:

        def kept() -> bool:
            return any(look.detail["last_answering"] == gateway for look in kept_looks(made.spool))

        wait_until(kept, what="the hop in the spool", within_s=PATIENCE_S, every_s=0.2)
        kept_s = time.monotonic() - began
    finally:
        chain.mend()
    mended = time.monotonic()
    wait_until(
        lambda: _told(hub, since_ms) is not None, what="the hop at the collector", within_s=PATIENCE_S, every_s=0.2
    )
    told_s, broken = time.monotonic() - mended, _told(hub, since_ms)
    assert broken is not None
    assert (broken.number, broken.after, broken.was) == (2, gateway, (carrier,)), broken
    say(f"hop kept after {kept_s:.1f} s, told {told_s:.1f} s after the mend")
    return kept_s, told_s


def _told(hub: Hub, since_ms: int) -> Broken | None:
    """Where the failed look broke off, beside the whole way of before; a newer look is whole again."""
    reader = HubReader(hub)
    looks = [look for look in map(look_of, _observed(reader)) if look is not None]
    good = next((look for look in looks if look.reached and look.at_ms < since_ms), None)
    failed = next((look for look in looks if not look.reached and look.at_ms >= since_ms), None)
    return first_broken(good, failed) if good is not None else None


def _observed(reader: HubReader) -> list[StoredObservation]:
    return [o for o in reader.observations(A, reader.now_ms() + 60_000, 1_000) if o.observation.probe == "path"]


def bench(report: Report) -> None:
    with scratch("cut") as folder:
        one(report, folder / "one")
        two(report, folder / "two")


if __name__ == "__main__":
    main("cut", bench, __doc__)
