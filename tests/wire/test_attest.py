"""Statements over batches: ranges there and back, one hash for one set, a text of a fixed form."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.attest import MAX_BATCHES, MAX_RANGES, Statement, digest, numbers, spelled


@given(st.sets(st.integers(1, 400), max_size=120))
def test_numbers_spelled_as_ranges_are_those_numbers(some: set[int]) -> None:
    told = numbers(spelled(some))
    assert told == sorted(some)[: len(told)]
    assert len(told) == len(some) or spelled(some).count(" ") == MAX_RANGES - 1


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("5-3", id="backwards"),
        pytest.param("1-4 4", id="twice"),
        pytest.param("9 3", id="out of order"),
        pytest.param("1-", id="without an end"),
        pytest.param("1,2", id="another language"),
        pytest.param(f"1-{MAX_BATCHES + 1}", id="too many"),
        pytest.param("1-9999999999999999", id="a number too long"),
    ],
)
def test_ranges_that_cannot_be_meant_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"range of batches|out of order"):
        numbers(text)


def test_the_hash_does_not_depend_on_the_order_and_depends_on_everything_else() -> None:
    some = [(n, hashlib.sha256(bytes([n])).digest()) for n in (3, 1, 2)]
    assert digest(some) == digest(reversed(some))
    assert digest(some) != digest(some[:2])
    assert digest(some) != digest([(n + 1, sha256) for n, sha256 in some])


def test_a_statement_is_text_of_a_fixed_form() -> None:
    told = Statement("01ARZ3NDEKTSV4RRFFQ69G5FAV", "e1", 1_000, 3_601_000, "1-3 7", "ab" * 32)
    assert told.text().decode() == (
        "motcua attestation 1\nagent 01ARZ3NDEKTSV4RRFFQ69G5FAV\nepoch e1\nfrom 1000\nto 3601000\nbatches 1-3 7\n"
        f"sha256 {'ab' * 32}\n"
    )
