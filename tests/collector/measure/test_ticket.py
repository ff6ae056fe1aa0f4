"""Tickets: what was signed is read back, and nothing else opens the door."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.measure import ticket
from collector.measure.ticket import KeyFileError, Ticket, TicketError
from tests.support.handclock import NOON_MS

KEY, OTHER = bytes(32), b"\x01" * 32
MINUTE_MS = 60_000


def made(key: bytes = KEY, *, expires_ms: int = NOON_MS + MINUTE_MS) -> str:
    return ticket.issue(key, lease="01JD", line="07375-1/a", max_bytes=1_000_000, expires_ms=expires_ms)


def refused(text: str, *, now_ms: int = NOON_MS) -> str:
    with pytest.raises(TicketError) as caught:
        ticket.read(KEY, text, now_ms=now_ms)
    return caught.value.code


def test_a_ticket_says_what_it_was_issued_for() -> None:
    text = ticket.issue(
        KEY, lease="01JD", line="07375-1/a", max_bytes=5_000_000, expires_ms=NOON_MS + 1, kind="browser"
    )
    assert ticket.read(KEY, text, now_ms=NOON_MS) == Ticket("01JD", "07375-1/a", 5_000_000, NOON_MS + 1, "browser")
    assert text.isascii()
    assert len(text) <= ticket.MAX_TICKET


@pytest.mark.parametrize(
    ("now_ms", "code"),
    [
        pytest.param(NOON_MS + MINUTE_MS, "ticket_expired", id="its time is over"),
        pytest.param(NOON_MS - ticket.LONGEST_MS, "ticket_expired", id="longer than any ticket is good for"),
    ],
)
def test_a_ticket_is_good_for_its_time_only(now_ms: int, code: str) -> None:
    assert refused(made(), now_ms=now_ms) == code


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("abc", id="no signature"),
        pytest.param(".", id="only a dot"),
        pytest.param(made(OTHER), id="of another key"),
        pytest.param(made() + "=", id="another spelling of the signature"),
        pytest.param(made() + "\n", id="a line end behind it"),
        pytest.param("ế" * 20 + ".x", id="no ASCII"),
        pytest.param("x" * 600, id="too long"),
        pytest.param(made().replace(".", "..", 1), id="two dots"),
    ],
)
def test_what_was_not_signed_here_opens_nothing(text: str) -> None:
    assert refused(text) == "bad_ticket"


@given(st.data())
def test_no_single_character_can_be_changed(data: st.DataObject) -> None:
    text = made()
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(
        st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=").filter(
            lambda c: c != text[at]
        )
    )
    assert refused(text[:at] + other + text[at + 1 :]) == "bad_ticket"


@pytest.mark.parametrize(
    "wrong",
    [
        {"lease": ""},
        {"line": "x" * 101},
        {"max_bytes": 0},
        {"max_bytes": 2**60},
        {"kind": "anybody"},
        {"line": "😀" * 100},
    ],
    ids=["no lease", "a long line", "no bytes", "too many bytes", "an unknown kind", "a text that would be too long"],
)
def test_a_ticket_out_of_bounds_is_not_made(wrong: dict[str, object]) -> None:
    said: dict[str, object] = {
        "lease": "l",
        "line": "07375-1/a",
        "max_bytes": 1,
        "expires_ms": NOON_MS,
        "kind": "agent",
    }
    with pytest.raises(ValueError, match=r"no ticket can|characters"):
        ticket.issue(KEY, **(said | wrong))  # type: ignore[arg-type]  # wrong on purpose


class TestKeyFile:
    def test_it_is_made_once_and_is_private(self, tmp_path: Path) -> None:
        path = tmp_path / "home" / ticket.KEY_FILE
        with ThreadPoolExecutor(8) as pool:
            keys = set(pool.map(lambda _: ticket.load_key(path, make=True), range(8)))
        assert len(keys) == 1
        assert len(keys.pop()) == ticket.KEY_BYTES
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [p.name for p in path.parent.iterdir()] == [ticket.KEY_FILE]

    @pytest.mark.parametrize(
        ("content", "mode", "words"),
        [
            pytest.param(None, 0, "copy measure.key", id="missing"),
            pytest.param("00" * 32, 0o644, "chmod 600", id="readable by others"),
            pytest.param("no key", 0o600, "no key", id="not hexadecimal"),
            pytest.param("00" * 16, 0o600, "has 32 bytes, this has 16", id="too short"),
        ],
    )
    def test_one_that_cannot_be_used_says_why_and_what_to_do(
        self, tmp_path: Path, content: str | None, mode: int, words: str
    ) -> None:
        path = tmp_path / "k"
        if content is not None:
            path.write_text(content)
            path.chmod(mode)
        with pytest.raises(KeyFileError, match=words):
            ticket.load_key(path)
