"""The default route, from recorded tables."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agent.net import gateway
from agent.net.gateway import NoGateway, Route, Unsupported, default_routes_v4, default_routes_v6

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="the recorded tables are little-endian")

HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
DEFAULT = "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
MOBILE = "wwan0\t00000000\t016433C6\t0003\t0\t0\t700\t00000000\t0\t0\t0\n"
LOCAL = "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
DIALLED = "ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n"
REJECTED = "eth0\t00000000\t010200C0\t0203\t0\t0\t0\t00000000\t0\t0\t0\n"
NO_SIX = "0" * 32 + " 00 " + "0" * 32 + " 00 " + "0" * 32 + " ffffffff 00000001 00000000 00200200       lo\n"
SIX = "0" * 32 + " 00 " + "0" * 32 + " 00 20010db8000000000000000000000001 00000400 00000002 00000000 00000003 eth0\n"
SIX_LINK_LOCAL = SIX.replace("20010db8", "fe800000")


def _proc(tmp_path: Path, four: str | None, six: str | None) -> Path:
    (tmp_path / "net").mkdir()
    for name, table in (("route", four), ("ipv6_route", six)):
        if table is not None:
            (tmp_path / "net" / name).write_text(table)
    return tmp_path


@pytest.mark.parametrize(
    ("four", "six", "found"),
    [
        pytest.param(HEAD + LOCAL + DEFAULT, NO_SIX, "192.0.2.1", id="one"),
        pytest.param(HEAD + MOBILE + DEFAULT, "", "192.0.2.1", id="the lower metric wins"),
        pytest.param(HEAD + MOBILE, SIX, "198.51.100.1", id="IPv4 first"),
        pytest.param(HEAD, SIX, "2001:db8::1", id="IPv6 only"),
        pytest.param(HEAD, SIX_LINK_LOCAL, "fe80::1%eth0", id="link-local with its interface"),
        pytest.param(HEAD + DIALLED + MOBILE, "", "198.51.100.1", id="past a route without a next hop"),
        pytest.param(
            HEAD + "garbage\n\x00\xff\n" + DEFAULT[:20] + "\n" + DEFAULT, "no\nroute", "192.0.2.1", id="garbled"
        ),
        pytest.param(HEAD + DEFAULT, None, "192.0.2.1", id="IPv6 switched off"),
    ],
)
def test_the_gateway_is_found(tmp_path: Path, four: str, six: str | None, found: str) -> None:
    assert gateway.find(_proc(tmp_path, four, six)) == found


@pytest.mark.parametrize(
    ("four", "said"),
    [
        pytest.param("", "no default route", id="empty table"),
        pytest.param(HEAD + LOCAL, "no default route", id="only a local route"),
        pytest.param(HEAD + REJECTED, "no default route", id="a rejecting route"),
        pytest.param(HEAD + DIALLED, "ppp0 without a next hop", id="point to point"),
    ],
)
def test_no_gateway_says_what_there_is_instead(tmp_path: Path, four: str, said: str) -> None:
    with pytest.raises(NoGateway, match=said):
        gateway.find(_proc(tmp_path, four, NO_SIX))


def test_a_family_is_kept_to(tmp_path: Path) -> None:
    proc = _proc(tmp_path, HEAD + DEFAULT, SIX)
    assert gateway.find(proc, "6") == "2001:db8::1"
    assert gateway.find(proc, "4") == "192.0.2.1"


def test_a_system_without_these_tables_is_unsupported(tmp_path: Path) -> None:
    with pytest.raises(Unsupported):
        gateway.find(tmp_path)


def test_routes_come_with_interface_and_metric() -> None:
    assert default_routes_v4(HEAD + MOBILE + DEFAULT) == [
        Route("192.0.2.1", "eth0", 100),
        Route("198.51.100.1", "wwan0", 700),
    ]
    assert default_routes_v6(SIX) == [Route("2001:db8::1", "eth0", 1024)]
