"""A bandwidth test that a person starts by hand: by a ticket, or by a lease of the collector."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent import cli, permit
from tests.support.measuring import made, running
from wire.client import Unreachable
from wire.messages import LeaseAnswer, LeaseAsk


def test_a_ticket_in_the_hand_is_enough() -> None:
    with running(slow=True) as here:
        lease = permit.by_ticket(here.url, made(max_bytes=4_000_000))
        found = cli.once(
            None, probe="bandwidth", target="province", subject="line:07375-1/a", deadline_s=60, lease=lease
        )
    assert (found.subject, found.outcome, found.reason) == ("line:07375-1/a", "unknown", "aborted")
    assert "ended a stream" in str(found.detail["error"])  # it loaded the line until the ticket was used up


def test_a_machine_that_is_not_enrolled_says_what_else_it_can_do(tmp_path: Path) -> None:
    found = cli.once(
        tmp_path, probe="bandwidth", target="province", lease=permit.by_collector(tmp_path, lambda _: None)
    )
    assert (found.reason, "--server and --ticket" in str(found.detail["error"])) == ("no_lease", True)


def test_a_collector_that_says_later_is_asked_again_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    answers = [LeaseAnswer(why="busy", again_s=5.0), LeaseAnswer(why="busy", again_s=900.0)]
    monkeypatch.setattr(permit, "_ask", lambda *_: answers.pop(0))
    monkeypatch.setattr("agent.permit.time.sleep", slept.append)
    answer = permit.by_collector(None, lambda _: None)(LeaseAsk("b"))
    assert (slept, answer.again_s, answer.why) == ([5.0], None, "busy, for 900 s")


def test_who_is_not_enrolled_is_told_so() -> None:
    with pytest.raises(Unreachable, match="--ticket"):
        permit.by_collector(None, lambda _: None)(LeaseAsk("b"))
