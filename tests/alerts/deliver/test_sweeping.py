"""What may be forgotten of the outbox goes, what may still be asked for stays."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, update

from alerts.deliver import rows
from alerts.deliver.sweeping import AT_ONCE, sweep
from alerts.desk import KEEP_MS
from alerts.tables import outbox
from tests.support.delivering import SETTINGS, Bench
from tests.support.mailing import Receiver, receiving
from tests.support.telling import NOW_MS, incident

OLD_MS = NOW_MS - KEEP_MS - 1


def swept(bench: Bench, before_ms: int = NOW_MS - KEEP_MS) -> int:
    return bench.store.writer.do(lambda conn: sweep(conn, before_ms))


@pytest.mark.parametrize(
    ("state", "due_ms", "closed_ms", "goes"),
    [
        pytest.param("sent", OLD_MS, OLD_MS, 1, id="sent"),
        pytest.param("answered", OLD_MS, OLD_MS, 1, id="answered"),
        pytest.param("dropped", OLD_MS, OLD_MS, 1, id="dropped"),
        pytest.param("dead", OLD_MS, OLD_MS, 0, id="dead: a person decides"),
        pytest.param("waiting", OLD_MS, OLD_MS, 0, id="waiting"),
        pytest.param("sending", OLD_MS, OLD_MS, 0, id="on its way"),
        pytest.param("sent", OLD_MS + 1, OLD_MS, 0, id="not old enough"),
        pytest.param("sent", OLD_MS, OLD_MS + 1, 0, id="of an incident closed lately"),
        pytest.param("sent", OLD_MS, None, 0, id="of an incident that lives"),
    ],
)
def test_only_what_is_over_and_old_goes(
    bench: Bench, state: str, due_ms: int, closed_ms: int | None, goes: int
) -> None:
    bench.put(bench.open(closed_ms=closed_ms), due_ms=due_ms)
    bench.store.writer.do(lambda conn: conn.execute(update(outbox).values(state=state)).rowcount)
    assert swept(bench) == goes
    assert len(bench.rows()) == 1 - goes


def test_a_dismissed_letter_goes_with_the_others(bench: Bench) -> None:
    bench.put(bench.open(closed_ms=OLD_MS), due_ms=OLD_MS)
    dead = update(outbox).values(state="dead", error="refused")
    bench.store.writer.do(lambda conn: conn.execute(dead).rowcount)
    key = str(bench.only()["key"])
    assert swept(bench) == 0
    assert bench.store.writer.do(lambda conn: rows.dismiss(conn, [key], "An")) == 1
    assert swept(bench) == 1


def test_a_digest_that_is_dismissed_takes_along_what_it_told_and_goes_after_it(bench: Bench) -> None:
    with receiving((400, {}, b"")) as server:
        bench.settle(SETTINGS.format(url=server.url, kind="people"))
        for case in bench.many(5):
            bench.put(case)
            bench.change(case, stage="acknowledged")
        bench.step()
    assert {row["state"] for row in bench.rows()} == {"dead"}
    (key,) = [str(row["key"]) for row in bench.rows() if row["kind"] == "digest"]
    assert bench.store.writer.do(lambda conn: rows.dismiss(conn, [key], "An")) == 6
    late_ms = NOW_MS + KEEP_MS
    assert swept(bench, late_ms) == 0, "incidents that live keep what was told of them"
    for n in range(1, 6):
        bench.change(incident(key=f"01J00000000000000000000{n:03}", number=n), closed_ms=NOW_MS, stage="closed")
    assert [swept(bench, late_ms), swept(bench, late_ms), swept(bench, late_ms)] == [5, 1, 0]


def test_delivery_forgets_a_bounded_number_at_a_turn_until_there_is_no_more_and_looks_again_every_hour(
    bench: Bench, server: Receiver
) -> None:
    row = {
        "incident": "gone", "kind": "call", "audience": "officer", "channel": "mail", "address": "", "message": "{}",
        "state": "sent", "created_ms": OLD_MS, "due_ms": OLD_MS,
    }  # fmt: skip

    def add(first: int, count: int) -> None:
        made = [row | {"key": str(n)} for n in range(first, first + count)]
        bench.store.writer.do(lambda conn: conn.execute(insert(outbox), made).rowcount)

    def left(turns: int = 1, after_s: float = 0.0) -> int:
        bench.step(after_s, turns)
        return len(bench.rows())

    add(0, AT_ONCE + 3)
    assert [left(), left(), left()] == [3, 0, 0]
    add(0, 2)
    assert [left(), left(after_s=3_599), left(after_s=1)] == [2, 2, 0]
    assert server.came == []
