"""What an echo socket hears and what of it belongs to a train: by made packets, and on loopback."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.net.icmp import Mark, read_refusal, read_reply
from agent.net.links import Heard

FOUR = Mark(4, 0x1234, b"cookie42")
SIX = Mark(6, 0x1234, b"cookie42")


def _echo(kind: int, ident: int = 0x1234, number: int = 3, cookie: bytes = b"cookie42", code: int = 0) -> bytes:
    return struct.pack("!2B3H", kind, code, 0, ident, number) + cookie + bytes(48)


@pytest.mark.parametrize(("kind", "mark"), [pytest.param(0, FOUR, id="IPv4"), pytest.param(129, SIX, id="IPv6")])
def test_a_reply_is_read(kind: int, mark: Mark) -> None:
    assert read_reply(_echo(kind), mark, "192.0.2.2", 7.5) == Heard(3, 7.5, "192.0.2.2")


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(_echo(0, ident=0x1235), id="forged id"),
        pytest.param(_echo(0, cookie=b"cookie41"), id="an earlier train's"),
        pytest.param(_echo(0, code=1), id="odd code"),
        pytest.param(_echo(8), id="our own request on loopback"),
        pytest.param(_echo(3), id="another kind"),
        pytest.param(_echo(0)[:15], id="cut short"),
        pytest.param(b"", id="empty"),
    ],
)
def test_what_is_not_the_answer_to_ours_is_not_heard(packet: bytes) -> None:
    assert read_reply(packet, FOUR, "192.0.2.2", 7.5) is None


@given(st.binary(max_size=100))
def test_no_bytes_can_raise(raw: bytes) -> None:
    read_reply(raw, FOUR, "192.0.2.2", 0.0)
    read_refusal(raw, [(0, 11, raw)], FOUR, 0.0)
    read_refusal(raw, [(41, 25, raw)], SIX, 0.0)


def _queued(origin: int, icmp_type: int, icmp_code: int) -> bytes:
    offender = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton("192.0.2.254"))
    return struct.pack("=I4BII", 113, origin, icmp_type, icmp_code, 0, 0, 0) + offender


def test_a_refusal_names_who_refused_and_why() -> None:
    heard = read_refusal(_echo(8), [(0, 11, _queued(2, 3, 13))], FOUR, 7.5)
    assert heard == Heard(3, 7.5, "192.0.2.254", "administratively prohibited (type 3 code 13)")


@pytest.mark.parametrize(
    ("data", "ancillary"),
    [
        pytest.param(_echo(8, ident=9), [(0, 11, _queued(2, 3, 1))], id="another socket's packet"),
        pytest.param(_echo(8), [(0, 11, _queued(1, 0, 0))], id="a local error"),
        pytest.param(_echo(8), [(0, 11, b"short")], id="cut short"),
        pytest.param(_echo(8), [(1, 2, b"")], id="another message"),
        pytest.param(_echo(8), [], id="nothing with it"),
    ],
)
def test_other_entries_of_the_error_queue_are_not_ours(data: bytes, ancillary: list[tuple[int, int, bytes]]) -> None:
    assert read_refusal(data, ancillary, FOUR, 7.5) is None
