"""A span of the record judged for its causes once more: what was said comes out again; other rules say otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner

import alerts
from alerts.correlate import correlate
from alerts.correlate.limits import Limits, limits
from alerts.correlate.picture import Spell
from alerts.desk import Desk
from alerts.incidents.loop import Incidents
from alerts.replaying import cli
from alerts.replaying.comparing import compare
from alerts.replaying.past import Past
from alerts.replaying.playing import Replayed, Replayer, last_quiet, recent
from collector.api import State
from collector.hub import Hub
from tests.support.handclock import HandClock
from tests.support.incidents import HOUR, MINUTE, Province, line
from tests.support.stories import Story

STORY: list[tuple[int, int, State]] = [
    (0, 1, "down"), (4, 1, "ok"), (10, 2, "down"), (11, 3, "degraded"), (14, 2, "ok"), (20, 3, "ok"),
    (100, 1, "degraded"), (102, 1, "ok"), (104, 1, "degraded"), (110, 1, "ok"), (113, 4, "down"), (123, 4, "ok"),
]  # fmt: skip
"""Minute, line, what it turns to."""


@pytest.fixture
def bare(hub: Hub, clock: HandClock) -> Province:
    """A province where nothing ever flipped."""
    made = Province(hub, clock)
    made.settle()
    return made


@pytest.fixture
def province(bare: Province, clock: HandClock) -> Province:
    """Lines that fell and came back over two hours, judged by the real correlation as it happened."""
    loop, at = Incidents(bare.desk, correlate), 0
    for minute, n, to in STORY:
        live(loop, clock, minute - at)
        at = minute
        bare.flip(line(n), to, clock.wall - 20_000)
    live(loop, clock, 20)
    return bare


def live(loop: Incidents, clock: HandClock, minutes: int) -> None:
    """Time passes, and the loop looks, until nothing moves any more."""
    for _ in range(min(minutes, 4) * 3):
        loop.step()
        clock.forward(20_000)
    loop.step()
    clock.forward(max(0, minutes - 4) * MINUTE)
    loop.step()


def held(desk: Desk) -> Limits:
    return limits({one.key: one.value for one in desk.reader.policies(1)[0].thresholds})


def replayed(desk: Desk, rules: Limits, *, whole: bool = False) -> Replayed:
    now_ms = desk.clock.wall_ms()
    past = Past(desk.reader, now_ms - 12 * HOUR, now_ms)
    return Replayer(desk.reader, past, rules, correlate, whole=whole).run(now_ms - 12 * HOUR, now_ms, lambda *_: None)


def told(found: Replayed) -> list[tuple[str, str, int, int | None]]:
    return sorted((o.verdict.cause, o.verdict.owner, o.since_ms, o.ended_ms) for o in found.incidents)


def test_what_was_said_comes_out_again(province: Province) -> None:
    desk = province.desk
    found = replayed(desk, held(desk))
    reader = alerts.reader(desk)
    was = reader.incidents(0, desk.clock.wall_ms())
    difference = compare(was, reader.told(limit=500), found.incidents, found.messages)
    assert len(found.incidents) == len(was) >= 4
    assert (difference.same, difference.added, difference.gone, difference.changed) == (len(was), [], [], [])
    assert [one for one in difference.audiences if one.was != one.now] == []


def test_judging_only_what_is_near_says_the_same_as_judging_all_of_it(province: Province) -> None:
    desk = province.desk
    assert told(replayed(desk, held(desk))) == told(replayed(desk, held(desk), whole=True))


@pytest.mark.parametrize("seed", range(8))
def test_looking_where_something_is_to_be_seen_says_what_looking_at_everything_all_the_time_says(seed: int) -> None:
    story = Story(seed)
    begun = story.world.now
    for _ in range(30):
        story.go_on()
    rules = limits({one.key: one.value for one in story.world.policies(1)[0].thresholds})

    def played(*, whole: bool) -> Replayed:
        past = Past(story.world, begun - HOUR, story.world.now)
        return Replayer(story.world, past, rules, correlate, whole=whole).run(begun, story.world.now, lambda *_: None)

    narrow, whole = played(whole=False), played(whole=True)
    assert whole.looks > 2 * narrow.looks
    assert _grown(narrow) == _grown(whole)
    assert _sent(narrow) == _sent(whole)


def _grown(found: Replayed) -> list[tuple[object, ...]]:
    """What became of incidents; their numbers follow the order in which clusters were looked at."""
    return sorted(
        (
            o.since_ms, o.verdict.cause, o.verdict.rule, o.verdict.owner, o.verdict.state, o.verdict.subjects,
            str(o.ended_ms), o.opened_ms, str(o.closed_ms), o.stage, o.reopened, o.revisions, o.parent is None,
        )
        for o in found.incidents
    )  # fmt: skip


def _sent(found: Replayed) -> list[tuple[str, str, int]]:
    return sorted((one.kind, one.audience, one.at_ms) for one in found.messages)


def test_other_limits_say_otherwise(province: Province) -> None:
    desk = province.desk
    rules = msgspec.structs.replace(held(desk), flaps=2)
    few, many = replayed(desk, rules), replayed(desk, held(desk))
    assert told(few) != told(many)


def test_nothing_recorded_later_is_known_earlier(province: Province) -> None:
    desk = province.desk
    now_ms = desk.clock.wall_ms()
    past = Past(desk.reader, now_ms - 12 * HOUR, now_ms)
    every = desk.reader.flips(0, 100)
    past.go_to(every[2].recorded_ms)
    assert [flip.seq for flip in past.flips(0, 100)] == [flip.seq for flip in every[:3]]
    past.go_to(now_ms)
    assert past.flips(every[2].seq, 2) == every[3:5]


def test_a_later_beginning_knows_what_was_not_well_before(province: Province) -> None:
    desk = province.desk
    every = desk.reader.flips(0, 100)
    past = Past(desk.reader, every[1].recorded_ms, desk.clock.wall_ms())
    past.go_to(every[1].recorded_ms)
    assert past.before == every[1].seq - 1
    assert [flip.to for flip in past.unwell(0)[line(1)]] == ["down", "ok"]


def spell(first: int, last: int | None) -> Spell:
    return Spell("line:a", "down", "no_answer", first * MINUTE, None if last is None else last * MINUTE, 0)


@pytest.mark.parametrize(
    ("spells", "quiet_since"),
    [
        pytest.param([], 540, id="nothing at all"),
        pytest.param([spell(100, 200)], 540, id="far away"),
        pytest.param([spell(530, 560)], 470, id="near"),
        pytest.param([spell(480, 500), spell(530, 560)], 420, id="one near the other"),
        pytest.param([spell(10, None)], -50, id="it holds"),
    ],
)
def test_the_last_moment_that_nothing_connects(spells: list[Spell], quiet_since: int) -> None:
    assert last_quiet(spells, 600 * MINUTE, 60 * MINUTE) == quiet_since * MINUTE


def test_what_was_over_is_left_out() -> None:
    a, b, c = spell(1, 2), spell(5, 6), spell(8, None)
    assert recent({"x": [a, b, c], "y": [a]}, 3 * MINUTE) == {"x": [b, c]}


# --- as a command ---------------------------------------------------------------------------------------------------


def run(province: Province, *words: str) -> tuple[int, str]:
    @contextmanager
    def opened() -> Iterator[Desk]:
        yield province.desk

    def rules(path: Path) -> dict[str, float]:
        if path.name != "good.toml":
            raise ValueError(f"{path.name}: alerts.flaps: a number from 1 on")
        return {"alerts.flaps": 2.0}

    app = typer.Typer()
    app.callback()(lambda: None)
    cli.mount(app, opened, rules)
    done = CliRunner().invoke(app, ["replay", *words])
    return done.exit_code, done.output


def test_the_command_tells_what_would_be_different(province: Province) -> None:
    code, output = run(province, "1970-01-01", "2100-01-01")
    assert (code, "at most 400 days" in output) == (2, True)
    span = around(province)
    code, output = run(province, *span)
    assert code == 0, output
    assert "as they were" in output
    code, output = run(province, *span, "--rules", "good.toml", "--json")
    assert code == 0, output
    assert set(json.loads(output)["difference"]) == {"same", "added", "gone", "changed", "audiences"}


def around(province: Province) -> tuple[str, str]:
    now = datetime.fromtimestamp(province.clock.wall / 1000, UTC)
    return (now - timedelta(days=1)).isoformat(), (now + timedelta(days=1)).isoformat()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["yesterday", "2026-11-02"], "is no moment", id="no moment"),
        pytest.param(["2026-11-02", "2026-11-01"], "behind FROM", id="backwards"),
        pytest.param(["2026-11-01", "2026-11-02", "--lang", "fr"], "--lang", id="no language"),
        pytest.param(["2026-11-01", "2026-11-02", "--rules", "bad.toml"], "alerts.flaps", id="no policy"),
    ],
)
def test_wrong_usage_ends_with_its_sentence(bare: Province, words: list[str], says: str) -> None:
    code, output = run(bare, *words)
    assert (code, says in output) == (2, True), output
