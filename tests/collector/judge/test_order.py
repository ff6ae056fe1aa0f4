"""What is told of a centre does not depend on how its facts came: in what order, in what pieces, how often judged.

Stories are drawn by the seed that hypothesis chooses: a story of a thousand trains is not worth shrinking.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector.judge.agent import Condition
from collector.judge.egress import Carried
from collector.judge.facts import Fact
from collector.judge.findings import Finding
from collector.judge.speed import Contract
from collector.judge.timeline import ALWAYS, Span
from tests.support.measured import (
    AGENT,
    KINDS,
    LAN,
    LINE,
    SECOND_LINE,
    THIRD_LINE,
    Desk,
    batches,
    beside,
    ms,
    report,
    train,
)

LENGTH_S = 1_500
END_S = LENGTH_S + 300

_DISK = "motcua_device_disk_used_ratio"
_SPOOL = "motcua_agent_spool_oldest_seconds"
_SPELLS = ("good", "good", "good", "lost", "lossy", "slow", "blind", "nothing")
_SKEW = [Condition("clock_skew", Span(ms(300), ms(360)))]
_CONTRACTS = {LINE: [Contract(0, ms(700), 1e7), Contract(ms(700), None, 1e8)]}
_FINDINGS = {
    LINE: [
        Finding("line_full", Span(ms(200), ms(420)), {"days": 7}, ("f",), ("g",)),
        Finding("below_contract", Span(ms(350), ms(900)), {"tests": 3}, ("b",), ("c",)),
    ],
    SECOND_LINE: [Finding("below_contract", Span(ms(600), ALWAYS), {"tests": 3}, ("d",))],
    THIRD_LINE: [Finding("not_measurable", Span(ms(100), ms(1_000)))],
}
_CARRIED = [
    Carried(ms(0), LINE, "192.0.2.1"), Carried(ms(500), SECOND_LINE, "192.0.2.2"), Carried(ms(530), LINE, "192.0.2.1"),
    Carried(ms(800), None, "203.0.113.9"), Carried(ms(850), SECOND_LINE, "192.0.2.2"),
    Carried(ms(1_200), LINE, "192.0.2.1"),
]  # fmt: skip
SEEDS = st.integers(0, 2**32)


@dataclass(frozen=True)
class Story:
    facts: list[Fact]
    presence: list[Span]

    def desk(self) -> Desk:
        return Desk(
            presence=self.presence, conditions=_SKEW, contracts=_CONTRACTS, findings=_FINDINGS, carried=_CARRIED,
            kinds={**KINDS, THIRD_LINE: "line"},
        )  # fmt: skip


def story(seed: int) -> Story:
    """Four sources with spells of every weather, reports once a minute, and an agent that falls silent now and then."""
    dice = Random(seed)
    sources = [(LAN, "gateway"), (LINE, "collector"), (LINE, "192.0.2.9"), (SECOND_LINE, "192.0.2.10")]
    facts = [fact for subject, target in sources for fact in _weather(dice, subject, target)]
    return Story(sorted([*facts, *_reports(dice), *_beside(dice)], key=lambda f: f.at), _presence(dice))


def _weather(dice: Random, subject: str, target: str) -> Iterator[Fact]:
    second = dice.uniform(0, 30)
    while second < LENGTH_S:
        spell = dice.choice(_SPELLS)
        for _ in range(dice.randint(1, 14)):
            lost = {"lost": 5, "lossy": 1}.get(spell, 0)
            if spell == "blind":
                yield train(second, subject, target=target, outcome="unknown")
            elif spell != "nothing":
                yield train(second, subject, target=target, lost=lost, rtt_s=0.2 if spell == "slow" else 0.01)
            second += dice.choice([9.0, 10.0, 10.0, 10.0, 11.5])


def _reports(dice: Random) -> Iterator[Fact]:
    for minute in range(LENGTH_S // 60):
        if dice.random() < 0.8:
            disk = (_DISK, "/", dice.choice([0.5, 0.5, 0.99]))
            yield report(minute * 60 + 7.5, disk, outcome="fail" if dice.random() < 0.3 else "ok")
            yield report(minute * 60 + 7.6, (_SPOOL, "", dice.choice([0.0, 0.0, 9_000.0])), subject=AGENT)


def _beside(dice: Random) -> Iterator[Fact]:
    """The port and the resolver of a line, and the lan's Wi-Fi."""
    for turn in range(LENGTH_S // 60):
        answered = dice.random() < 0.6
        took = ("motcua_line_dns_seconds", dice.choice([0.02, 0.02, 3.0]))
        yield beside(turn * 60 + 3.3, LINE, "dns", *([took] if answered else []), outcome="ok" if answered else "fail")
    for turn in range(LENGTH_S // 300):
        port = ("motcua_line_port_bps", dice.choice([1e7, 1e8, 1e9])), ("motcua_line_port_duplex_ratio", 1.0)
        yield beside(turn * 300 + dice.uniform(0, 200), LINE, "use", *port, period_s=300)
        signal = ("motcua_lan_wifi_signal_dbm", dice.choice([-50.0, -90.0]))
        yield beside(turn * 300 + 8.8, LAN, "wifi", signal, period_s=300)


def _presence(dice: Random) -> list[Span]:
    edges = sorted(dice.sample(range(LENGTH_S), dice.choice([0, 2, 4])))
    starts, ends = [-10, *edges[1::2]], [*edges[::2], None]
    return [Span(ms(a), ALWAYS if b is None else ms(b)) for a, b in zip(starts, ends, strict=True)]


def at_once(told: Story) -> Desk:
    desk = told.desk()
    desk.take(told.facts, END_S)
    return desk


@settings(max_examples=15, deadline=None)
@given(SEEDS, SEEDS)
def test_any_order_and_any_pieces_tell_the_same(seed: int, order: int) -> None:
    told = story(seed)
    by_and_by = told.desk()
    for batch in batches(told.facts, Random(order)):
        by_and_by.take(batch, END_S)
    assert by_and_by.everything() == at_once(told).everything()


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(20, 90))
def test_judged_while_it_happens_it_ends_up_the_same(seed: int, delay_s: int) -> None:
    told = story(seed)
    live = told.desk()
    for now_s in range(60, END_S + 1, 60):
        first, last = ms(now_s - 60 - delay_s), ms(now_s - delay_s if now_s < END_S else now_s)
        live.take([f for f in told.facts if first <= f.at < last], now_s)
        live.look(Span(ms(now_s - 60), ms(now_s)), now_s)
    assert live.everything() == at_once(told).everything()


@settings(max_examples=15, deadline=None)
@given(SEEDS)
@example(0)
def test_flips_that_hold_form_a_chain(seed: int) -> None:
    told = story(seed)
    desk = told.desk()
    desk.take(told.facts[::2], END_S)
    desk.take(told.facts[1::2], END_S)
    for key in KINDS:
        state, reason, at = "unknown", "never_measured", 0
        for flip in desk.effective(key):
            assert flip.from_state == state
            assert flip.at_ms > at
            assert (flip.to, flip.reason) != (state, reason)
            assert flip.to is not None
            state, reason, at = flip.to, flip.reason or "", flip.at_ms


def test_stories_hold_every_state_of_every_kind() -> None:
    kinds = [key for key, kind in KINDS.items() if kind != "service"]
    seen = {
        (key, to, reason) for seed in range(40) for key in kinds for _, to, reason in at_once(story(seed)).told(key)
    }
    assert {(key, to) for key, to, _ in seen} >= {(key, to) for key in kinds for to in ("ok", "degraded", "unknown")}
    assert {(LAN, "down"), (LINE, "down"), ("centre:00000-1", "down")} <= {(key, to) for key, to, _ in seen}
    reasons = {reason for key, _, reason in seen if key in (LAN, LINE)}
    assert reasons >= {"silent", "stale", "loss", "slow", "gateway_mute", "lan_down", "lan_unknown", "no_permission"}
    assert reasons >= {"port_slow", "dns_failed", "dns_slow", "wifi_weak", "below_contract", "line_full"}
