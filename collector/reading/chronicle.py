"""What people changed of the register, as pages need it: the roll of centres, and the chronicle of one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, func, select

from collector.api import Centre, Chronicle, FormerName, Retired
from collector.lifecycle import records, windows
from collector.lifecycle.naming import former_names
from collector.register import retired
from collector.store.inventory_tables import import_run
from collector.store.tables import centre

SHOWN: Final = 100
_CENTRES: Final = select(centre.c.key, centre.c.name_vi, centre.c.name_en).order_by(centre.c.key)
_IMPORT: Final = select(func.max(import_run.c.id))


def read_chronicle(conn: Connection, key: str) -> Chronicle:
    """All that is on record of one centre, as far as a page shows it."""
    return Chronicle(
        tuple(windows.of_centre(conn, key, SHOWN)),
        tuple(retired.of_centre(conn, key)[:SHOWN]),
        tuple(records.of_centre(conn, key, SHOWN)),
    )


class Roll:
    """Every centre with what it was called and whether it serves; names are read again when an act may have made one.

    Not safe from several threads at once: it belongs to who keeps the register.
    """

    def __init__(self) -> None:
        self._newest = (-1, -1)
        self._former: dict[str, tuple[FormerName, ...]] = {}
        self._retired: dict[str, Retired] = {}

    def centres(self, conn: Connection) -> dict[str, Centre]:
        """All centres by key, those out of service too."""
        newest = _newest(conn)
        if newest != self._newest:
            self._former, self._retired, self._newest = former_names(conn), retired.everything(conn), newest
        return {
            key: Centre(key, vi, en, self._retired.get(f"centre:{key}"), self._former.get(key, ()))
            for key, vi, en in conn.execute(_CENTRES)
        }

    def gone(self, subjects: Iterable[tuple[str, str, str]]) -> frozenset[str]:
        """Those of (key, kind, centre) that are out of service, by themselves or with their centre."""
        if not self._retired:
            return frozenset()
        whole = {held.removeprefix("centre:") for held in self._retired}
        return frozenset(key for key, _, of_centre in subjects if key in self._retired or of_centre in whole)


def _newest(conn: Connection) -> tuple[int, int]:
    return records.newest(conn), conn.scalar(_IMPORT) or 0
