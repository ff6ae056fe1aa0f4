"""Which observations are kept whole: the rare, the asked for, every change, both edges of every hole."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.api import StoredObservation
from collector.history.changes import Seen, key_of, worth_keeping
from wire.messages import Observation
from wire.outcomes import Outcome

PERIOD_MS = 10_000


def seen(at_s: int, outcome: Outcome = "ok", reason: str | None = None, task: str | None = None) -> StoredObservation:
    at = at_s * 1000
    o = Observation(0, "reach", "line:a", "collector", at, at, 1, outcome, reason, task_id=task)
    return StoredObservation(f"a/e/{at_s}/0", "a", at, at, False, o)


def kept(some: list[StoredObservation], last: Seen | None = None, period_ms: int | None = PERIOD_MS) -> list[int]:
    known = {} if last is None else {key_of(seen(0)): last}
    return [one.at_ms // 1000 for one in worth_keeping(some, known, lambda _one: period_ms)]


LAST = Seen(0, "ok", None)


@pytest.mark.parametrize(
    ("some", "last", "period_ms", "wanted"),
    [
        pytest.param([seen(10), seen(20)], LAST, PERIOD_MS, [], id="nothing new"),
        pytest.param([seen(10), seen(20)], None, PERIOD_MS, [10], id="the first of all"),
        pytest.param([seen(10, "fail", "no_answer"), seen(20, "fail", "no_answer"), seen(30)], LAST, PERIOD_MS,
                     [10, 30], id="fail and recovery"),
        pytest.param([seen(10, "fail", "a"), seen(20, "fail", "b")], LAST, PERIOD_MS, [10, 20], id="another reason"),
        pytest.param([seen(10), seen(40)], LAST, PERIOD_MS, [40], id="after a hole"),
        pytest.param([seen(-20), seen(-10)], LAST, PERIOD_MS, [-20], id="the first of what comes late"),
        pytest.param([seen(-10, "fail", "x"), seen(10)], LAST, PERIOD_MS, [-10], id="what is known lies between"),
        pytest.param([seen(900), seen(1_800)], LAST, 900_000, [900, 1_800], id="sparse"),
        pytest.param([seen(10, task="t"), seen(20)], LAST, PERIOD_MS, [10], id="a task"),
        pytest.param([seen(50), seen(100), seen(200)], LAST, None, [200], id="no plan tells: by the minute"),
        pytest.param([seen(10)], Seen(0, None, None), PERIOD_MS, [10], id="of before outcomes were noted"),
    ],
)  # fmt: skip
def test_what_is_kept_whole(
    some: list[StoredObservation], last: Seen | None, period_ms: int | None, wanted: list[int]
) -> None:
    assert kept(some, last, period_ms) == wanted


@given(st.lists(st.sampled_from(["ok", "fail", "unknown"]), min_size=1, max_size=30), st.data())
def test_every_change_is_kept_in_whatever_order_batches_come(outcomes: list[Outcome], data: st.DataObject) -> None:
    whole = [seen(n * 10, said, None if said == "ok" else "why") for n, said in enumerate(outcomes)]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole)), max_size=5)) | {0, len(whole)})
    batches = data.draw(st.permutations([whole[a:b] for a, b in pairwise(cuts)]))
    found, last = set[int](), None
    for batch in batches:
        found |= set(kept(batch, last))
        newest = batch[-1]
        if last is None or newest.at_ms > last.at_ms:
            last = Seen(newest.at_ms, newest.observation.outcome, newest.observation.reason)
    changes = {0} | {n * 10 for n in range(1, len(outcomes)) if outcomes[n] != outcomes[n - 1]}
    assert changes <= found
