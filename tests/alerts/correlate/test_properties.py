"""What holds of correlation whatever became known, and in whatever order."""

from __future__ import annotations

import random
from dataclasses import replace

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.api import Said, Verdict
from alerts.api.words import LANGS, Lang, catalogue, say
from alerts.correlate import SHARED, correlate, explain, home, stirs, touched
from alerts.correlate.limits import Limits
from alerts.correlate.picture import Picture
from alerts.correlate.rules import RULES
from alerts.correlate.waiting import TIMED, UNTIMED
from collector.api import State
from tests.support.scenes import CENTRES, LIMITS, SYSTEMS, TOPOLOGY, Scene, lines_of, ms

REASONS: dict[str, list[tuple[State, str]]] = {
    "line": [
        ("down", "no_answer"), ("down", "lost_from_province"), ("degraded", "loss"), ("degraded", "dns_slow"),
        ("degraded", "below_contract"), ("unknown", "silent"), ("unknown", "lan_down"), ("unknown", "clock_unsure"),
    ],
    "lan": [("down", "no_answer"), ("degraded", "loss"), ("unknown", "silent")],
    "agent": [("unknown", "silent"), ("degraded", "clock_skew")],
    "device": [("degraded", "on_battery"), ("degraded", "disk_low"), ("down", "no_answer"), ("unknown", "silent")],
    "service": [("down", "refused"), ("degraded", "slow"), ("unknown", "line_down")],
    "shared": [("down", "service_down"), ("degraded", "service_slow"), ("unknown", "too_few")],
    "centre": [("down", "no_line"), ("degraded", "own_fault"), ("unknown", "silent")],
}  # fmt: skip
SHARED_SYSTEMS = [f"service:{system}" for system in SYSTEMS]
SUBJECTS = sorted(TOPOLOGY.centre_of) + SHARED_SYSTEMS
SHARED_OWNERS = {"service", "carrier", "province", "planned"}


def reasons(subject: str) -> list[tuple[State, str]]:
    return REASONS["shared" if subject in SHARED_SYSTEMS else subject.partition(":")[0]]


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Anything at all: subjects in any state for any time, boots, planned stops."""
    scene = Scene()
    for subject in draw(st.lists(st.sampled_from(SUBJECTS), max_size=40, unique=True)):
        at = 0
        for _ in range(draw(st.integers(1, 3))):
            state, reason = draw(st.sampled_from(reasons(subject)))
            at += draw(st.integers(0, 600))
            lasts = draw(st.integers(1, 2_000) | st.none())
            known = at + draw(st.sampled_from([20, 60, 180, 2_000]))
            detail = {"seen": 2, "of": 5} if subject in SHARED_SYSTEMS else {}
            scene.told(subject, state, reason, at, None if lasts is None else at + lasts, known=known, **detail)
            if lasts is None:
                break
            at += lasts
    for centre in draw(st.lists(st.sampled_from(CENTRES), max_size=3)):
        scene.boot(centre, draw(st.integers(-600, 4_000)))
    stops = ["centre:b1", "line:b1/a", "carrier:vnpt/vnpt-bac", "area:nam", "service:dvcqg", "lan:b2", "device:b3"]
    for subject in draw(st.lists(st.sampled_from(stops), max_size=2, unique=True)):
        begins = draw(st.integers(-600, 2_000))
        scene.plan(subject, begins, begins + draw(st.integers(60, 3_000)))
    return scene


@given(scenes(), st.integers(0, 6_000), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_in_which_things_are_told_does_not_matter(scene: Scene, now_s: int, chance: random.Random) -> None:
    picture = scene.at(now_s)
    keys = list(picture.spells)
    chance.shuffle(keys)
    shuffled = {key: chance.sample(list(picture.spells[key]), len(picture.spells[key])) for key in keys}
    assert correlate(replace(picture, spells=shuffled)) == correlate(picture)


@given(scenes(), st.integers(0, 6_000))
@settings(max_examples=40, deadline=None)
def test_nothing_is_explained_twice_but_by_what_is_shared(scene: Scene, now_s: int) -> None:
    taken: list[int] = []
    for found in explain(scene.at(now_s)):
        if found.verdict.owner not in SHARED_OWNERS or found.verdict.rule == "line":
            taken += [id(spell) for run in found.runs for spell in run.spells]
    assert len(taken) == len(set(taken))


@given(scenes(), st.integers(0, 6_000))
@settings(max_examples=40, deadline=None)
def test_all_evidence_lies_in_the_picture(scene: Scene, now_s: int) -> None:
    picture = scene.at(now_s)
    arrived = {(s.subject, s.recorded_ms) for spells in picture.spells.values() for s in spells}
    arrived |= {(boot.agent, boot.known_ms) for boots in picture.boots.values() for boot in boots}
    arrived |= {(w.subject, w.set_ms) for windows in picture.planned.values() for w in windows}
    for verdict in correlate(picture):
        assert verdict.evidence
        assert {(one.subject, one.arrived_ms) for one in verdict.evidence} <= arrived
        assert all(one.arrived_ms <= picture.now_ms for one in verdict.evidence)


@given(scenes(), st.integers(0, 6_000))
@settings(max_examples=40, deadline=None)
def test_verdicts_are_sound(scene: Scene, now_s: int) -> None:
    verdicts = correlate(scene.at(now_s))
    for verdict in verdicts:
        assert verdict.subjects
        assert verdict.since_ms <= ms(now_s)
        assert verdict.ended_ms is None or verdict.ended_ms >= verdict.since_ms
        assert (verdict.owner == "unknown") == bool(verdict.candidates)
        assert len(verdict.considered) == len(RULES)
        assert [one.rule for one in verdict.considered if one.fired] == [verdict.rule]
    assert len({(verdict.cause, verdict.since_ms, verdict.rule) for verdict in verdicts}) == len(verdicts)


@given(scenes(), st.integers(0, 6_000))
@settings(max_examples=40, deadline=None)
def test_clusters_looked_at_alone_tell_what_all_together_tell(scene: Scene, now_s: int) -> None:
    picture = scene.at(now_s)
    apart = [v for name in [SHARED, *TOPOLOGY.ground.clusters] for v in correlate(picture, {name})]
    assert sorted(apart, key=_named) == sorted(correlate(picture), key=_named)


@given(scenes(), st.integers(0, 6_000), st.data())
@settings(max_examples=40, deadline=None)
def test_what_became_known_of_one_subject_changes_only_the_clusters_it_touches(
    scene: Scene, now_s: int, data: st.DataObject
) -> None:
    before = scene.at(now_s)
    if not before.spells:
        return
    gone = data.draw(st.sampled_from(sorted(before.spells)))
    after = replace(before, spells={key: spells for key, spells in before.spells.items() if key != gone})
    names = touched(before, [gone]) | touched(after, [gone])
    kept = [v for v in correlate(before) if home(before, v) not in names]
    assert _unconsidered([*kept, *correlate(after, names)]) == _unconsidered(correlate(after))


YEAR_MS = 365 * 86_400_000
EVERY = {SHARED, *TOPOLOGY.ground.clusters}
PATIENCE = {name: st.integers(1, 900) for name in sorted(TIMED)}
"""Limits that a rule holds against the time that it is: any, so that no moment of one hides that of another."""


@given(scenes(), st.integers(0, 6_000), st.integers(1, 300_000), st.fixed_dictionaries(PATIENCE))
@settings(max_examples=120, deadline=None)
def test_time_alone_changes_nothing_before_it_is_said_to_stir(
    scene: Scene, now_s: int, later_s: int, patience: dict[str, int]
) -> None:
    known = scene.at(now_s)
    before = replace(known, limits=msgspec.structs.replace(known.limits, **patience))
    due = stirs(before)
    after = replace(before, now_ms=before.now_ms + 1000 * later_s)
    still = {name for name in EVERY if due.get(name, after.now_ms + 1) > after.now_ms}
    assert _essence(before, correlate(before), still) == _essence(after, correlate(after), still)


@st.composite
def silences(draw: st.DrawFn) -> Scene:
    """Boxes that are not heard, beside lines of which little is known: most of it is decided by how long it lasts."""
    scene = Scene()
    for centre in draw(st.lists(st.sampled_from(["b1", "b2", "b3", "b5", "n4"]), min_size=1, max_size=3, unique=True)):
        begun = draw(st.integers(0, 200))
        scene.told(f"agent:{centre}", "unknown", "silent", begun, _end(draw, begun), known=begun + 50)
        for line in lines_of(centre):
            state, reason = draw(st.sampled_from(BESIDE))
            at = begun + draw(st.integers(-100, 500))
            if reason:
                scene.told(f"line:{line}", state, reason, at, _end(draw, at), known=at + draw(st.integers(20, 200)))
        if draw(st.booleans()):
            scene.told(f"service:dvcqg@{centre}", "down", "refused", begun, _end(draw, begun))
    return scene


@st.composite
def restless(draw: st.DrawFn) -> Scene:
    """What comes and goes, a system that one place alone sees ill, a PC that is not heard, where else all is well."""
    scene, at = Scene(), 0
    state, reason = draw(st.sampled_from([("down", "no_answer"), ("degraded", "loss")]))
    for _ in range(draw(st.integers(3, 7))):
        at += draw(st.integers(1, 400))
        scene.told("line:b3/a", "down" if state == "down" else "degraded", reason, at, at + 20, known=at + 30)
        at += 20
    for subject in draw(st.lists(st.sampled_from(["service:dvcqg@n4", "service:igate@b4", "agent:b1-pc1", "agent:v"]))):
        told: tuple[State, str] = ("unknown", "silent") if subject.startswith("agent:") else ("down", "refused")
        if subject not in scene.spells:
            begun = at + draw(st.integers(-300, 300))
            scene.told(subject, *told, begun, _end(draw, begun))
    return scene


BESIDE: list[tuple[State, str]] = [
    ("unknown", "silent"), ("unknown", "silent"), ("down", "lost_from_province"), ("down", "no_answer"),
    ("degraded", "dns_slow"), ("ok", ""),
]  # fmt: skip


def _end(draw: st.DrawFn, begun: int) -> int | None:
    lasts = draw(st.none() | st.integers(1, 600))
    return None if lasts is None else begun + lasts


@given(silences() | restless() | scenes(), st.fixed_dictionaries(PATIENCE))
@settings(max_examples=120, deadline=None)
def test_from_one_moment_to_the_next_nothing_changes(scene: Scene, patience: dict[str, int]) -> None:
    rules = msgspec.structs.replace(LIMITS, **patience)
    every = [spell for spells in scene.spells.values() for spell in spells]
    known_ms = max((max(spell.recorded_ms, spell.to_ms or 0) for spell in every), default=ms(0))
    picture = replace(scene.at(10_000), now_ms=known_ms, limits=rules)
    for _ in range(40):
        due_ms = min(stirs(picture).values(), default=picture.now_ms + YEAR_MS)
        later = replace(picture, now_ms=due_ms - 1)
        assert _essence(picture, correlate(picture), EVERY) == _essence(later, correlate(later), EVERY)
        if due_ms == picture.now_ms + YEAR_MS:
            break
        picture = replace(picture, now_ms=due_ms)


def test_every_limit_of_time_has_its_moments_or_is_known_to_need_none() -> None:
    timed = {name for name in Limits.__struct_fields__ if name.endswith("_s")}
    assert timed == TIMED | UNTIMED, "say in alerts/correlate/waiting.py when time alone may reach a new limit"
    assert not TIMED & UNTIMED


def _unconsidered(verdicts: list[Verdict]) -> list[Verdict]:
    """Whether a shared system was ill meanwhile is said beside every verdict; it changes none."""
    return sorted((replace(v, considered=()) for v in verdicts), key=_named)


def _essence(picture: Picture, verdicts: list[Verdict], names: set[str]) -> list[tuple[object, ...]]:
    """All that a reconciliation compares, figures in sentences aside."""
    own = [verdict for verdict in verdicts if home(picture, verdict) in names]
    return sorted(
        (
            v.since_ms, v.cause, v.rule, v.owner, v.state, str(v.ended_ms), v.subjects, v.centres, v.affected,
            v.confidence, v.visit, v.candidates, v.said.key, sorted((one.subject, one.said.key) for one in v.evidence),
        )
        for v in own
    )  # fmt: skip


def _named(verdict: Verdict) -> tuple[int, str, str]:
    return verdict.since_ms, verdict.cause, verdict.rule


# --- sentences ------------------------------------------------------------------------------------------------------


class Plain:
    """Keys as they are."""

    def name(self, key: str, lang: Lang) -> str:
        return key


def said(picture: Picture) -> list[Said]:
    every: list[Said] = []
    for verdict in correlate(picture):
        every += [verdict.said, *(one.said for one in verdict.evidence), *(one.why for one in verdict.considered)]
    return every


@given(scenes(), st.integers(0, 6_000))
@settings(max_examples=40, deadline=None)
def test_whatever_is_said_has_words_in_both_languages_and_lacks_no_value(scene: Scene, now_s: int) -> None:
    for one in said(scene.at(now_s)):
        for lang in LANGS:
            text = say(one, lang, Plain())
            assert text
            assert "–" not in text, (one, text)


def test_no_sentence_of_these_sections_is_longer_than_three_short_messages() -> None:
    long = [key for key, text in catalogue("vi").items() if key.startswith("verdict.") and len(text) > 3 * 67]
    assert long == []
