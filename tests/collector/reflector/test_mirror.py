"""The reflector's rules: it serves agents of this province at their own address, and nobody else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.reflector.mirror import BURST, Mirror
from tests.support.reflecting import AGENT, KEY
from wire import reflecting as said
from wire.datagram import Datagram
from wire.reflecting import pass_of

HERE, ELSEWHERE = ("192.0.2.1", 40_000), ("192.0.2.66", 40_000)
SESSION, NONCE = b"session!", b"nonce123"
SECOND = 1_000_000_000
NOW = 10**15
WHO = pass_of(KEY, AGENT)
ASK = said.ask(WHO, SESSION, NONCE)


def datagram(data: bytes, source: tuple[str, int] = HERE, *, tos: int = 0, at_ns: int = NOW) -> Datagram:
    return Datagram(data, source, tos, at_ns, [])


def granted(mirror: Mirror, now_ns: int = NOW) -> bytes:
    reply = mirror.reply(datagram(ASK), now_ns)
    assert reply is not None
    cookie = said.read_grant(reply.data, SESSION, NONCE)
    assert cookie is not None
    return cookie


def question(cookie: bytes, number: int = 0, *, size: int = 200, tos: int = 184) -> bytes:
    return said.question(SESSION, cookie, number, 77, tos=tos, size=size)


def test_a_question_is_answered_at_its_own_length_with_its_own_dscp_and_both_times() -> None:
    mirror = Mirror(KEY)
    cookie = granted(mirror)
    reply = mirror.reply(datagram(question(cookie, 5, size=700, tos=187), tos=40, at_ns=NOW - 3), NOW)
    assert reply is not None
    assert (len(reply.data), reply.tos) == (700, 184), "without the bits of congestion control"
    assert said.read_answer(reply.data, SESSION) == said.Answer(5, 40, 77, NOW - 3, NOW)


def test_which_questions_came_is_told_afterwards() -> None:
    mirror = Mirror(KEY)
    cookie = granted(mirror)
    for number in (0, 3, 1_023):
        mirror.reply(datagram(question(cookie, number)), NOW)
    reply = mirror.reply(datagram(said.count(SESSION, cookie, NONCE)), NOW)
    assert reply is not None
    assert said.read_counted(reply.data, SESSION, NONCE) == 1 | 1 << 3 | 1 << 1_023


@pytest.mark.parametrize(
    "source", [pytest.param(ELSEWHERE, id="another address"), pytest.param((HERE[0], 40_001), id="another port")]
)
def test_a_cookie_is_good_only_where_it_was_sent_to(source: tuple[str, int]) -> None:
    mirror = Mirror(KEY)
    cookie = granted(mirror)
    assert mirror.reply(datagram(question(cookie), source), NOW) is None
    assert mirror.reply(datagram(said.count(SESSION, cookie, NONCE), source), NOW) is None
    assert mirror.counts.uncalled == 2


def test_who_is_not_of_the_province_is_not_answered_at_all() -> None:
    mirror = Mirror(KEY)
    assert mirror.reply(datagram(said.ask(replace(WHO, key=bytes(16)), SESSION, NONCE)), NOW) is None
    assert mirror.reply(datagram(said.ask(replace(WHO, agent=AGENT[:-1] + "W"), SESSION, NONCE)), NOW) is None
    assert (mirror.counts.strangers, mirror.counts.granted) == (2, 0)


def test_a_question_that_comes_twice_is_answered_once() -> None:
    mirror = Mirror(KEY)
    asked = datagram(question(granted(mirror)))
    assert mirror.reply(asked, NOW) is not None
    assert mirror.reply(asked, NOW) is None
    assert mirror.counts.repeated == 1


@pytest.mark.parametrize(("after_s", "good"), [(0, True), (59, True), (121, False)])
def test_a_cookie_opens_a_session_for_a_minute_or_two(after_s: int, good: bool) -> None:
    mirror = Mirror(KEY)
    cookie = granted(mirror)
    assert (mirror.reply(datagram(question(cookie)), NOW + after_s * SECOND) is not None) is good


def test_another_run_of_the_reflector_knows_no_cookie_of_the_one_before() -> None:
    cookie = granted(Mirror(KEY))
    assert Mirror(KEY).reply(datagram(question(cookie)), NOW) is None


def test_one_address_that_asks_too_often_is_told_to_come_later_and_others_are_not() -> None:
    mirror = Mirror(KEY)
    replies = [mirror.reply(datagram(ASK), NOW) for _ in range(int(BURST) + 1)]
    last = replies[-1]
    assert last is not None
    assert said.read_grant(last.data, SESSION, NONCE) is None
    other = mirror.reply(datagram(ASK, ELSEWHERE), NOW)
    assert other is not None
    assert said.read_grant(other.data, SESSION, NONCE) is not None
    assert granted(mirror, NOW + 61 * SECOND), "a minute later it is its turn again"


def test_what_is_kept_is_bounded_and_forgotten_after_two_minutes() -> None:
    mirror = Mirror(KEY, most=3)
    for n in range(20):
        source = (f"192.0.2.{n}", 40_000)
        reply = mirror.reply(datagram(ASK, source), NOW)
        assert reply is not None
        cookie = said.read_grant(reply.data, SESSION, NONCE)
        assert (cookie is None) is (n >= 3), "busy from the fourth on"
        if cookie is not None:
            assert mirror.reply(datagram(question(cookie), source), NOW) is not None
    assert mirror.counts.busy == 17
    assert granted(mirror, NOW + 121 * SECOND)


@given(
    st.one_of(
        st.binary(max_size=1500),
        st.builds(
            lambda kind, tail: b"mqT1" + bytes([kind]) + tail, st.integers(0, 9), st.binary(min_size=11, max_size=1400)
        ),
    )
)
def test_noise_is_never_answered(raw: bytes) -> None:
    assert Mirror(KEY).reply(datagram(raw), NOW) is None
