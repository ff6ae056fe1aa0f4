"""What the inventory said of each line and when: its contracted speed, whence its traffic comes, whether it can be
measured at all. A collector keeps every version, so that what was measured then is held against what was true then."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from collector.judge.egress import Declared, Network
from collector.judge.speed import Contract
from collector.judge.timeline import ALWAYS, Span
from collector.store.inventory_tables import inventory as t


class _Row(msgspec.Struct):
    contract_bps: float | None = None
    cpe_address: str = ""
    egress: str = ""
    reach_by: str = ""


_BODY: Final = msgspec.json.Decoder(_Row)
_UNREACHABLE: Final = ("none", "snmp")  # of the latter only the router's counters are known


@dataclass(frozen=True, slots=True)
class Lines:
    """By the key of a line's subject, oldest first; `declared` by the key of its centre."""

    contracts: Mapping[str, Sequence[Contract]]
    declared: Mapping[str, Sequence[Declared]]
    unreachable: Mapping[str, Sequence[Span]]


def read_lines(conn: Connection) -> Lines:
    """Every version of every line."""
    contracts: dict[str, list[Contract]] = {}
    declared: dict[str, list[Declared]] = {}
    unreachable: dict[str, list[Span]] = {}
    query = select(t.c.key, t.c.from_ms, t.c.to_ms, t.c.body).where(t.c.kind == "lines")
    for key, from_ms, to_ms, body in conn.execute(query.order_by(t.c.from_ms, t.c.id)):
        row, line = _BODY.decode(body), f"line:{key}"
        span = Span(from_ms, ALWAYS if to_ms is None else to_ms)
        contracts.setdefault(line, []).append(Contract(from_ms, to_ms, row.contract_bps))
        if networks := _networks(row):
            declared.setdefault(key.partition("/")[0], []).append(Declared(line, span, networks))
        if unreachable_by(row.reach_by):
            spans = unreachable.setdefault(line, [])
            if spans and spans[-1].end == span.start:
                spans[-1] = Span(spans[-1].start, span.end)
            else:
                spans.append(span)
    return Lines(contracts, declared, unreachable)


def unreachable_by(reach_by: str) -> bool:
    """Whether nothing at the centre can send by a line alone, as its `reach_by` says."""
    return reach_by.partition(":")[0] in _UNREACHABLE


def _networks(row: _Row) -> tuple[Network, ...]:
    words = [*row.egress.split(), *([row.cpe_address] if row.cpe_address else [])]
    return tuple(ipaddress.ip_network(word) for word in words)
