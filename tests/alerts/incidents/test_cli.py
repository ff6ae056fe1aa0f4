"""`motcua alerts list`, `show` and `explain`, as people run them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from typer import Typer
from typer.testing import CliRunner

import alerts
from alerts.cli import commands
from alerts.desk import Desk
from collector.api import Actor
from collector.hub import Hub
from tests.support.handclock import HandClock
from tests.support.incidents import MINUTE, Province, line


@pytest.fixture
def province(hub: Hub, clock: HandClock) -> Province:
    """Line 1 fell, and turned out to be one of three of its carrier's; somebody is on the way."""
    made = Province(hub, clock)
    made.settle()
    loop = made.loop()
    made.flip(line(1), "down", clock.wall)
    loop.step()
    for n in (2, 3):
        made.flip(line(n), "down", clock.wall)
    clock.forward(MINUTE)
    loop.step()
    alerts.commands(made.desk).move(Actor("Lan", "session"), "1", "on_the_way", text="đang tới")
    return made


@pytest.fixture
def app(province: Province) -> Typer:
    @contextmanager
    def opened() -> Iterator[Desk]:
        yield province.desk

    return commands(opened, score=lambda: None, rules=lambda _path: {})


def run(app: Typer, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.output


@pytest.mark.parametrize(("lang", "stage"), [("vi", "đang tới"), ("en", "on the way")])
def test_the_list_tells_number_stage_and_owner_in_both_languages(app: Typer, lang: str, stage: str) -> None:
    code, text = run(app, "list", "--lang", lang)
    assert code == 0, text
    assert "1" in text
    assert stage in text.lower()


def test_show_tells_the_history_with_who_and_what_they_said(app: Typer) -> None:
    code, text = run(app, "show", "1")
    assert code == 0, text
    assert "[Lan]" in text
    assert "“đang tới”" in text


def test_explain_puts_the_old_verdict_beside_the_new_one(app: Typer) -> None:
    code, text = run(app, "explain", "1", "--lang", "en")
    assert code == 0, text
    assert "carrier instead of data line" in text
    assert "\n  − " in text
    assert "\n  + " in text
    assert text.count("⇢") == 3


def test_every_answer_is_also_one_json_document(app: Typer) -> None:
    code, text = run(app, "list", "--json", "--hours", "24")
    assert code == 0, text
    assert [one["number"] for one in json.loads(text)] == [1]
    assert json.loads(run(app, "show", "1", "--json")[1])["story"][0]["what"] == "opened"
    verdicts = json.loads(run(app, "explain", "1", "--json")[1])["verdicts"]
    assert [event["verdict"]["rule"] for event in verdicts] == ["line", "carrier"]


def test_what_nobody_knows_ends_with_its_exit_code(app: Typer) -> None:
    assert run(app, "show", "77")[0] == 3
    assert run(app, "list", "--lang", "fr")[0] == 2
