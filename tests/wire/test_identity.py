"""Keys of subjects: what is one, what is none, and that every one comes back from its text."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.identity import IdentityError, Subject, new_ulid, parse_centre, parse_subject

ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

centres = st.from_regex(r"[0-9]{5}-[0-9]{1,3}", fullmatch=True).filter(str.isascii)


@pytest.mark.parametrize(
    ("text", "kind", "centre"),
    [
        ("centre:07375-1", "centre", "07375-1"),
        ("centre:00000-001", "centre", "00000-001"),
        ("lan:07375-1", "lan", "07375-1"),
        ("line:07375-1/a", "line", "07375-1"),
        ("line:07375-1/tslcd2", "line", "07375-1"),
        (f"device:{ULID}", "device", None),
        (f"agent:{ULID}", "agent", None),
        ("service:dvcqg", "service", None),
        ("service:dvcqg@07375-1", "service", "07375-1"),
        (f"signing:07375-1/{ULID}", "signing", "07375-1"),
        (f"found:{ULID}/0a1b2c3d", "found", None),
    ],
)
def test_a_subject_is_taken_apart_and_put_together(text: str, kind: str, centre: str | None) -> None:
    subject = parse_subject(text)
    assert (subject.kind, subject.centre, str(subject)) == (kind, centre, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "centre",
        "centre:",
        "Centre:07375-1",
        "centre:7375-1",
        "centre:07375",
        "centre:07375-",
        "centre:07375-1234",
        "centre:07375-1 ",
        " centre:07375-1",
        "centre:07375-1\n",
        "centre:０７３７５-1",
        "lan:07375-1/a",
        "line:07375-1",
        "line:07375-1/",
        "line:07375-1/A",
        "line:07375-1/a/b",
        f"device:{ULID.lower()}",
        f"device:{ULID}0",
        "device:81ARZ3NDEKTSV4RRFFQ69G5FAV",
        "device:01ARZ3NDEKTSV4RRFFQ69G5FAI",
        "service:",
        "service:-x",
        "service:DVCQG",
        "service:dvcqg@",
        "service:dvcqg@1",
        f"signing:{ULID}",
        f"found:{ULID}",
        f"found:{ULID}/xyz",
        "printer:1",
        "x" * 9_000,
    ],
    ids=lambda text: ascii(text)[:40],
)
def test_what_is_no_subject_is_refused_in_a_short_sentence(text: str) -> None:
    with pytest.raises(IdentityError) as refused:
        parse_subject(text)
    assert len(str(refused.value)) < 200


@given(centre=centres, line=st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True))
def test_every_line_comes_back(centre: str, line: str) -> None:
    assert parse_subject(f"line:{centre}/{line}") == Subject("line", f"{centre}/{line}", centre)
    assert parse_centre(centre) == centre


@given(st.text(max_size=80))
def test_no_text_raises_anything_else(text: str) -> None:
    with contextlib.suppress(IdentityError):
        assert str(parse_subject(text)) == text


@given(st.lists(st.integers(0, 2**48 - 1), min_size=2, max_size=2, unique=True))
def test_keys_sort_by_birth(moments: list[int]) -> None:
    early, late = (new_ulid(moment) for moment in sorted(moments))
    assert early < late
    assert parse_subject(f"device:{early}").key == early


def test_keys_of_one_moment_differ() -> None:
    assert len({new_ulid(1_800_000_000_000) for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize("text", ["", "07375", "07375-1/a", "centre:07375-1", "07375-1\n"])
def test_what_is_no_centre_is_refused(text: str) -> None:
    with pytest.raises(IdentityError):
        parse_centre(text)
