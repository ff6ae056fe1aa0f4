"""The collector's own authority."""

from __future__ import annotations

import hashlib
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from collector.register.ca import SERVER_DAYS, Authority, CaError, fingerprint_text, open_authority
from tests.support.handclock import HandClock
from wire.client import ca_fingerprint

DAY_MS = 86_400_000


def server(authority: Authority) -> x509.Certificate:
    return x509.load_pem_x509_certificate(authority.server_cert.read_bytes())


def names(authority: Authority) -> set[str]:
    alternative = server(authority).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in alternative}


def test_the_authority_is_made_once_and_its_keys_are_private(tmp_path: Path, clock: HandClock) -> None:
    first = open_authority(tmp_path, [], clock)
    again = open_authority(tmp_path, [], clock)
    assert (first, first.server_cert.read_bytes()) == (again, again.server_cert.read_bytes())
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()}
    assert modes == {"ca.pem": 0o644, "ca.key": 0o600, "server.pem": 0o644, "server.key": 0o600}
    key = x509.load_pem_x509_certificate(first.pem).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"


def test_the_fingerprint_is_that_which_agents_compute(tmp_path: Path, clock: HandClock) -> None:
    authority = open_authority(tmp_path, [], clock)
    assert authority.fingerprint == ca_fingerprint(authority.pem)
    assert authority.fingerprint == hashlib.sha256(ssl.PEM_cert_to_DER_cert(authority.pem.decode())).digest()
    assert len(fingerprint_text(authority.fingerprint)) == 95


def test_the_server_is_reached_by_every_name_that_was_configured(tmp_path: Path, clock: HandClock) -> None:
    assert names(open_authority(tmp_path, [], clock)) == {"localhost", "127.0.0.1", "::1"}
    more = open_authority(tmp_path, ["collector.example", "192.0.2.7"], clock)
    assert names(more) >= {"collector.example", "192.0.2.7"}
    server(more).verify_directly_issued_by(x509.load_pem_x509_certificate(more.pem))


def test_the_servers_certificate_is_renewed_before_it_ends_and_the_authority_stays(
    tmp_path: Path, clock: HandClock
) -> None:
    first = open_authority(tmp_path, [], clock)
    serial = server(first).serial_number
    clock.forward((SERVER_DAYS - 61) * DAY_MS)
    assert server(open_authority(tmp_path, [], clock)).serial_number == serial
    clock.forward(2 * DAY_MS)
    renewed = open_authority(tmp_path, [], clock)
    assert server(renewed).serial_number != serial
    assert renewed.pem == first.pem


def test_a_damaged_server_certificate_is_replaced_but_a_damaged_authority_is_not(
    tmp_path: Path, clock: HandClock
) -> None:
    authority = open_authority(tmp_path, [], clock)
    authority.server_cert.write_text("nonsense")
    assert names(open_authority(tmp_path, [], clock)) >= {"localhost"}
    (tmp_path / "ca.pem").write_text("nonsense")
    with pytest.raises(CaError, match="damaged"):
        open_authority(tmp_path, [], clock)


def test_a_home_that_cannot_be_written_is_named(clock: HandClock) -> None:
    with pytest.raises(CaError, match="/dev/null"):
        open_authority(Path("/dev/null/home"), [], clock)
