"""Twelve shared systems that every centre of a home measures: an inventory, subjects, states, and the last answers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, insert

from bench.home import Enrolled, Home
from collector.api import PHASES
from collector.store.databases import open_store
from collector.store.inventory_tables import inventory
from collector.store.tables import flip, raw, serie, subject
from wire.clock import SystemClock

SYSTEMS: Final = tuple(f"shared-{n}" for n in range(1, 13))
AREAS: Final = 34
CARRIERS: Final = ("vnpt", "viettel", "fpt")
ANSWERS: Final = 12  # of each centre to each system: an hour of them
_AT_ONCE: Final = 20_000
_Row = dict[str, str | int | float | None]


def share(home: Home, known: Sequence[Enrolled]) -> None:
    """Write them; one system is slow for nine centres of ten."""
    clock, chance = SystemClock(), random.Random(len(known))
    store = open_store(home.settings.store, clock)
    try:
        now = clock.wall_ms()
        store.writer.do(lambda conn: _core(conn, known, now, chance))
        metrics = [f"motcua_service_{name}_seconds" for name in (*PHASES, "total")]
        keys = [f"service:{system}@{one.centre}" for system in SYSTEMS for one in known]
        rows: list[_Row] = [
            {"sid": n, "subject": key, "metric": metric, "target": "https://example.org/", "of": "ipv4", "whole_ms": 0}
            for n, (key, metric) in enumerate(((key, metric) for key in keys for metric in metrics), start=1)
        ]
        for some in _parts(rows):
            store.ts_writer.do(lambda conn, some=some: conn.execute(insert(serie), some))  # type: ignore[misc]
        for turn in range(ANSWERS):
            points: list[_Row] = [
                {"sid": row["sid"], "at_ms": now - turn * 300_000, "value": chance.uniform(0.01, 0.5)} for row in rows
            ]
            for some in _parts(points):
                store.ts_writer.do(lambda conn, some=some: conn.execute(insert(raw), some))  # type: ignore[misc]
    finally:
        store.close()


def _core(conn: Connection, known: Sequence[Enrolled], now: int, chance: random.Random) -> None:
    subjects: list[_Row] = []
    flips: list[_Row] = []
    for system in SYSTEMS:
        for place in ("", *(one.centre for one in known)):
            key = f"service:{system}@{place}" if place else f"service:{system}"
            ill = system == SYSTEMS[0] and (not place or chance.random() < 0.9)
            subjects.append({
                "key": key, "kind": "service", "centre": place, "label": system, "agent": None, "created_ms": now,
            })  # fmt: skip
            flips.append({
                "subject": key, "at_ms": now - 3_600_000, "from_state": "unknown",
                "to_state": "degraded" if ill else "ok", "reason": "slow" if ill else None, "detail": "{}",
                "policy_version": 1, "evidence": "[]", "recorded_ms": now, "supersedes": None,
            })  # fmt: skip
    for table, rows in ((subject, subjects), (flip, flips), (inventory, _inventory(known, now))):
        for some in _parts(rows):
            conn.execute(insert(table), some)


def _inventory(known: Sequence[Enrolled], now: int) -> list[_Row]:
    bodies: list[tuple[str, str, dict[str, object]]] = [
        ("services", system, {
            "name_vi": f"Hệ thống {system}", "name_en": system, "owner": "Bench", "scope": "province", "slow_s": 5.0,
            "period_s": 300, "on": True, "confidence": "confirmed",
        })
        for system in SYSTEMS
    ]  # fmt: skip
    for n, one in enumerate(known):
        lat, lon = 8.6 + n * 0.618 % 1 * 14.6, 102.5 + n * 0.414 % 1 * 6.5
        place = {"lat": lat, "lon": lon, "located": "area_centroid", "area": f"area-{n % AREAS}"}
        bodies.append(("centres", one.centre, {"name_vi": one.centre, **place}))
        bodies += [
            ("lines", f"{one.centre}/{letter}", {
                "kind": "internet", "carrier": CARRIERS[n % len(CARRIERS)], "circuit": f"BENCH-{n}-{letter}",
                "contract_bps": 100_000_000, "reach_by": "default",
            })
            for letter in ("abc" if n % 3 == 0 else "ab")
        ]  # fmt: skip
    return [
        {"kind": kind, "key": key, "from_ms": now, "to_ms": None, "body": msgspec.json.encode(body).decode(),
         "made_by": None, "ended_by": None}
        for kind, key, body in bodies
    ]  # fmt: skip


def _parts(rows: list[_Row]) -> list[list[_Row]]:
    return [rows[n : n + _AT_ONCE] for n in range(0, len(rows), _AT_ONCE)]
