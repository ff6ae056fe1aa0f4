"""Names as people type them: compared without tone marks, rank and case."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping
from typing import Final

_RANK: Final = re.compile(r"^(xa|phuong|thi tran|dac khu)\s+(?=\S)")


def fold(name: str) -> str:
    """The name without rank, tone marks and case: "Phường Nhân Hoà" and "nhân hòa" are the same."""
    plain = "".join(sign for sign in unicodedata.normalize("NFD", name.casefold()) if not unicodedata.combining(sign))
    return _RANK.sub("", " ".join(plain.replace("đ", "d").split()))


class Communes:
    """The communes there are, by code; finds the one that was probably meant, by a name it had before too."""

    def __init__(self, names: Mapping[str, str], former: Mapping[str, str] | None = None) -> None:
        self._names: Final = names
        self._by_name: dict[str, list[str]] = {}
        for code, name in names.items():
            for called in {fold(name), fold((former or {}).get(code, ""))} - {""}:
                self._by_name.setdefault(called, []).append(code)

    def __contains__(self, code: str) -> bool:
        return code in self._names

    def __bool__(self) -> bool:
        return bool(self._names)

    def meant(self, name: str, code: str) -> str:
        """A remedy for an unknown code: the communes of that name, of a like name, else of a like code."""
        wanted = fold(name)
        near = self._by_name.get(wanted) or self._like(wanted) or difflib.get_close_matches(code, self._names, n=2)
        found = [f"{code} ({self._names[code]})" for code in near[:3]]
        return f"did you mean {' or '.join(found)}?" if found else "add the commune to the table communes first"

    def _like(self, wanted: str) -> list[str]:
        close = difflib.get_close_matches(wanted, self._by_name, n=2, cutoff=0.75) if wanted else []
        return [code for name in close for code in self._by_name[name]]
