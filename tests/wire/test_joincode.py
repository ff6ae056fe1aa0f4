"""Join codes: any code comes back, typing errors do not pass."""

from __future__ import annotations

import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.joincode import JoinCodeError, make, parse

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CA = hashlib.sha256(b"a certificate").digest()

secrets = st.binary(min_size=10, max_size=10)
digests = st.binary(min_size=32, max_size=32)


@given(secrets, digests)
def test_a_code_comes_back_from_its_text(secret: bytes, digest: bytes) -> None:
    code = make(secret, digest)
    assert parse(str(code)) == code
    assert code.trusts(digest)


@given(secrets, digests)
def test_it_may_be_typed_as_people_type(secret: bytes, digest: bytes) -> None:
    text = str(make(secret, digest))
    typed = f"  {text.lower().replace('-', ' ').replace('0', 'o').replace('1', 'l')}\n"
    assert parse(typed) == parse(text)


def test_every_wrong_letter_is_found() -> None:
    letters = str(make(b"0123456789", CA)).replace("-", "")
    for place, right in enumerate(letters):
        for wrong in set(LETTERS) - {right}:
            with pytest.raises(JoinCodeError):
                parse(letters[:place] + wrong + letters[place + 1 :])


@given(secrets, digests, st.integers(0, 42))
def test_neighbours_exchanged_are_found(secret: bytes, digest: bytes, place: int) -> None:
    letters = str(make(secret, digest)).replace("-", "")
    swapped = letters[:place] + letters[place + 1] + letters[place] + letters[place + 2 :]
    if swapped != letters:
        with pytest.raises(JoinCodeError):
            parse(swapped)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("ABCD", id="short"),
        pytest.param("0" * 45, id="long"),
        pytest.param("U" * 44, id="letters that are not used"),
        pytest.param("ộ" * 44, id="letters of another alphabet"),
        pytest.param("٣" * 44, id="digits of another script"),
    ],
)
def test_what_is_no_code_says_so(text: str) -> None:
    with pytest.raises(JoinCodeError):
        parse(text)


@given(st.text(max_size=60))
def test_no_text_raises_anything_else(text: str) -> None:
    with contextlib.suppress(JoinCodeError):
        parse(text)


def test_the_secret_is_not_in_the_repr() -> None:
    assert "0123456789" not in repr(make(b"0123456789", CA))


def test_another_ca_is_not_trusted() -> None:
    assert not make(b"0123456789", CA).trusts(hashlib.sha256(b"another").digest())
    with pytest.raises(ValueError, match="10 bytes"):
        make(b"short", CA)
