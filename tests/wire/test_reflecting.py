"""What agents and reflectors say: nothing is answered at greater length than it was asked, nothing foreign is read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire import reflecting as said
from wire.reflecting import BadPacket, pass_of, passes_key, read_pass

AGENT = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
KEY, SESSION, NONCE, COOKIE = bytes(32), b"session!", b"nonce123", b"c" * 16
WHO = pass_of(KEY, AGENT)


@given(st.integers(0, said.MAX_NUMBERS - 1), st.integers(0, 2**64 - 1), st.integers(said.MIN_BYTES, said.MAX_BYTES))
def test_a_question_and_its_answer_are_read_as_they_were_written_and_are_equally_long(
    number: int, at_ns: int, size: int
) -> None:
    asked = said.question(SESSION, COOKIE, number, at_ns, tos=184, size=size)
    assert said.head_of(asked) == said.Head(said.QUESTION, 184, SESSION)
    assert said.read_question(asked) == (COOKIE, number, at_ns)
    found = said.Answer(number, 184, at_ns, 1, 2)
    answered = said.answer(SESSION, found, size)
    assert said.read_answer(answered, SESSION) == found
    assert len(asked) == len(answered) == size


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        pytest.param(said.ask(WHO, SESSION, NONCE), said.grant(SESSION, NONCE, COOKIE), id="granted"),
        pytest.param(said.ask(WHO, SESSION, NONCE), said.busy(SESSION, NONCE), id="busy"),
        pytest.param(
            said.count(SESSION, COOKIE, NONCE), said.counted(SESSION, NONCE, (1 << said.MAX_NUMBERS) - 1), id="counted"
        ),
    ],
)
def test_no_answer_is_longer_than_what_was_asked(asked: bytes, answered: bytes) -> None:
    assert len(answered) <= len(asked)


@given(st.integers(0, (1 << said.MAX_NUMBERS) - 1))
def test_which_questions_arrived_is_told_bit_by_bit(arrived: int) -> None:
    assert said.read_counted(said.counted(SESSION, NONCE, arrived), SESSION, NONCE) == arrived


def test_an_ask_names_the_agent_that_its_tag_proves() -> None:
    assert said.read_ask(said.ask(WHO, SESSION, NONCE), KEY) == (AGENT, NONCE)
    with pytest.raises(BadPacket):
        said.read_ask(said.ask(WHO, SESSION, NONCE), bytes(31) + b"x")


@given(st.integers(0, 8 * 58 - 1))
def test_an_ask_with_one_bit_changed_is_of_nobody(bit: int) -> None:
    raw = bytearray(said.ask(WHO, SESSION, NONCE))
    raw[8 + bit // 8] ^= 1 << bit % 8  # all that the tag covers, and the tag itself
    with pytest.raises(BadPacket):
        said.read_ask(bytes(raw), KEY)


READERS: list[tuple[str, Callable[[bytes], object]]] = [
    ("head", said.head_of), ("ask", lambda raw: said.read_ask(raw, KEY)), ("question", said.read_question),
    ("count", said.read_count), ("grant", lambda raw: said.read_grant(raw, SESSION, NONCE)),
    ("answer", lambda raw: said.read_answer(raw, SESSION)),
    ("counted", lambda raw: said.read_counted(raw, SESSION, NONCE)),
]  # fmt: skip


@pytest.mark.parametrize("read", [pytest.param(read, id=name) for name, read in READERS])
@given(st.one_of(st.binary(max_size=1500), st.binary(max_size=300).map(lambda tail: b"mqT1" + tail)))
def test_noise_is_refused_and_never_breaks_a_reader(read: Callable[[bytes], object], raw: bytes) -> None:
    try:
        read(raw)
    except BadPacket:
        return


@pytest.mark.parametrize("kind", [said.GRANT, said.BUSY])
def test_an_answer_to_another_ask_is_no_answer(kind: int) -> None:
    raw = said.grant(SESSION, NONCE, COOKIE) if kind == said.GRANT else said.busy(SESSION, NONCE)
    assert said.read_grant(raw, SESSION, NONCE) == (COOKIE if kind == said.GRANT else None)
    for session, nonce in ((b"another!", NONCE), (SESSION, b"another1")):
        with pytest.raises(BadPacket):
            said.read_grant(raw, session, nonce)


def test_a_pass_is_read_as_it_was_written_and_does_not_show_its_key() -> None:
    assert read_pass(WHO.text()) == WHO
    assert WHO.key.hex() not in repr(WHO)
    assert pass_of(KEY, AGENT[:-1] + "W").key != WHO.key
    assert passes_key(KEY) != KEY


@pytest.mark.parametrize("text", ["", "x", WHO.text() + "0", WHO.text().lower(), WHO.text().replace(".", ":")])
def test_what_is_no_pass_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no pass"):
        read_pass(text)
