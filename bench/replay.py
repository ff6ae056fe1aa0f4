"""`motcua alerts replay` over thirty days of 99 centres: how long all looks take, with flips, evidence and messages."""

from __future__ import annotations

import time
from functools import partial
from typing import Final

from sqlalchemy import insert

from alerts.correlate import correlate
from alerts.correlate.limits import limits
from alerts.replaying.cli import back_ms
from alerts.replaying.past import Past
from alerts.replaying.playing import Replayed, Replayer
from bench.frame import Report, main
from bench.month import DAY_MS, month
from bench.place import ROOT, scratch
from collector import floor
from collector.hub import Hub
from collector.settings import read_settings
from collector.store.tables import flip
from motcua.trials import drill
from simulator.drive import DrivenClock
from simulator.trial import MONDAY_MS, Template

DAYS: Final = 30
QUICK_DAYS: Final = 5
BAR_S: Final = 60.0


def bench(report: Report) -> None:
    days = QUICK_DAYS if report.quick else DAYS
    bar_s = BAR_S * days / DAYS
    with scratch("replay") as folder:
        template = Template(ROOT / "province" / "bac-ninh", folder, drill, whole=True)
        with drill(template.home, DrivenClock(MONDAY_MS)) as ground:
            ground.stage.step(all_of_it=False)  # the policy in force is on record
        clock = DrivenClock(MONDAY_MS + days * DAY_MS)
        with floor.open_hub(read_settings({"MOTCUA_HOME": str(template.home)}), clock) as hub:
            rows = month(template.province, template.names(), MONDAY_MS, days)
            hub.store.writer.do(lambda conn: conn.execute(insert(flip), rows))
            found, spent_s = _replayed(hub, days)
    calls = sum(one.kind == "call" for one in found.messages)
    report.judge(
        f"replay of {days} days of {len(template.province.sites)} centres", f"≤ {bar_s:.0f} s", f"{spent_s:.1f} s",
        holds=spent_s <= bar_s,
        how=f"{len(rows):,} flips, {found.looks:,} looks; {len(found.incidents):,} incidents, {calls:,} calls",
    )  # fmt: skip
    report.keep({"replay_s": round(spent_s, 1), "looks": found.looks, "flips": len(rows)})


def _replayed(hub: Hub, days: int) -> tuple[Replayed, float]:
    reader = floor.reader(hub)
    began_s = time.monotonic()
    held = limits({one.key: one.value for one in reader.policies(1)[0].thresholds})
    span = MONDAY_MS, MONDAY_MS + days * DAY_MS
    past = Past(reader, span[0] - back_ms(held), span[1])
    found = Replayer(reader, past, held, partial(correlate, why=False)).run(*span, lambda _done, _total: None)
    return found, time.monotonic() - began_s


if __name__ == "__main__":
    main("replay", bench, __doc__)
