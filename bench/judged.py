"""3,321 centres at one moment: every line dies, or every box falls silent; how long until the last flip is committed.

The judge's own steps over a store with twenty minutes of trains behind it, on a clock that stands where it is put. Time
counts from the COMMIT of the evidence, or from the moment silence is due, to the COMMIT of the last flip.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from bench import blow
from bench.blow import CENTRES, MINUTE_MS, Took, clock_of, timed, until_idle
from bench.frame import Report, main
from bench.home import Enrolled
from collector.hub import Hub
from collector.judging.loop import Judge
from collector.store import tables
from wire.codec import encode_batch
from wire.messages import Batch, Observation, PlanItem, Value
from wire.outcomes import Outcome

MINUTES: Final = 20
TRAINS: Final = 6
TRAIN_MS: Final = 10_000
SILENT_MS: Final = 51_000
EPOCH: Final = "00000000-0000-4000-8000-0000000000f1"
BOOT: Final = "00000000-0000-4000-8000-0000000000f2"
_CENTRE, _DEVICE = "@centre@", "@device@"


def run(report: Report) -> None:
    blow.on_both(report, "judged", lambda folder, database, name: _on(report, folder, database, name))


def _on(report: Report, folder: Path, database: str, name: str) -> None:
    with blow.country(folder, database) as (hub, known):
        _past(hub, known)
        judge = Judge(hub)
        began = time.perf_counter()
        until_idle(judge.step)
        report.keep({f"{hub.store.dialect}_first_look_s": round(time.perf_counter() - began, 1)})
        runs: dict[str, list[tuple[Took, int]]] = {"lines": [], "silent": []}
        for turn in range(1 if report.quick else 3):
            runs["lines"].append(_lines_die(hub, judge, known, turn))
            runs["silent"].append(_all_silent(hub, judge))
            _come_back(hub, judge, known, turn)
        for key, words in (("lines", "all lines die"), ("silent", "all boxes fall silent")):
            _tell(report, f"{name}: {words}", f"{hub.store.dialect}_{key}", runs[key])


def _tell(report: Report, what: str, key: str, runs: Sequence[tuple[Took, int]]) -> None:
    flips = runs[0][1]
    report.keep({f"{key}_flips": flips})
    said = f"judge, {CENTRES:,} centres at once, {what}"
    blow.tell(
        report, said, key, [took for took, _ in runs], until="to the last flip",
        how=f"{flips:,} flips; {MINUTES} min of trains behind each centre",
    )  # fmt: skip


# --- blows ----------------------------------------------------------------------------------------------------------


def _lines_die(hub: Hub, judge: Judge, known: Sequence[Enrolled], turn: int) -> tuple[Took, int]:
    """Half a minute in which every gateway answers and nothing behind it."""
    clock = clock_of(hub)
    start = clock.wall
    clock.wall += 3 * TRAIN_MS + 1_000
    raw = _raw(MINUTES + 3 * turn, [start + n * TRAIN_MS for n in (1, 2, 3)], "fail")
    _hear(hub)
    _put(hub, known, MINUTES + 3 * turn, raw, (start + TRAIN_MS, start + 3 * TRAIN_MS))
    return _judged(hub, judge)


def _all_silent(hub: Hub, judge: Judge) -> tuple[Took, int]:
    clock_of(hub).wall += SILENT_MS
    return _judged(hub, judge)


def _come_back(hub: Hub, judge: Judge, known: Sequence[Enrolled], turn: int) -> None:
    """A minute in which everything answers; not measured."""
    clock = clock_of(hub)
    start = clock.wall
    clock.wall += MINUTE_MS + 1_000
    raw = _raw(MINUTES + 3 * turn + 1, [start + n * TRAIN_MS for n in range(1, TRAINS + 1)], "ok")
    _hear(hub)
    _put(hub, known, MINUTES + 3 * turn + 1, raw, (start + TRAIN_MS, start + TRAINS * TRAIN_MS))
    until_idle(judge.step)


def _judged(hub: Hub, judge: Judge) -> tuple[Took, int]:
    """What it took, and how many flips it made."""
    before = _last_flip(hub)
    took = timed(hub, lambda: until_idle(judge.step))
    return took, _last_flip(hub) - before


def _last_flip(hub: Hub) -> int:
    with hub.store.reading() as conn:
        return conn.scalar(select(func.max(tables.flip.c.seq))) or 0


def _hear(hub: Hub) -> None:
    """Every box was heard just now, after a silence or not."""
    now = hub.clock.wall_ms()
    heard, presence = tables.heard, tables.presence

    def job(conn: Connection) -> None:
        conn.execute(update(presence).where(presence.c.to_ms > now - 2 * SILENT_MS).values(to_ms=now))
        conn.execute(update(heard).values(last_ms=now, alert_after_ms=now + 50_000))

    hub.store.writer.do(job)


# --- the past -------------------------------------------------------------------------------------------------------


def _past(hub: Hub, known: Sequence[Enrolled]) -> None:
    """Twenty minutes of batches of every centre that end now, and presences that began an hour ago."""
    now = hub.clock.wall_ms()
    for minute in range(MINUTES):
        start = now - (MINUTES - minute) * MINUTE_MS
        times = [start + n * TRAIN_MS for n in range(1, TRAINS + 1)]
        _put(hub, known, minute, _raw(minute, times, "ok"), (times[0], times[-1]))

    def job(conn: Connection) -> None:
        _plan_looks(conn)
        since = now - 60 * MINUTE_MS
        conn.execute(insert(tables.presence), [{"agent": o.agent, "from_ms": since, "to_ms": now} for o in known])
        conn.execute(update(tables.heard).values(from_ms=since, last_ms=now, alert_after_ms=now + 50_000))

    hub.store.writer.do(job)


def _plan_looks(conn: Connection) -> None:
    """Plans that ask for the machine once a minute, as the collector draws them: else it were stale between looks."""
    plan = tables.plan
    for row in conn.execute(select(plan.c.agent, plan.c["items"])).all():
        items = msgspec.json.decode(row[1], type=list[PlanItem])
        slower = [msgspec.structs.replace(i, period_s=60, deadline_s=20) if i.probe == "pc" else i for i in items]
        body = msgspec.json.encode(slower)
        conn.execute(update(plan).where(plan.c.agent == row.agent).values({plan.c["items"]: body}))


def _raw(number: int, times: Sequence[int], outcome: Outcome) -> bytes:
    """A batch of any centre: trains to the gateway, which answers, and over two lines; and one look at the machine."""
    made = [o for at in times for o in _trains(at, outcome)]
    made.append(Observation(0, "pc", _DEVICE, "self", times[-1], times[-1], 6, "ok", None, list(_look())))
    return encode_batch(Batch(EPOCH, number + 1, BOOT), [msgspec.structs.replace(o, i=n) for n, o in enumerate(made)])


def _trains(at: int, outcome: Outcome) -> Iterator[Observation]:
    subjects = (f"lan:{_CENTRE}", f"line:{_CENTRE}/a", f"line:{_CENTRE}/b")
    for subject in subjects:
        good = subject is subjects[0] or outcome == "ok"
        kind = subject.partition(":")[0]
        numbers = {"sent_packets": 5.0, "received_packets": 5.0 if good else 0.0, "loss_ratio": 0.0 if good else 1.0}
        if good:
            numbers["rtt_seconds"] = 0.004
        values = [Value(f"motcua_{kind}_{name}", number) for name, number in numbers.items()]
        reason = None if good else "no_answer"
        yield Observation(
            0, "reach", subject, "192.0.2.1", at, at, 900, "ok" if good else "fail", reason, values,
            {"train": 0.9}, {"address": "192.0.2.1", "method": "datagram"},
        )  # fmt: skip


def _look() -> Iterator[Value]:
    yield Value("motcua_device_memory_used_ratio", 0.4)
    yield Value("motcua_device_disk_used_ratio", 0.5, "/")
    yield Value("motcua_device_cpu_ratio", 0.1)


def _put(hub: Hub, known: Sequence[Enrolled], number: int, raw: bytes, span: tuple[int, int]) -> None:
    """One batch of every centre, in one COMMIT, a few seconds apart from each other as in life."""
    rows = []
    for n, one in enumerate(known):
        early = n * 7 % 900  # trains are not sent in step
        body = raw.replace(_CENTRE.encode(), one.centre.encode()).replace(_DEVICE.encode(), one.device.encode())
        rows.append({
            "agent": one.agent, "epoch": EPOCH, "batch": number + 1, "sha256": "", "boot_id": BOOT,
            "received_ms": span[1], "offset_ms": -early, "at_min_ms": span[0] - early, "at_max_ms": span[1] - early,
            "items": 0, "rejected": "[]", "body": gzip.compress(body, 1, mtime=0),
        })  # fmt: skip
    hub.store.writer.do(lambda conn: conn.execute(insert(tables.inbox), rows))


if __name__ == "__main__":
    main("judged", run, __doc__)
