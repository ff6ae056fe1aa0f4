"""One simulated agent: its batches are of the contract, the same for a seed, and as late as those of a real one."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.probes import trains
from simulator.agent import Agent
from simulator.numbers import wilson
from tests.support.simulated import DEVICE, MINUTE, START, agent, cause, plan, world
from wire.codec import decode_request, encode_request
from wire.messages import Observation, PlanItem, Receipt
from wire.metrics import METRICS

HERE, LINE = "07001-1", "07001-1/a"


def told(one: Agent) -> list[Observation]:
    """Everything that waits, as a collector reads it: nothing is rejected."""
    found = []
    for cut in one.waiting:
        request = decode_request(encode_request(one.envelope(one.now_ms), [cut.raw]))
        assert request.parcels[0].rejected == []
        found += request.parcels[0].observations
    return found


def of(observations: list[Observation], subject: str) -> list[tuple[str, str | None]]:
    return [(o.outcome, o.reason) for o in observations if o.subject == subject]


def test_what_it_says_is_of_the_contract_and_marked_as_simulated() -> None:
    one = agent(world())
    one.advance(START + 5 * MINUTE)
    found = told(one)
    assert {value.metric for o in found for value in o.values} <= METRICS.keys()
    assert all(o.detail["simulated"] is True for o in found)
    assert {o.probe for o in found} == {"pc", "reach", "service", "self", "divination"}
    assert of(found, f"line:{LINE}").count(("ok", None)) in range(27, 31)
    assert {(o.outcome, o.reason) for o in found if o.probe == "divination"} == {("unknown", "unsupported")}


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**62), steps=st.lists(st.integers(1, 240), min_size=1, max_size=6))
def test_the_bytes_follow_from_the_seed_however_time_is_cut_into_steps(seed: int, steps: list[int]) -> None:
    causes = (cause("power", HERE, first=2, last=3), cause("line_lossy", LINE, first=1, last=9))
    one, other = agent(world(*causes, seed=seed)), agent(world(*causes, seed=seed))
    end = START + 1000 * sum(steps)
    one.advance(end)
    at = START
    for step in steps:
        at += 1000 * step
        other.advance(at)
    hashes = [[hashlib.sha256(cut.raw).digest() for cut in side.waiting] for side in (one, other)]
    assert hashes[0] == hashes[1]


def test_machines_are_called_otherwise_in_every_register_and_measure_the_same() -> None:
    one, other = agent(world()), agent(world(), items=plan(device=DEVICE[:-1] + "Z"))
    for side in (one, other):
        side.advance(START + 3 * MINUTE)
    values = [[o.values for o in told(side) if o.probe == "pc"] for side in (one, other)]
    assert values[0] == values[1]


def test_a_cut_line_is_measured_and_told_when_it_is_back() -> None:
    one = agent(world(cause("line_cut", LINE, first=1, last=4)))
    one.advance(START + 3 * MINUTE)
    assert not one.sends(START + 3 * MINUTE)
    one.advance(START + 6 * MINUTE)
    assert one.sends(START + 6 * MINUTE)
    found = told(one)
    assert of(found, f"line:{LINE}").count(("fail", "no_answer")) == 18
    assert set(of(found, "lan:07001-1")) == {("ok", None), ("unknown", "unsupported")}
    assert ("unknown", "resolver_failed") in of(found, "service:dvcqg@07001-1")


def test_after_a_power_cut_what_was_measured_before_is_of_the_boot_before() -> None:
    one = agent(world(cause("power", HERE, first=3, last=5)))
    one.advance(START + 8 * MINUTE)
    boots = [cut.boot.number for cut in one.waiting]
    assert boots == sorted(boots)
    assert set(boots) == {0, 1}
    assert {cut.boot.number for cut in one.some()} == {0}, "one request is of one boot"
    ats = [o.at_ms for o in told(one)]
    assert not [at for at in ats if START + 3 * MINUTE + 1_000 < at < START + 5 * MINUTE]


def test_the_clock_correction_of_the_collector_puts_everything_right() -> None:
    one = agent(world(cause("clock_skew", HERE, first=0, last=60)))
    one.advance(START + 2 * MINUTE)
    now = START + 2 * MINUTE
    envelope = one.envelope(now)
    assert envelope.sent_at_ms - now == 900_000
    corrected = [now - (envelope.sent_mono_ms - o.mono_ms) for o in told(one)]
    assert corrected == [o.at_ms - 900_000 for o in told(one)]


def test_a_batch_is_deleted_with_its_receipt_and_no_earlier() -> None:
    one = agent(world())
    one.advance(START + 5 * MINUTE)
    sent = one.some()
    first = Receipt("e", sent[0].number, "stored", sent[0].items)
    one.settle(sent, [first])
    assert one.waiting[0].number == sent[1].number
    one.settle(sent[1:], [replace_number(first, cut.number) for cut in sent[1:]])
    assert not one.waiting
    assert one.counts.receipted == len(sent)


def replace_number(receipt: Receipt, number: int) -> Receipt:
    return Receipt(receipt.epoch, number, "stored", receipt.accepted)


def test_a_task_is_measured_at_once_with_its_id() -> None:
    one = agent(world())
    assert one.measure_now("3", "task-1", START + 500)
    assert not one.measure_now("nothing", "task-2", START + 500)
    assert [(o.task_id, o.subject) for o in told(one)] == [("task-1", f"line:{LINE}")]


def test_a_plan_that_changes_keeps_the_rhythm_of_what_stays() -> None:
    one = agent(world())
    one.advance(START + MINUTE)
    one.follow("1" * 64, plan()[:3])
    one.advance(START + 3 * MINUTE)
    line = [o.at_ms for o in told(one) if o.subject == f"line:{LINE}"]
    assert {b - a for a, b in pairwise(line[1:])} == {10_000}
    assert not [o for o in told(one) if o.probe == "service" and o.at_ms > START + 2 * MINUTE]


@pytest.mark.parametrize(("lost", "sent"), [(0, 5), (1, 5), (5, 5), (3, 50)])
def test_the_interval_of_a_loss_is_that_of_the_real_probe(lost: int, sent: int) -> None:
    assert wilson(lost, sent) == pytest.approx(trains.wilson(lost, sent))


def test_its_token_is_not_printed() -> None:
    assert "secret" not in repr(replace(agent(world()).who, token="secret"))


def test_a_train_that_ends_otherwise_than_before_is_confirmed_as_agents_do() -> None:
    items = [PlanItem("1", f"line:{LINE}", "reach", "192.0.2.1", 60.0, 8.0, {"packets": 5, "confirm_s": 10.0})]
    one = agent(world(cause("line_cut", LINE, first=4, last=8)), items=items)
    one.advance(START + 12 * MINUTE)
    trains_ = [(o.at_ms, o.outcome) for o in told(one) if o.probe == "reach"]
    lost = [at for at, outcome in trains_ if outcome == "fail"]
    back = [at for at, outcome in trains_ if outcome == "ok" and at > lost[-1]]
    assert [lost[1] - lost[0], lost[2] - lost[1], back[1] - back[0], back[2] - back[1]] == [10_000] * 4
    assert lost[3] - lost[2] > 20_000, "then in its turn"
