"""Asks a router for one interface and ends: the one program here that imports pysnmp.

`python -m agent.probes.snmpchild` reads an `Asked` as JSON from its standard input and prints an `Answer`.
Objects of IF-MIB (RFC 2863), EtherLike-MIB (RFC 3635) and SNMPv2-MIB (RFC 3418), by number: no MIB is compiled.
Exit 3: pysnmp is not installed.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Final

import msgspec

from agent.probes.snmp import NO_PYSNMP, Access, Answer, Asked

if TYPE_CHECKING:
    from pysnmp.hlapi.v3arch.asyncio import CommunityData, UsmUserData

IF_NAME: Final = "1.3.6.1.2.1.31.1.1.1.1"
IF_DESCR: Final = "1.3.6.1.2.1.2.2.1.2"
UPTIME: Final = "1.3.6.1.2.1.1.3.0"
COLUMNS: Final = {
    "octets_in": "1.3.6.1.2.1.2.2.1.10", "octets_out": "1.3.6.1.2.1.2.2.1.16", "speed": "1.3.6.1.2.1.2.2.1.5",
    "status": "1.3.6.1.2.1.2.2.1.8", "discards_in": "1.3.6.1.2.1.2.2.1.13", "errors_in": "1.3.6.1.2.1.2.2.1.14",
    "discards_out": "1.3.6.1.2.1.2.2.1.19", "errors_out": "1.3.6.1.2.1.2.2.1.20",
    "hc_in": "1.3.6.1.2.1.31.1.1.1.6", "hc_out": "1.3.6.1.2.1.31.1.1.1.10", "high_speed": "1.3.6.1.2.1.31.1.1.1.15",
    "discontinuity": "1.3.6.1.2.1.31.1.1.1.19", "duplex": "1.3.6.1.2.1.10.7.2.1.19",
}  # fmt: skip
MOST_ROWS: Final = 1_000
AT_ONCE: Final = 25
RETRIES: Final = 1

# What a router that heard us says when it will not answer: SNMPv3 reports (RFC 3414 §3.2), error-status (RFC 3416 §3).
_REFUSALS: Final = (
    "username",
    "usmuser",
    "digest",
    "security",
    "authorization",
    "access",
    "decryption",
    "authentication",
)


class _Ended(Exception):
    """There is no answer to give but this one."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.text)
        self.answer = answer


def main() -> int:
    try:
        import pysnmp.hlapi.v3arch.asyncio  # noqa: F401  # is it there?
    except ImportError:
        return NO_PYSNMP
    asked = msgspec.json.decode(sys.stdin.buffer.read(65_536), type=Asked)
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(_answer(asked))))
    return 0


async def _answer(asked: Asked) -> Answer:
    try:
        return await _Router(asked).interface()
    except _Ended as ended:
        return ended.answer
    except OSError as error:
        return Answer(error="unreachable", text=f"this machine: {error.strerror or error}"[:200])


class _Router:
    """One router and how it is spoken to."""

    def __init__(self, asked: Asked) -> None:
        from pysnmp.hlapi.v3arch.asyncio import ContextData, SnmpEngine

        self._asked, self._engine, self._context = asked, SnmpEngine(), ContextData()
        self._who = credentials(asked.access)

    async def interface(self) -> Answer:
        """The interface that is asked for: by its number, where it was before, or wherever its name is now."""
        wanted = self._asked.interface
        if wanted.isdecimal():
            return await self._read(int(wanted))
        if self._asked.index:
            answer = await self._read(self._asked.index, must=False)
            if answer.name == wanted:
                return answer
        return await self._read(await self._find(wanted))

    async def _read(self, index: int, *, must: bool = True) -> Answer:
        names = [UPTIME, f"{IF_NAME}.{index}", *(f"{column}.{index}" for column in COLUMNS.values())]
        found = await self._get(names)
        numbers = {name: found.get(f"{column}.{index}") for name, column in COLUMNS.items()}
        counted = {name: value for name, value in numbers.items() if isinstance(value, int)}
        if must and not counted:
            raise _Ended(
                Answer(error="no_counter", text=f"{self._asked.host} has no interface {self._asked.interface}")
            )
        uptime, name = found.get(UPTIME), found.get(f"{IF_NAME}.{index}")
        told = name if isinstance(name, str) else ""
        uptime = uptime if isinstance(uptime, int) else None
        return msgspec.convert({"index": index, "name": told, "uptime": uptime, **counted}, Answer)

    async def _find(self, wanted: str) -> int:
        """The ifIndex of a name, by ifName, else by ifDescr."""
        seen: list[str] = []
        for column in (IF_NAME, IF_DESCR):
            rows = await self._walk(column)
            for index, name in rows:
                if name == wanted:
                    return index
            seen += [name for _, name in rows if name not in seen]
        text = f"{self._asked.host} has no interface {wanted}; it has {', '.join(seen[:12]) or 'none that it tells of'}"
        raise _Ended(Answer(error="no_counter", text=text[:300]))

    async def _walk(self, column: str) -> list[tuple[int, str]]:
        """The rows of a column of names, by index."""
        found: list[tuple[int, str]] = []
        last = column
        while len(found) < MOST_ROWS:
            rows = await self._bulk(last)
            inside = [(oid, value) for oid, value in rows if oid.startswith(f"{column}.")]
            found += [(int(oid.rpartition(".")[2]), value) for oid, value in inside if isinstance(value, str)]
            # An agent that does not go forward would be asked for ever.
            if len(inside) < len(rows) or not inside or _order(inside[-1][0]) <= _order(last):
                break
            last = inside[-1][0]
        return found

    # --- one request and its answer -----------------------------------------------------------------------------------

    async def _get(self, names: list[str]) -> dict[str, int | str]:
        from pysnmp.hlapi.v3arch.asyncio import ObjectIdentity, ObjectType, get_cmd

        objects = [ObjectType(ObjectIdentity(name)) for name in names]
        answer = await get_cmd(self._engine, self._who, await self._where(), self._context, *objects, lookupMib=False)
        return dict(_rows(answer, self._asked.host))

    async def _bulk(self, after: str) -> list[tuple[str, int | str]]:
        from pysnmp.hlapi.v3arch.asyncio import ObjectIdentity, ObjectType, bulk_cmd

        answer = await bulk_cmd(
            self._engine, self._who, await self._where(), self._context, 0, AT_ONCE,
            ObjectType(ObjectIdentity(after)), lookupMib=False,
        )  # fmt: skip
        return _rows(answer, self._asked.host)

    async def _where(self) -> object:
        from pysnmp.hlapi.v3arch.asyncio import Udp6TransportTarget, UdpTransportTarget

        kind = Udp6TransportTarget if ":" in self._asked.host else UdpTransportTarget
        address = (self._asked.host, self._asked.access.port)
        return await kind.create(address, timeout=self._asked.timeout_s, retries=RETRIES)


def credentials(access: Access) -> CommunityData | UsmUserData:
    """A community as version 2c, a user as version 3 with what it has."""
    from pysnmp.hlapi.v3arch import asyncio as api

    if not access.user:
        # What most routers of centres speak; version 3 is there for those that can.
        return api.CommunityData(access.community, mpModel=1)  # noqa: S508
    auths = {
        "md5": api.USM_AUTH_HMAC96_MD5, "sha": api.USM_AUTH_HMAC96_SHA, "sha224": api.USM_AUTH_HMAC128_SHA224,
        "sha256": api.USM_AUTH_HMAC192_SHA256, "sha384": api.USM_AUTH_HMAC256_SHA384,
        "sha512": api.USM_AUTH_HMAC384_SHA512,
    }  # fmt: skip
    privs = {
        "des": api.USM_PRIV_CBC56_DES, "aes128": api.USM_PRIV_CFB128_AES, "aes192": api.USM_PRIV_CFB192_AES,
        "aes256": api.USM_PRIV_CFB256_AES,
    }  # fmt: skip
    return api.UsmUserData(
        access.user, access.auth or None, access.priv or None,
        authProtocol=auths[access.auth_protocol] if access.auth else api.USM_AUTH_NONE,
        privProtocol=privs[access.priv_protocol] if access.priv else api.USM_PRIV_NONE,
    )  # fmt: skip


def _rows(answer: tuple[object, object, object, object], host: str) -> list[tuple[str, int | str]]:
    """Names and values of an answer; what the router does not have is left out. Raises _Ended."""
    indication, status, _, objects = answer
    said = str(indication or "") or (str(getattr(status, "prettyPrint", lambda: "")()) if status else "")
    if said:
        raise _Ended(_failure(said, host))
    rows = ((str(name), _plain(value)) for name, value in objects)  # type: ignore[attr-defined]  # pysnmp has no types
    return [(name, value) for name, value in rows if value is not None]


def _failure(said: str, host: str) -> Answer:
    lowered = said.lower().replace(" ", "")
    if "timeout" in lowered or "nosnmpresponse" in lowered:
        return Answer(error="no_answer", text=f"{host} does not answer to SNMP: is it on, is what is said to it right?")
    refused = any(word in lowered for word in _REFUSALS)
    return Answer(error="refused" if refused else "broken", text=f"{host}: {said}"[:200])


def _plain(value: object) -> int | str | None:
    """A text or a number of the wire (RFC 3416); None for noSuchObject, noSuchInstance, endOfMibView and null."""
    octets = getattr(value, "asOctets", None)
    if octets is not None:
        return str(octets().decode("utf-8", "replace"))[:80]
    try:
        return int(str(value))
    except ValueError:
        return None


def _order(oid: str) -> tuple[int, ...]:
    return tuple(map(int, oid.split(".")))


if __name__ == "__main__":
    sys.exit(main())
