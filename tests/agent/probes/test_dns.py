"""Probe `dns` against resolvers on loopback that answer, refuse, lie, cut short and are silent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.context import Context, Facts
from agent.net import dns as messages
from agent.probes import Measured, dns
from tests.exams.probe_exam import check_travels
from tests.support.resolver import Reply, message, name_in, resolver
from wire.clock import SystemClock
from wire.messages import PlanItem, Scalar

NAME = "portal.example.vn"


def ask(
    target: str = "127.0.0.1", *, root: Path = Path("/nowhere"), host: str = "192.0.2.1", left_ms: int = 3_000,
    **settings: Scalar,
) -> Measured:  # fmt: skip
    clock = SystemClock()
    ctx = Context(clock, clock.mono_ms() + left_ms, Facts(host), root=root)
    item = PlanItem("d", "line:07375-1/a", "dns", target, 60, 5, {"name": NAME, "timeout_s": 0.3, **settings})
    found = dns.probe(item, ctx)
    check_travels(item, found)
    return found


def numbers(found: Measured) -> dict[tuple[str, str | None], float]:
    return {(value.metric.removeprefix("motcua_line_dns_"), value.of): value.value for value in found.values}


def always(answer: Callable[[bytes], bytes | None]) -> Reply:
    return lambda question, _tcp: answer(question)


def test_an_address_is_found_and_timed() -> None:
    asked: list[str] = []

    def reply(question: bytes, _tcp: bool) -> bytes:
        asked.append(name_in(question))
        return message(question)

    with resolver(reply) as port:
        found = ask(port=port)
    assert found.result.outcome == "ok"
    assert asked == [NAME]
    told = numbers(found)
    assert told["passed_ratio", "127.0.0.1"] == 1
    assert 0 < told["seconds", "127.0.0.1"] < 0.3
    assert found.detail == {"name": NAME, "127.0.0.1": "NOERROR 192.0.2.9"}


@pytest.mark.parametrize(
    ("reply", "reason", "said"),
    [
        pytest.param(lambda q: message(q, rcode=2, address=None), "dns_servfail", "SERVFAIL", id="it could not"),
        pytest.param(lambda q: message(q, rcode=3, address=None), "not_resolved", "NXDOMAIN", id="no such name"),
        pytest.param(lambda q: message(q, rcode=5, address=None), "refused", "REFUSED", id="not for us"),
        pytest.param(lambda q: message(q, rcode=1, address=None), "bad_answer", "FORMERR", id="it does not understand"),
        pytest.param(lambda q: message(q, rcode=11, address=None), "bad_answer", "code 11", id="an odd code"),
        pytest.param(lambda q: message(q, address=None), "not_resolved", "without an address", id="no address"),
        pytest.param(lambda _q: None, "no_answer", "no_answer", id="silence"),
        pytest.param(lambda _q: b"hello", "no_answer", "no_answer", id="no message"),
        pytest.param(lambda q: b"\0\0" + message(q)[2:], "no_answer", "no_answer", id="an answer to another question"),
        pytest.param(lambda q: message(q)[:-3], "no_answer", "no_answer", id="an answer that breaks off"),
        pytest.param(lambda q: message(q.replace(b"portal", b"pirate")), "no_answer", "no_answer", id="another name"),
    ],
)
def test_what_fails_has_its_reason_and_no_time(reply: Callable[[bytes], bytes | None], reason: str, said: str) -> None:
    with resolver(always(reply)) as port:
        found = ask(port=port)
    assert (found.result.outcome, found.result.reason) == ("fail", reason)
    assert numbers(found) == {("passed_ratio", "127.0.0.1"): 0.0}
    assert said in str(found.detail["127.0.0.1"])


def test_an_answer_is_read_by_the_question_it_answers_and_by_no_other() -> None:
    mine = messages.query(NAME, 7)
    assert messages.read(message(mine), mine) == messages.Answer(0, "192.0.2.9")
    for other in (messages.query(NAME, 8), messages.query("pirate.example.vn", 7)):
        with pytest.raises(messages.NoAnswerToThis):
            messages.read(message(other), mine)


@given(data=st.binary(max_size=120), kept=st.integers(0, 60))
def test_any_message_is_an_answer_or_none(data: bytes, kept: int) -> None:
    mine = messages.query(NAME, 7)
    try:
        found = messages.read(message(mine)[:kept] + data, mine)
    except messages.NoAnswerToThis:
        return
    assert 0 <= found.rcode <= 15


def test_an_answer_that_was_cut_is_asked_for_by_tcp() -> None:
    ways: list[bool] = []

    def reply(question: bytes, tcp: bool) -> bytes:
        ways.append(tcp)
        return message(question) if tcp else message(question, flags=0x8380, address=None)

    with resolver(reply) as port:
        found = ask(port=port)
    assert (found.result.outcome, ways) == ("ok", [False, True])
    assert set(found.phases) == {"connect", "dns"}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(b"", "bad_answer", id="nothing behind the length"),
        pytest.param(b"\0" * 12, "bad_answer", id="no answer to this"),
    ],
)
def test_a_bad_answer_by_tcp_is_one(reply: bytes, reason: str) -> None:
    with resolver(lambda q, tcp: reply if tcp else message(q, flags=0x8380, address=None)) as port:
        assert ask(port=port).result.reason == reason


def test_where_nobody_listens_it_is_refused() -> None:
    with resolver(always(message)) as port:
        pass
    assert ask(port=port).result.reason == "refused"


def machine(tmp_path: Path, table: str | None, stub: str | None = None) -> Path:
    for path, text in (("etc/resolv.conf", table), ("run/systemd/resolve/resolv.conf", stub)):
        if text is not None:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
    return tmp_path


def test_every_resolver_of_the_machine_is_asked_and_one_that_answers_is_enough(tmp_path: Path) -> None:
    root = machine(tmp_path, "nameserver 127.0.0.1\nsearch x\nnameserver 127.0.0.2 # second\nnameserver nonsense\n")
    with resolver(always(message), "127.0.0.2") as port:
        found = ask("resolver", root=root, port=port)
    assert found.result.outcome == "ok"
    told = numbers(found)
    assert (told["passed_ratio", "127.0.0.1"], told["passed_ratio", "127.0.0.2"]) == (0, 1)
    assert ("seconds", "127.0.0.1") not in told
    assert str(found.detail["127.0.0.1"]).startswith("refused")


@pytest.mark.parametrize(
    ("table", "stub", "found"),
    [
        pytest.param("nameserver 192.0.2.53\n", None, ["192.0.2.53"], id="one"),
        pytest.param("nameserver 127.0.0.53\n", "nameserver 192.0.2.53\n", ["192.0.2.53"], id="behind systemd's own"),
        pytest.param("nameserver 127.0.0.1\n", None, ["127.0.0.1"], id="a resolver on the machine"),
        pytest.param("nameserver 192.0.2.53\n", "nameserver 192.0.2.54\n", ["192.0.2.53"], id="systemd is not asked"),
        pytest.param("nameserver fe80::1%eth0\nnameserver ::1\n", None, ["fe80::1%eth0", "::1"], id="IPv6"),
        pytest.param("".join(f"nameserver 192.0.2.{n}\n" for n in range(9)), None, [f"192.0.2.{n}" for n in range(3)],
                     id="as many as the C library asks"),
        pytest.param("options edns0\n\xff\x00\n", None, [], id="none"),
    ],
)  # fmt: skip
def test_the_resolvers_of_a_machine(tmp_path: Path, table: str, stub: str | None, found: list[str]) -> None:
    assert messages.resolvers(machine(tmp_path, table, stub)) == found


def test_a_machine_without_a_resolver_says_so(tmp_path: Path) -> None:
    assert ask("resolver", root=machine(tmp_path, "search example.vn\n")).result.reason == "no_resolver"
    assert ask("resolver", root=tmp_path / "none").result.reason == "no_resolver"


def test_without_a_name_the_collectors_is_asked_for_and_an_address_is_none() -> None:
    with resolver(always(message)) as port:
        assert ask(name="", host="collector.example.vn", port=port).detail["name"] == "collector.example.vn"
    found = ask(name="", host="2001:db8::1")
    assert (found.result.reason, found.detail["key"]) == ("bad_settings", "name")


@pytest.mark.parametrize("name", ["a..b", "x" * 64 + ".vn", ".".join(["abcdefghi"] * 26), "."])
def test_what_can_be_no_name_is_the_plans_fault(name: str) -> None:
    assert ask(name=name).detail["key"] == "name"


def test_without_time_nobody_is_asked() -> None:
    found = ask(left_ms=0)
    assert (found.result.outcome, found.result.reason, found.values) == ("unknown", "deadline", [])
