"""Probe `service` and certificates: good ones, bad ones, somebody else's, and clocks that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.net import trust
from agent.probes import Measured
from tests.support.service_runs import ask, numbers
from tests.support.services import DAY, Talk, authority, http, listen, over_tls, paper, serving
from wire.messages import Scalar


@pytest.fixture(autouse=True)
def _trusting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that trusts our own authority and one of a filter, as a firm's machines trust their filter's."""
    bundle = tmp_path / "trusted.pem"
    bundle.write_bytes(authority()[2] + authority("FortiGate CA")[2])
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    trust.forget()
    monkeypatch.setattr(trust, "_KEEP_S", 1e12)


def _ask(talk: Talk, *, offset_s: float | None = None, **settings: Scalar) -> Measured:
    with serving(talk) as port:
        return ask(f"https://127.0.0.1:{port}/", settings, offset_s=offset_s)


def test_a_good_certificate_passes_and_its_days_are_counted(tmp_path: Path) -> None:
    found = _ask(over_tls(http(), paper(tmp_path)), issuer="thử nghiệm")
    assert found.result.outcome == "ok"
    assert list(found.phases) == ["connect", "tls", "ttfb", "transfer"]
    assert numbers(found)["certificate_left_seconds"] == pytest.approx(10 * 86_400, abs=30)
    assert (found.detail["issuer"], found.detail["self_signed"]) == ("O=Thử nghiệm, CN=Test Authority", False)


@pytest.mark.parametrize(
    ("bad", "reason", "left_s"),
    [
        pytest.param({"begins": -3 * DAY, "ends": -2 * DAY}, "cert_expired", -2 * 86_400, id="expired"),
        pytest.param({"begins": 2 * DAY, "ends": 3 * DAY}, "cert_expired", 3 * 86_400, id="not valid yet"),
        pytest.param({"names": ("other.example",)}, "cert_name", 10 * 86_400, id="of another name"),
        pytest.param({"own": "127.0.0.1"}, "cert_untrusted", 10 * 86_400, id="signed by itself"),
        pytest.param({"by": "Nobody"}, "cert_untrusted", 10 * 86_400, id="of an unknown authority"),
        pytest.param({"by": "FortiGate CA"}, "proxy_page", 10 * 86_400, id="of a filter that is trusted"),
        pytest.param({"own": "FGT60F FortiGate"}, "proxy_page", 10 * 86_400, id="of a filter that is not"),
        pytest.param({"own": "MikroTik hotspot"}, "captive_portal", 10 * 86_400, id="of a portal"),
    ],
)
def test_a_bad_certificate_fails_by_its_reason_and_says_what_it_is(
    bad: dict[str, object], reason: str, left_s: float, tmp_path: Path
) -> None:
    found = _ask(over_tls(http(), paper(tmp_path, **bad)))  # type: ignore[arg-type]
    assert (found.result.outcome, found.result.reason) == ("fail", reason)
    assert numbers(found)["certificate_left_seconds"] == pytest.approx(left_s, abs=30)
    assert str(found.detail["issuer"]).startswith("O=Thử nghiệm, CN=")
    assert "total_seconds" not in numbers(found)


def test_a_portals_page_behind_a_bad_certificate_is_known_as_such(tmp_path: Path) -> None:
    portal = http(status="302 Found", Location="http://login.portal.example/?to=here")
    page = http(b'<meta http-equiv="refresh" content="0; url=http://10.5.50.1/login"><h1>WiFi hotspot</h1>')
    assert _ask(over_tls(page, paper(tmp_path, own="router"))).result.reason == "captive_portal"
    assert _ask(over_tls(portal, paper(tmp_path, own="router"))).result.reason == "cert_untrusted"


def test_what_came_verified_is_never_taken_for_a_portal(tmp_path: Path) -> None:
    login = b'<h1>hotspot</h1> squid <form><input type="password"></form>'
    talk = over_tls(http(login, status="511 Oh"), paper(tmp_path))
    assert _ask(talk).result.reason == "bad_status"
    assert _ask(talk, status="511").result.outcome == "ok"


def test_a_private_authority_can_be_allowed_and_its_end_still_counts(tmp_path: Path) -> None:
    assert _ask(over_tls(http(), paper(tmp_path, own="box")), trust="any").result.outcome == "ok"
    old = paper(tmp_path, own="box", begins=-3 * DAY, ends=-DAY)
    assert _ask(over_tls(http(), old), trust="any").result.reason == "cert_expired"


def test_an_issuer_that_is_not_the_expected_one_stands_in_between(tmp_path: Path) -> None:
    assert _ask(over_tls(http(), paper(tmp_path)), issuer="Let's Encrypt").result.reason == "proxy_page"


@pytest.mark.parametrize(
    ("offset_s", "outcome", "reason"),
    [
        pytest.param(None, "fail", "cert_expired", id="a clock nobody checked is believed"),
        pytest.param(5.0, "fail", "cert_expired", id="a clock that is right"),
        pytest.param(5 * 86_400.0, "unknown", "clock_wrong", id="a clock that is days ahead"),
    ],
)
def test_a_wrong_clock_of_ours_is_no_fault_of_the_certificate(
    offset_s: float | None, outcome: str, reason: str, tmp_path: Path
) -> None:
    """The certificate ended two days ago by this machine's clock, which may be five days ahead."""
    talk = over_tls(http(), paper(tmp_path, begins=-20 * DAY, ends=-2 * DAY))
    found = _ask(talk, offset_s=offset_s)
    assert (found.result.outcome, found.result.reason) == (outcome, reason)


def test_a_machine_without_authorities_judges_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    trust.forget()
    found = _ask(over_tls(http(), paper(tmp_path)))
    assert (found.result.outcome, found.result.reason) == ("unknown", "unsupported")
    assert "ca-certificates" in str(found.detail["error"])


@pytest.mark.parametrize(
    ("talk", "reason"),
    [
        pytest.param(lambda guest: guest.conn.sendall(b"220 plain text\r\n" * 9), "tls_failed", id="plain text"),
        pytest.param(lambda guest: guest.conn.recv(1), "reset", id="hung up"),
    ],
)
def test_encryption_that_no_one_agrees_on_fails(talk: Talk, reason: str) -> None:
    assert _ask(talk).result.reason in {reason, "tls_failed"}


def test_a_page_over_ipv6_has_a_certificate_too(tmp_path: Path) -> None:
    with serving(over_tls(http(), paper(tmp_path, names=("::1",))), listen("::1")) as port:
        found = ask(f"https://[::1]:{port}/")
    assert found.result.outcome == "ok"
    assert "certificate_left_seconds" in numbers(found, "ipv6")
