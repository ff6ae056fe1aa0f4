"""All rows as one, and many rows by the driver: the same on both databases as row by row."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, delete, insert, select

from collector.store.databases import Store
from collector.store.plain import put_rows
from collector.store.tables import centre, cursor, raw
from collector.store.whole import Whole

_CENTRES: Final = Whole(
    select(centre.c.key, centre.c.name_vi, centre.c.created_ms).where(
        centre.c.key.in_(bindparam("keys", expanding=True))
    ),
    list[tuple[str, str, int]],
)
NAMES: Final = ['Xã "Một"', "Phường\nHai \\ 100 %", "Đặc khu 😀", ""]


def test_rows_come_whole_with_whatever_is_in_them(store: Store) -> None:
    rows = [(f"{n:05d}-1", name, 2**53 - n) for n, name in enumerate(NAMES)]
    values = [{"key": key, "name_vi": name, "name_en": "", "created_ms": at} for key, name, at in rows]
    store.writer.do(lambda conn: conn.execute(insert(centre), values))
    with store.reading() as conn:
        assert sorted(_CENTRES.read(conn, keys=[key for key, _, _ in rows])) == rows
        assert _CENTRES.read(conn, keys=[rows[2][0]]) == [rows[2]]
        assert _CENTRES.read(conn, keys=[]) == []


def test_nothing_comes_as_nothing_and_null_as_none(store: Store) -> None:
    every = Whole(select(cursor.c.name, cursor.c.seq), list[tuple[str, int]])
    absent = Whole(select(centre.c.key, bindparam("none", None)), list[tuple[str, None]])
    store.writer.do(lambda conn: conn.execute(delete(cursor)))
    store.writer.do(lambda conn: conn.execute(insert(centre).values(key="a", name_vi="", name_en="", created_ms=0)))
    with store.reading() as conn:
        assert every.read(conn) == []
        assert ("a", None) in absent.read(conn)


def test_rows_are_put_by_the_driver_to_the_last_bit(store: Store) -> None:
    points = [(1, 1_795_000_000_000 + n, value) for n, value in enumerate([0.1, 1 / 3, -0.0, 1e100, 5e-324])]
    sql = "INSERT INTO raw (sid, at_ms, value) VALUES (?,?,?) ON CONFLICT DO NOTHING"
    for _ in range(2):
        store.ts_writer.do(lambda conn: put_rows(conn, sql, points))
    store.ts_writer.do(lambda conn: put_rows(conn, sql, []))
    with store.reading_ts() as conn:
        assert [tuple(row) for row in conn.execute(select(raw).order_by(raw.c.at_ms))] == points
