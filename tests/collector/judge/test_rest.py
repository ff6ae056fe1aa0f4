"""What is at rest is not judged again; what is told is the same as if it were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.judge.agent import Condition
from collector.judge.facts import Fact
from collector.judge.rest import Rest
from collector.judge.settling import Part, Settled, review
from collector.judge.timeline import ALWAYS, Span
from collector.judging.policy import Policies, Policy, Version
from tests.support.measured import (
    AGENT,
    CENTRE,
    DEVICE,
    LAN,
    LINE,
    MAIL,
    PERIODS_S,
    POLICIES,
    POLICY,
    PORTAL,
    SECOND_LINE,
    Desk,
    ms,
    report,
    run,
    train,
)  # fmt: skip

_DISK = "motcua_device_disk_used_ratio"
_SPOOL = "motcua_agent_spool_oldest_seconds"
LENGTH_S = 4_500


@dataclass(slots=True)
class Resting(Desk):
    """A desk that leaves alone what is at rest, as the judge's loop does."""

    rests: dict[frozenset[str], Rest] = field(default_factory=dict)
    left_alone: int = 0

    def take_resting(self, facts: list[Fact], now_s: float) -> None:
        self.facts.extend(facts)
        keys = {fact.subject for fact in facts}
        touched = [part for part in self.parts() if keys & part.keys]
        woken = [part for part in touched if not self._stays(part.keys, facts)]
        self.left_alone += len(touched) - len(woken)
        if woken:
            self._look_at(Span(min(f.at for f in facts), max(f.at for f in facts)), now_s, woken, timed=False)

    def look_resting(self, touched: Span, now_s: float) -> None:
        self._look_at(touched, now_s, self.parts(), timed=True)

    def _stays(self, keys: frozenset[str], facts: list[Fact]) -> bool:
        rest = self.rests.get(keys)
        met = "behind" if rest is None else rest.meets(facts)
        if met == "behind":
            self.rests.pop(keys, None)
        return met == "rest"

    def _look_at(self, touched: Span, now_s: float, parts: Sequence[Part], *, timed: bool) -> None:
        whole = self.parts()[0] in parts
        wanted = self.parts() if whole else [part for part in self.parts() if part in parts]
        rested = {part.keys for part in wanted if self.rests.pop(part.keys, None) is not None}
        found = review(self.load, touched, now=ms(now_s), centre=CENTRE, parts=wanted, timed=timed, rested=rested)
        self.write(found)
        for settled in found:
            self._rest(settled, ms(now_s))

    def _rest(self, settled: Settled, now: int) -> None:
        since = now - settled.part.pace.back_ms - settled.part.pace.ahead_ms
        rest = Rest.of(settled.case, settled.timelines, since, now) if settled.span.end >= now else None
        if rest is not None:
            self.rests[settled.part.keys] = rest


def story(seed: int) -> list[Fact]:
    """More than an hour of mostly good weather."""
    dice = Random(seed)
    sources = [(LAN, "gateway"), (LINE, "collector"), (LINE, "192.0.2.9"), (SECOND_LINE, "192.0.2.10")]
    facts = [fact for subject, target in sources[: dice.randint(2, 4)] for fact in _weather(dice, subject, target)]
    facts += [fact for subject in (PORTAL, MAIL) for fact in _runs(dice, subject)]
    facts += list(_reports(dice))
    return sorted(facts, key=lambda fact: fact.at)


def _bad(dice: Random) -> list[tuple[float, float]]:
    """When it storms: few times, briefly."""
    starts = [dice.uniform(0, LENGTH_S) for _ in range(dice.choice([0, 0, 1, 2]))]
    return [(start, start + dice.uniform(5, 200)) for start in starts]


def _weather(dice: Random, subject: str, target: str) -> Iterator[Fact]:
    storms, kind = _bad(dice), dice.choice(["lost", "lossy", "slow", "blind", "nothing"])
    second = dice.uniform(0, 10)
    while second < LENGTH_S:
        spell = kind if any(a <= second <= b for a, b in storms) else "good"
        lost = {"lost": 5, "lossy": 1}.get(spell, 0)
        if spell == "blind":
            yield train(second, subject, target=target, outcome="unknown")
        elif spell != "nothing":
            yield train(second, subject, target=target, lost=lost, rtt_s=0.2 if spell == "slow" else 0.01)
        second += dice.choice([9.0, 10.0, 10.0, 11.0])


def _runs(dice: Random, subject: str) -> Iterator[Fact]:
    storms, second = _bad(dice), dice.uniform(0, 60)
    while second < LENGTH_S:
        stormy = any(a <= second <= b + 300 for a, b in storms)
        yield run(
            second, subject, total_s=9.0 if stormy else 0.3, outcome=dice.choice(["ok", "fail"]) if stormy else "ok"
        )
        second += PERIODS_S[subject] * dice.uniform(0.97, 1.03)


def _reports(dice: Random) -> Iterator[Fact]:
    full_from = dice.choice([0, LENGTH_S, LENGTH_S // 2])
    for minute in range(LENGTH_S // 60):
        if dice.random() < 0.98:
            yield report(minute * 60 + 7.5, (_DISK, "/", 0.99 if minute * 60 >= full_from else 0.5))
            spool = 9_000.0 if dice.random() < 0.01 else 0.0
            yield report(minute * 60 + 7.6, (_SPOOL, "", spool), subject=AGENT)


def _presence(dice: Random) -> list[Span]:
    if dice.random() < 0.6:
        return [Span(ms(-10), ALWAYS)]
    gone = dice.uniform(1_500, LENGTH_S - 300)
    return [Span(ms(-10), ms(gone)), Span(ms(gone + dice.uniform(20, 200)), ALWAYS)]


def _pieces(facts: list[Fact], dice: Random) -> Iterator[tuple[float, list[Fact]]]:
    """Minute by minute as they come, some batches late, some with but one fact."""
    late: list[Fact] = []
    for now_s in range(60, LENGTH_S + 301, 60):
        mine = [f for f in facts if ms(now_s - 60) <= f.at < ms(now_s)]
        held, late = late, []
        if dice.random() < 0.03:
            late, mine = mine, []
        cut = dice.randint(0, len(mine))
        for piece in (mine[:cut], mine[cut:], held):
            if piece:
                yield float(now_s), piece


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**32))
def test_what_is_left_alone_is_told_as_if_it_were_judged(seed: int) -> None:
    dice = Random(seed)
    facts, presence = story(seed), _presence(dice)
    skew = [Condition("clock_skew", Span(ms(2_000), ms(2_060)))] if dice.random() < 0.3 else []
    policies = dice.choice([POLICIES, _stricter_from(ms(2_700))])
    plain = Desk(presence=presence, conditions=skew, policies=policies)
    resting = Resting(presence=presence, conditions=skew, policies=policies)
    looks = sorted({edge for span in (*presence, *(c.span for c in skew)) for edge in (span.start, span.end)})
    before_s = 0.0
    for now_s, piece in _pieces(facts, dice):
        plain.take(piece, now_s)
        resting.take_resting(piece, now_s)
        for edge in (edge for edge in looks if ms(before_s) < edge <= ms(now_s)):
            plain.look(Span(edge, ms(now_s)), now_s)
            resting.look_resting(Span(edge, ms(now_s)), now_s)
        before_s = now_s
    assert resting.everything() == plain.everything()


def test_good_weather_is_mostly_left_alone() -> None:
    facts = [f for subject in (LAN, LINE) for f in (train(10.0 * n, subject) for n in range(450))]
    desk = Resting()
    for now_s, piece in _pieces(sorted(facts, key=lambda f: f.at), Random(1)):
        desk.take_resting(piece, now_s)
    assert desk.left_alone > 0.9 * LENGTH_S / 60


def _stricter_from(at_ms: int) -> Policies:
    return Policies((Version(1, 0, POLICY), Version(2, at_ms, _limited(0.005))))


def _limited(rtt_s: float) -> Policy:
    return msgspec.structs.replace(POLICY, line=msgspec.structs.replace(POLICY.line, rtt_s=rtt_s))


_WELL = [train(10.0 * n, subject) for n in range(200) for subject in (LAN, LINE)]


@pytest.mark.parametrize(
    ("came", "met"),
    [
        pytest.param([train(2_000, LINE)], "rest", id="one more good train"),
        pytest.param([train(2_000, LINE), train(2_010, LINE)], "rest", id="two more"),
        pytest.param([train(2_000, LINE, lost=1)], "news", id="a packet lost"),
        pytest.param([train(2_000, LINE, lost=5)], "news", id="a train lost"),
        pytest.param([train(2_000, LINE, rtt_s=0.06)], "news", id="a slow train"),
        pytest.param([train(2_000, LAN, rtt_s=0.06)], "rest", id="a lan has no limit for round trips"),
        pytest.param([train(2_000, LINE, outcome="unknown")], "news", id="a train that could not be sent"),
        pytest.param([train(1_985, LINE)], "behind", id="something older than what is known"),
        pytest.param([train(2_000, LINE, target="192.0.2.9")], "news", id="an anchor never asked before"),
        pytest.param([train(2_040, LINE)], "behind", id="after a hole"),
        pytest.param([report(2_000, (_DISK, "/", 0.5))], "news", id="a device that was never measured"),
        pytest.param([run(2_000, PORTAL)], "rest", id="a service is another part"),
    ],
)  # fmt: skip
def test_only_more_of_the_same_leaves_a_centre_at_rest(came: list[Fact], met: str) -> None:
    desk = Resting()
    desk.take_resting(_WELL, 1_991)
    core = next(part.keys for part in desk.parts() if CENTRE in part.keys)
    assert desk.rests[core].meets(came) == met


@pytest.mark.parametrize("share", [0.5, 0.99], ids=["a device that is well", "a device whose disk is full"])
def test_a_device_that_reports_the_same_is_left_alone(share: float) -> None:
    desk = Resting()
    desk.take_resting([report(60.0 * n, (_DISK, "/", share)) for n in range(40)], 2_350)
    (core,) = (rest for keys, rest in desk.rests.items() if DEVICE in keys)
    assert core.meets([report(2_400, (_DISK, "/", share))]) == "rest"
    assert core.meets([report(2_460, (_DISK, "/", 1.49 - share))]) == "news"
