"""From a join code to an agent with a token, subjects and a plan."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec
import pytest
from sqlalchemy import select

from collector.api import NotAllowed, NotFound
from collector.commands import CLI, create_join_code, revoke_agent
from collector.hub import Hub
from collector.store.tables import audit, join_code, subject, token
from tests.support.collector import KEY, Running, serving
from tests.support.handclock import HandClock
from wire.client import Refused
from wire.messages import Enrol, Enrolled, Plan, PlanItem, Role


@pytest.fixture
def running(hub: Hub) -> Iterator[Running]:
    with serving(hub) as found:
        yield found


def word(code: str, role: Role = "box", change: dict[str, str] | None = None) -> Enrol:
    return msgspec.structs.replace(Enrol(code, role, "0.1.0", ["pc"], KEY, KEY, "test"), **(change or {}))


def enrol(running: Running, enrol_word: Enrol) -> Enrolled:
    with running.client() as client:
        return client.enrol(enrol_word)


def plan_of(running: Running, who: Enrolled) -> tuple[Plan, list[PlanItem]]:
    with running.client(who.token) as client:
        plan = client.plan()
    return plan, msgspec.json.decode(plan.items, type=list[PlanItem])


def code_for(running: Running, role: Role = "box", centre: str = "00000-1") -> str:
    return create_join_code(running.hub, centre, role, name_vi="máy này", name_en="this machine")


def test_a_box_measures_itself_its_network_and_its_line(running: Running) -> None:
    who = running.enrol("07375-1", "box")
    plan, items = plan_of(running, who)
    assert who.centre == "07375-1"
    assert [(i.subject.partition(":")[0], i.probe, i.target, i.period_s) for i in items] == [
        ("device", "pc", "self", 60.0), ("lan", "reach", "gateway", 10.0), ("line", "reach", "collector", 10.0),
        ("lan", "wifi", "default", 300.0), ("line", "path", "collector", 86_400.0), ("line", "use", "port", 300.0),
    ]  # fmt: skip
    assert items[2].subject == "line:07375-1/a"
    assert all(0 < item.deadline_s < item.period_s for item in items)
    assert items[1].settings == {"packets": 5, "interval_s": 0.2, "timeout_s": 2.0}
    assert plan.sha256 == hashlib.sha256(bytes(plan.items)).hexdigest()


def test_a_pc_measures_itself_only(running: Running) -> None:
    assert [item.probe for item in plan_of(running, running.enrol(role="pc"))[1]] == ["pc"]


def test_a_second_box_does_not_get_what_the_first_one_measures_until_that_is_revoked(running: Running) -> None:
    first, second = running.enrol(), running.enrol()
    assert [item.probe for item in plan_of(running, second)[1]] == ["pc"]
    revoke_agent(running.hub, CLI, first.agent)
    assert [item.probe for item in plan_of(running, second)[1]] == ["pc", "reach", "reach", "wifi", "path", "use"]
    assert [item.probe for item in plan_of(running, running.enrol())[1]] == ["pc"]


def test_subjects_belong_to_their_centre_and_their_agent(running: Running) -> None:
    who = running.enrol()
    with running.hub.store.reading() as conn:
        rows = {row.key: (row.kind, row.centre, row.agent) for row in conn.execute(select(subject))}
    device = next(key for key in rows if key.startswith("device:"))
    assert rows == {
        "centre:00000-1": ("centre", "00000-1", None),
        f"agent:{who.agent}": ("agent", "00000-1", who.agent),
        device: ("device", "00000-1", who.agent),
        "lan:00000-1": ("lan", "00000-1", who.agent),
        "line:00000-1/a": ("line", "00000-1", who.agent),
    }


def test_secrets_are_stored_hashed_only(running: Running) -> None:
    code = code_for(running)
    who = enrol(running, word(code))
    with running.hub.store.reading() as conn:
        kept = [*conn.scalars(select(token.c.sha256)), *conn.scalars(select(join_code.c.sha256))]
        told = str(conn.execute(select(audit)).all())
    assert kept[0] == hashlib.sha256(who.token.encode()).hexdigest()
    assert who.token not in told
    assert code not in told


def test_every_mutation_leaves_an_audit_row(running: Running) -> None:
    who = running.enrol()
    revoke_agent(running.hub, CLI, who.agent)
    with running.hub.store.reading() as conn:
        rows = [
            (row.actor, row.via, row.action, row.object) for row in conn.execute(select(audit).order_by(audit.c.id))
        ]
    assert rows == [
        ("command line", "cli", "centre", "centre:00000-1"),
        ("command line", "cli", "join_code", "centre:00000-1"),
        ("motcua", "system", "enrol", f"agent:{who.agent}"),
        ("command line", "cli", "revoke", f"agent:{who.agent}"),
    ]


def test_a_join_code_works_once(running: Running) -> None:
    code = code_for(running)
    enrol(running, word(code))
    with pytest.raises(Refused, match="used already") as caught:
        enrol(running, word(code))
    assert (caught.value.status, caught.value.problem.code) == (403, "join_spent")
    assert caught.value.problem.remedy


def test_a_join_code_grows_too_old(running: Running, clock: HandClock) -> None:
    code = code_for(running)
    clock.forward(24 * 3_600_000)
    with pytest.raises(Refused, match="too old"):
        enrol(running, word(code))


def test_a_join_code_is_for_its_role_and_is_not_spent_by_a_mistake(running: Running) -> None:
    code = code_for(running, "pc")
    for wrong, text in ((word(code, "box"), "for the role pc"), (word(code, "pc", {"sign_key": "short"}), "sign_key")):
        with pytest.raises(Refused, match=text):
            enrol(running, wrong)
    assert enrol(running, word(code, "pc")).centre == "00000-1"


WRONG_WORDS: dict[str, tuple[dict[str, str], int, str]] = {
    "no join code": ({"join_code": "AAAA-BBBB"}, 403, "join_code"),
    "no key": ({"seal_key": "!" * 44}, 422, "bad_key"),
    "a zero byte": ({"name": "a\x00b"}, 422, "bad_text"),
    "a name too long": ({"name": "x" * 200}, 422, "invalid"),
    "no such role": ({"role": "king"}, 422, "invalid"),
}


def test_a_wrong_word_is_a_problem(running: Running) -> None:
    for name, (change, status, code) in WRONG_WORDS.items():
        with pytest.raises(Refused) as caught:
            enrol(running, word(code_for(running), change=change))
        assert (caught.value.status, caught.value.problem.code) == (status, code), name
        assert caught.value.problem.instance == "/api/v1/enrol"


NO_WORDS = {
    "nothing": (b"", "application/json", 400, "malformed"),
    "brackets": (b"[" * 60_000, "application/json", 422, "invalid"),
    "invalid UTF-8": (b'{"join_code":"\xff"}', "application/json", 400, "malformed"),
    "empty": (b"{}", "application/json", 422, "invalid"),
    "wrong kind": (b"{}", "text/plain", 415, "content_type"),
    "too large": (b"x" * 100_000, "application/json", 413, "too_large"),
}


def test_a_body_that_is_no_word_is_a_problem(running: Running) -> None:
    for name, (body, kind, status, code) in NO_WORDS.items():
        with running.client() as client, pytest.raises(Refused) as caught:
            client.call("POST", "/api/v1/enrol", body, {"Content-Type": kind})
        assert (caught.value.status, caught.value.problem.code) == (status, code), name


def test_guessing_join_codes_is_slowed_down(running: Running, clock: HandClock) -> None:
    wrong = word("AAAA")
    for _ in range(10):
        with pytest.raises(Refused, match="403"):
            enrol(running, wrong)
    with pytest.raises(Refused, match="429") as caught:
        enrol(running, wrong)
    assert caught.value.retry_after_s == 7
    clock.forward(7_000)
    with pytest.raises(Refused, match="403"):
        enrol(running, wrong)


def test_a_code_for_an_unknown_centre_needs_a_name(hub: Hub) -> None:
    with pytest.raises(NotFound, match="07375-1"):
        create_join_code(hub, "07375-1", "box")
    with pytest.raises(NotAllowed, match="not a centre's key"):
        create_join_code(hub, "7375", "box", name_vi="x")


def test_the_plan_is_for_agents_only(running: Running) -> None:
    with running.client() as client, pytest.raises(Refused) as caught:
        client.plan()
    assert (caught.value.status, caught.value.problem.instance) == (401, "/api/v1/plan")
