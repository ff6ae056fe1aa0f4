"""The commands about messages, as a person types them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner, Result

from alerts.deliver.command import add_to
from alerts.desk import Desk
from collector.api import Duty
from tests.support.delivering import SETTINGS, Bench, letters
from tests.support.mailing import Receiver, receiving
from tests.support.telling import NOW_MS

HOUR_MS = 3_600_000


def run(bench: Bench, *words: str) -> Result:
    app = typer.Typer()

    @contextlib.contextmanager
    def desk() -> Iterator[Desk]:
        yield bench.desk

    add_to(app, desk)
    return CliRunner().invoke(app, list(words))


def test_an_empty_outbox_says_so(bench: Bench) -> None:
    assert run(bench, "outbox").stdout == "nothing was ever to be told\n"
    assert run(bench, "outbox", "--dead").stdout == "no dead letters\n"
    assert json.loads(run(bench, "outbox", "--json").stdout) == []


def test_a_dead_letter_is_listed_with_its_reason_and_revived_by_its_key(bench: Bench) -> None:
    with receiving((400, {}, b"")) as server:
        bench.settle(SETTINGS.format(url=server.url, kind="people"))
        bench.put(bench.open())
        bench.step()
    (one,) = json.loads(run(bench, "outbox", "--dead", "--json").stdout)
    assert (one["state"], one["at"], one["error"]) == ("dead", "2026-11-23 15:00:00", "127.0.0.1 answered 400")
    shown = run(bench, "outbox", "--dead").stdout
    assert one["key"] in shown.split()
    assert "call to team:vnpt-bac by mail, tries: 1" in shown
    done = run(bench, "retry", one["key"])
    assert (done.exit_code, done.stdout[:21]) == (0, "1 to be tried again, ")
    assert bench.states() == ["waiting"]
    assert run(bench, "retry", one["key"]).exit_code == 3


def test_a_channel_is_tried_with_a_message_that_says_so(bench: Bench, server: Receiver) -> None:
    done = run(bench, "test", "mail", "--to", "me@example.com")
    assert (done.exit_code, done.stdout) == (0, "mail (people, me@example.com): taken, the other side says taken-1\n")
    (left,) = letters(server)
    assert (left.kind, left.title) == ("test", "Thử kênh mail, không phải sự cố")
    assert bench.rows() == []


def test_a_team_is_tried_by_every_way_that_leads_to_it(bench: Bench) -> None:
    bench.world.turns = [Duty("vnpt-bac", "An", "+84 1", NOW_MS - HOUR_MS, NOW_MS + HOUR_MS)]
    with receiving((200, {}, b"x")) as well, receiving((503, {}, b"")) as ill:
        bench.settle(
            f'[channels.a]\nkind="people"\nurl="{well.url}"\n[channels.b]\nkind="people"\nurl="{ill.url}"\n'
            '[routes."team:vnpt-bac"]\nchannels=["a","b"]\naddresses={a="desk@example.com"}\n'
        )
        done = run(bench, "test", "vnpt-bac")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "a (people, desk@example.com): taken, the other side says x",
        "b (people): not now: 127.0.0.1 answered 503",
    ]


@pytest.mark.parametrize(
    ("whom", "says"),
    [
        pytest.param(
            "mial", "there is no such channel or team in alerts.toml; known are mail, vnpt-bac, officer", id="typo"
        ),
        pytest.param("officer", "no route leads to officer", id="no route"),
    ],
)
def test_who_cannot_be_tried_is_said_with_who_can(bench: Bench, whom: str, says: str) -> None:
    bench.settle('[channels.mail]\nkind="log"\n[routes."team:*"]\nchannels=["mail"]\n')
    done = run(bench, "test", whom)
    assert (done.exit_code, says in done.stderr) == (3, True)


def test_settings_that_cannot_be_read_are_said(bench: Bench) -> None:
    bench.settle("[channels\n")
    done = run(bench, "test", "mail")
    assert (done.exit_code, "alerts.toml: this is not TOML" in done.stderr) == (2, True)
