"""One run over one version of IP: what was found on the way, and the ways in: address, connection, encryption."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from agent.context import Context
from agent.net import resolve, trust
from agent.net.links import now_s
from agent.net.ranges import is_public
from agent.net.resolve import Family
from agent.net.stream import Stream, StreamError, Untrusted
from agent.net.x509 import Certificate
from agent.probes.given import Ended, bad_setting
from agent.probes.serviceplan import Place, Settings
from agent.probes.serviceportal import who_signed
from wire.messages import Scalar
from wire.outcomes import fail, unknown

RESOLVE_S: Final = 5.0
DAY_S: Final = 86_400
USER_AGENT: Final = "motcua (monitoring of one-stop centres; reads one public page)"


@dataclass(slots=True)
class Run:
    """`until` is the moment of `now_s` by which all is over. `address` is the first one that was asked."""

    ctx: Context
    settings: Settings
    family: Family
    until: float
    phases: dict[str, float] = field(default_factory=dict)
    detail: dict[str, Scalar] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    address: str = ""
    _known: dict[str, str] = field(default_factory=dict)

    def left_s(self) -> float:
        return max(0.0, min(self.until - now_s(), self.ctx.left_s()))

    def find(self, place: Place) -> str:
        """The address of a place: asked once, so that what was checked is what is connected to. Raises Ended."""
        if place.host in self._known:
            return self._known[place.host]
        if not self.left_s():
            raise Ended(unknown("deadline"), error="no time was left to find the address")
        begun = now_s()
        try:
            found = resolve.ask(place.host, self.family, self.ctx, min(RESOLVE_S, self.left_s() / 2))
        except resolve.NotResolved as error:
            raise Ended(fail("not_resolved"), error=f"{place.host}: {error}") from error
        except resolve.ResolverFailed as error:
            raise Ended(unknown("resolver_failed"), error=f"{place.host}: {error}") from error
        if found.origin != "literal":
            self.phases["dns"] = self.phases.get("dns", 0.0) + now_s() - begun
        self.ctx.explain(f"{place.host} is {found.text} ({found.origin})")
        self._known[place.host] = found.text
        return found.text

    def find_target(self, place: Place) -> str:
        """The address of the plan's own target, which must be public unless the plan says otherwise. Raises Ended."""
        self.address = self.find(place)
        if not self.settings.allow_private and not is_public(self.address):
            raise bad_setting("allow_private", f"{place.host} is {self.address}, which is not of the open internet")
        return self.address

    @contextmanager
    def connected(self, address: str, place: Place) -> Iterator[Stream]:
        """A connection to a place, encrypted where it is so from the first byte on. Raises Ended, StreamError."""
        if not self.left_s():
            raise Ended(unknown("deadline"), error="no time was left to connect")
        stream = Stream(self.left_s, self.phases)
        try:
            stream.connect(address, place.port)
            if place.secure:
                self.secure(stream, place)
            yield stream
        finally:
            stream.close()

    def secure(self, stream: Stream, place: Place) -> None:
        """Agree upon an encryption, and judge the certificate. Raises Ended, StreamError."""
        verify = self.settings.trust == "system"
        try:
            context = trust.context(verify=verify)
        except trust.NoTrust as error:
            raise Ended(unknown("unsupported"), error=str(error)) from error
        certificate = trust.facts(stream.secure(context, place.host))
        self.keep(certificate)
        if (foreign := who_signed(certificate)) is not None:
            raise StreamError(fail(foreign), f"the certificate is of {certificate.issuer if certificate else ''}")
        if certificate is None:
            return
        if not verify and not certificate.begins_s <= self.true_time_s() < certificate.ends_s:
            raise StreamError(fail("cert_expired"), "certificate has expired or is not yet valid")
        if self.settings.issuer.casefold() not in certificate.issuer.casefold():
            raise StreamError(fail("proxy_page"), f"the certificate is by {certificate.issuer}, not the expected one")

    def keep(self, certificate: Certificate | None) -> None:
        """Record what a certificate says of itself."""
        if certificate is None:
            return
        self.numbers["certificate_left_seconds"] = round(certificate.ends_s - self.true_time_s())
        self.detail |= {"issuer": certificate.issuer, "self_signed": certificate.self_signed}

    def true_time_s(self) -> float:
        """Now by the collector's clock, where that is known."""
        return self.ctx.clock.wall_ms() / 1000 - (self.ctx.facts.clock_offset_s or 0.0)

    def explained(self, refused: Untrusted, certificate: Certificate | None) -> Ended:
        """Why a certificate was not accepted, now that it is known what it says."""
        self.keep(certificate)
        told: dict[str, Scalar] = {"error": str(refused)}
        if certificate is not None:
            told["issued_to"] = certificate.subject
        if refused.result.reason == "cert_expired" and self._by_a_wrong_clock(certificate):
            return Ended(unknown("clock_wrong"), **told)
        return Ended(fail(who_signed(certificate) or str(refused.result.reason)), **told)

    def _by_a_wrong_clock(self, certificate: Certificate | None) -> bool:
        """Whether a certificate seems expired only because this machine's clock is off."""
        offset_s = self.ctx.facts.clock_offset_s
        if offset_s is None:
            return False
        if certificate is None:
            return abs(offset_s) > DAY_S
        return certificate.begins_s <= self.true_time_s() < certificate.ends_s
