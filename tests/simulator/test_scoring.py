"""The score, by hand: what belongs to which cause, whose call it was, and what counts as wrong."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from simulator.causes import Cause
from simulator.figures import figures
from simulator.owners import Planned, owners_of
from simulator.scoring import Heard, Scored, score
from simulator.truth import tell
from tests.support.simulated import MINUTE, START, cause, province

A, B = "07001-1/a", "07002-1/a"
NAMES = {f"agent@0700{n}-1": f"agent:{n}" for n in (1, 2, 3)} | {f"device@0700{n}-1": f"device:{n}" for n in (1, 2, 3)}


@dataclass(frozen=True)
class Verdict:
    cause: str
    owner: str
    subjects: tuple[str, ...]
    rule: str = "line"
    centres: tuple[str, ...] = ()
    affected: tuple[str, ...] = ()


@dataclass(frozen=True)
class Incident:
    id: str
    verdict: Verdict
    since_ms: int
    ended_ms: int | None
    opened_ms: int
    number: int = 1
    closed_ms: int | None = None
    parent: str | None = None
    revisions: int = 0


@dataclass(frozen=True)
class Message:
    incident: str
    audience: str
    created_ms: int
    kind: str = "call"
    state: str = "waiting"


@dataclass(frozen=True)
class Said:
    values: dict[str, object]


@dataclass(frozen=True)
class Event:
    at_ms: int
    what: str
    said: Said | None = None
    verdict: Verdict | None = None


def at(minute: float) -> int:
    return START + round(minute * MINUTE)


def incident(
    name: str, verdict: Verdict, first: float, last: float | None, *, opened: float = 0, **more: object
) -> Incident:
    ended = None if last is None else at(last)
    return Incident(name, verdict, at(first), ended, at(opened or first + 1), **more)  # type: ignore[arg-type]  # by name


def line(key: str = A, owner: str = "line", **more: object) -> Verdict:
    return Verdict(f"line:{key}", owner, (f"line:{key}", f"centre:{key[:7]}"), **more)  # type: ignore[arg-type]  # by name


def scored(causes: list[Cause], incidents: list[Incident], messages: list[Message], *stops: Planned) -> Scored:
    truth = tell(causes, province(), stops)
    return score(1, truth, Heard(incidents, messages, NAMES, province()))


LAN = Verdict("lan:07001-1", "lan", ("line:07001-1/a",))
CUT = cause("line_cut", A, first=10, last=30)


def test_a_cause_that_was_found_named_and_told_once() -> None:
    found = scored([CUT], [incident("i", line(), 10, 30)], [Message("i", "team:x", at(11))])
    (row,) = found.rows
    assert (row.found, row.right, row.told, row.detect_s) == (True, True, [1], 60.0)
    assert figures([found], 1.0).holds


@pytest.mark.parametrize(
    ("incidents", "messages", "what"),
    [
        pytest.param([], [], "missed", id="nobody noticed"),
        pytest.param([incident("i", line(owner="power"), 10, 30)], [Message("i", "team:x", at(11))], "wrong_owner",
                     id="another's fault"),
        pytest.param([incident("i", line(), 10, 30)], [], "not_one", id="nobody was called"),
        pytest.param([incident("i", line(), 10, 30)], [Message("i", "team:x", at(11)), Message("i", "team:x", at(14))],
                     "not_one", id="called twice"),
        pytest.param([incident("i", line(), 10, 30)],
                     [Message("i", "team:x", at(11)), Message("i", "centre:c", at(32), kind="recovered")], "not_one",
                     id="heard of the end alone"),
        pytest.param([incident("i", line(B), 10, 30), incident("j", line(), 10, 30)],
                     [Message("j", "team:x", at(11))], "false", id="where nothing was wrong"),
        pytest.param([incident("i", line(), 10, 30), incident("j", LAN, 10, 30)],
                     [Message("i", "team:x", at(11))], "spare", id="a second incident beside it"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_on_its_list(incidents: list[Incident], messages: list[Message], what: str) -> None:
    result = figures([scored([CUT], incidents, messages)], 1.0)
    wrong = {name for name in ("missed", "wrong_owner", "not_one", "false", "spare") if getattr(result, name)}
    assert wrong == {what}
    assert result.holds is (what in {"false", "spare"})


def test_what_was_withdrawn_is_no_answer_but_its_calls_count() -> None:
    gone = incident("i", line(), 10, 10, closed_ms=at(12))
    found = scored(
        [CUT], [gone, incident("j", line(), 10, 30)], [Message("i", "team:x", at(11)), Message("j", "team:x", at(12))]
    )
    (row,) = found.rows
    assert (row.right, row.calls) == (True, {"team:x": 2})


def test_one_incident_may_tell_of_two_causes_one_after_the_other() -> None:
    slow = cause("line_slow", A, first=20, last=90, name="slow")
    told = [Message("i", "team:x", at(11)), Message("i", "team:x", at(40))]
    found = scored([CUT, slow], [incident("i", line(), 10, 100)], told)
    assert [row.told for row in found.rows] == [[1], [1]]


def test_a_cause_told_of_with_another_is_told_of() -> None:
    slow = cause("line_slow", A, first=20, last=90, name="slow")
    found = scored([CUT, slow], [incident("i", line(), 10, 100)], [Message("i", "team:x", at(11))])
    assert [row.told for row in found.rows] == [[1], [1]]


def test_what_another_cause_hid_while_it_lasted_is_learned_afterwards_and_calls_nobody() -> None:
    trunk = [f"0700{n}-1/{letter}" for n in (1, 3) for letter in "ab"]
    causes = [cause("power", "07001-1", first=10, last=30), cause("carrier_cut", *trunk, first=12, last=28, name="c2")]
    power = Verdict("power:07001-1", "power", ("lan:07001-1",))
    cut = Verdict("carrier:vnpt/vnpt-1", "carrier", tuple(f"line:{key}" for key in trunk))
    incidents = [incident("i", cut, 10, 30, opened=13), incident("j", power, 10, 30, opened=31)]
    found = figures([scored(causes, incidents, [Message("i", "team:x", at(13))])], 1.0)
    assert (found.not_one, found.spare, found.detect.count, found.detect_slow.median) == ([], [], 1, 21 * 60.0)
    assert found.afterwards == ["1/c1 power 07001-1"]
    alone = scored(causes[:1], incidents[1:], [])
    assert [row.told for row in alone.rows] == [[0]]


def test_a_cause_is_known_of_once_anything_is_open_about_it_whatever_it_turns_out_to_be() -> None:
    power = Verdict("power:07001-1", "power", (f"line:{A}", "agent:07001-1"))
    incidents = [incident("i", line(), 10, 29, opened=11), incident("j", power, 10, 30, opened=31)]
    (row,) = scored([cause("power", "07001-1", first=10, last=30)], incidents, []).rows
    assert (row.owner, row.detect_s) == ("power", 60.0)


def test_the_incident_of_a_cause_that_is_not_due_is_not_beside_another() -> None:
    causes = [cause("power", "07001-1", first=0, last=30), cause("line_slow", A, first=1, last=20, name="slow")]
    power = incident("i", Verdict("power:07001-1", "power", ("lan:07001-1",)), 0, 30)
    slow = incident("j", line(), 1, 12)
    found = scored(causes, [power, slow], [Message("i", "officer", at(3))])
    assert ([row.due for row in found.rows], found.false) == ([True, False], [])
    assert found.spare == []


def test_a_call_for_what_was_not_due_is_no_second_call_for_what_hid_it() -> None:
    trunk = [f"0700{n}-1/{letter}" for n in (1, 3) for letter in "ab"]
    causes = [cause("carrier_cut", *trunk, first=0, last=20), cause("line_lossy", A, first=5, last=35, name="lossy")]
    cut = incident("i", Verdict("carrier:vnpt/vnpt-1", "carrier", tuple(f"line:{key}" for key in trunk)), 0, 20)
    told = [Message("i", "team:x", at(1)), Message("j", "team:x", at(26))]
    found = scored(causes, [cut, incident("j", line(), 22, 40)], told)
    assert ([row.due for row in found.rows], found.rows[0].calls, found.spare) == ([True, False], {"team:x": 1}, [])
    other = scored(causes, [cut, incident("j", line(owner="power"), 22, 40)], told)
    assert other.rows[0].calls == {"team:x": 2}


def test_a_planned_stop_calls_nobody() -> None:
    stop = Planned(f"line:{A}", at(5), at(40))
    quiet = figures([scored([CUT], [], [], stop)], 1.0)
    assert (quiet.causes, quiet.quiet, quiet.disturbed, quiet.holds) == (0, 1, [], True)
    loud = figures([scored([CUT], [incident("i", line(), 10, 30)], [Message("i", "team:x", at(11))], stop)], 1.0)
    assert (len(loud.disturbed), loud.holds) == (1, False)


def test_what_goes_on_after_its_planned_stop_has_an_owner() -> None:
    (told,) = tell([CUT], province(), [Planned(f"line:{A}", at(5), at(20))])
    assert (told.planned, told.owners) == (False, ("line",))
    assert {(e.from_ms, e.to_ms) for e in told.expected} == {(at(20), at(30))}


TRUNK = [f"0700{n}-1/{letter}" for n in (1, 3) for letter in "ab"]


@pytest.mark.parametrize(
    ("causes", "owners"),
    [
        pytest.param([cause("carrier_cut", *TRUNK, first=0, last=20)], ("carrier",), id="a trunk"),
        pytest.param([cause("carrier_cut", A, first=0, last=20)], ("carrier", "line"), id="a trunk of one line"),
        pytest.param([cause("line_cut", key, first=0, last=20, name=key) for key in TRUNK], ("line", "carrier"),
                     id="as many lines as a trunk"),
        pytest.param([cause("line_cut", key, first=5 * n, last=40, name=key) for n, key in enumerate(TRUNK)], ("line",),
                     id="one after the other"),
        pytest.param([cause("hop_cut", A, first=0, last=20)], ("carrier", "line"), id="behind some hops"),
        pytest.param([cause("power", "07001-1", first=0, last=20)], ("power",), id="power"),
    ],
)  # fmt: skip
def test_whose_it_may_rightly_be_called(causes: list[Cause], owners: tuple[str, ...]) -> None:
    assert owners_of(causes[0], causes, province()) == owners


def test_a_fault_that_returned_is_one_incident_with_a_call_for_each_time() -> None:
    again = cause("line_cut", A, first=100, last=130, name="c2")
    one = incident("i", line(), 100, 130, opened=11)
    story = [Event(at(101), "reopened", Said({"was_since_ms": at(10), "was_ended_ms": at(30), "since_ms": at(100)}))]
    calls = [Message("i", "team:x", at(11)), Message("i", "team:x", at(101))]
    heard = Heard([one], calls, NAMES, province(), {"i": story})
    found = score(1, tell([CUT, again], province()), heard)
    assert [(row.found, row.right, row.told) for row in found.rows] == [(True, True, [1]), (True, True, [1])]
