"""The collector's own certificate authority: made once, its key in the home; agents pin it by the join code.

ECDSA P-256. The server's certificate is renewed when it nears its end or when the names it is reached by have changed.
"""

from __future__ import annotations

import ipaddress
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from collector.api import CollectorError
from wire.clock import Clock

CA_YEARS: Final = 20
SERVER_DAYS: Final = 825
RENEW_DAYS: Final = 60
ALWAYS: Final = ("localhost", "127.0.0.1", "::1")

_PEM: Final = serialization.Encoding.PEM


class CaError(CollectorError):
    """The authority's files cannot be used; the text names the file."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Where the certificates lie. `pem` is the CA's certificate, what agents pin."""

    pem: bytes
    server_cert: Path
    server_key: Path

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 over the CA certificate's DER."""
        return x509.load_pem_x509_certificate(self.pem).fingerprint(hashes.SHA256())


def open_authority(home: Path, hosts: Sequence[str], clock: Clock) -> Authority:
    """The authority of this home, made where there is none, with a certificate good for `hosts`. Raises CaError."""
    now = datetime.fromtimestamp(clock.wall_ms() / 1000, UTC)
    cert, key = home / "ca.pem", home / "ca.key"
    server_cert, server_key = home / "server.pem", home / "server.key"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not cert.exists():
            _make_ca(cert, key, now)
        authority = x509.load_pem_x509_certificate(cert.read_bytes())
        names = list(dict.fromkeys([*ALWAYS, *hosts]))
        if not _still_good(server_cert, server_key, authority, names, now):
            _make_server(server_cert, server_key, issuer=(_load_key(key), authority), names=names, now=now)
        return Authority(cert.read_bytes(), server_cert, server_key)
    except OSError as error:
        raise CaError(f"{error.filename or home}: {error.strerror}") from error
    except ValueError as error:
        raise CaError(
            f"{cert} or {key} is damaged ({error}); restore both from a backup, or agents must enrol anew"
        ) from error


def issue_for(home: Path, hosts: Sequence[str], host: str, folder: Path, clock: Clock) -> tuple[Path, Path]:
    """A certificate and its key, put into `folder`, for another machine that agents reach by `host`. Raises CaError."""
    open_authority(home, hosts, clock)
    now = datetime.fromtimestamp(clock.wall_ms() / 1000, UTC)
    cert, key = folder / "server.pem", folder / "server.key"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        ca = x509.load_pem_x509_certificate((home / "ca.pem").read_bytes())
        _make_server(cert, key, issuer=(_load_key(home / "ca.key"), ca), names=[host], now=now)
    except OSError as error:
        raise CaError(f"{error.filename or folder}: {error.strerror}") from error
    return cert, key


def _make_ca(cert: Path, key: Path, now: datetime) -> None:
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "motcua collector CA")])
    public = secret.public_key()
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = (
        _builder(name, name, public, now, timedelta(days=365 * CA_YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    _write(key, _private(secret), 0o600)
    _write(cert, builder.sign(secret, hashes.SHA256()).public_bytes(_PEM), 0o644)


def _make_server(
    cert: Path,
    key: Path,
    *,
    issuer: tuple[ec.EllipticCurvePrivateKey, x509.Certificate],
    names: list[str],
    now: datetime,
) -> None:
    ca_key, ca = issuer
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "motcua collector")])
    builder = (
        _builder(name, ca.subject, secret.public_key(), now, timedelta(days=SERVER_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general(n) for n in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
    )
    _write(key, _private(secret), 0o600)
    _write(cert, builder.sign(ca_key, hashes.SHA256()).public_bytes(_PEM), 0o644)


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    # A day of grace backwards: agents' clocks are not always right either.
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + life)
    )


def _still_good(cert: Path, key: Path, ca: x509.Certificate, names: list[str], now: datetime) -> bool:
    if not cert.exists() or not key.exists():
        return False
    try:
        found = x509.load_pem_x509_certificate(cert.read_bytes())
        found.verify_directly_issued_by(ca)
        mine = _load_key(key).public_key() == found.public_key()
        listed = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except Exception:
        return False  # whatever is wrong with it, a new one is right
    lasts = found.not_valid_before_utc <= now <= found.not_valid_after_utc - timedelta(days=RENEW_DAYS)
    return mine and lasts and set(listed) == {_general(n) for n in names}


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("not an ECDSA key")  # noqa: TRY004  # of content, not of type
    return key


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all, and never readable by others even for a moment."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def fingerprint_text(fingerprint: bytes) -> str:
    """As people compare it: pairs of hexadecimal digits."""
    return fingerprint.hex(":").upper()
