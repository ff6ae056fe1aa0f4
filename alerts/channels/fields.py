"""The facts of a letter one by one, by the names that templates, columns and labels use.

They follow what a carrier's own fault record asks for, and what a carrier cannot see: what was measured from inside.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

from alerts.api.words import LOCAL
from alerts.channels.errors import ChannelError
from alerts.channels.letter import Field, Letter

Values = Mapping[str, Field]

FIELDS: Final[Mapping[str, str]] = {
    "key": "idempotency key: the same record is not made twice by it",
    "number": "number of the incident",
    "incident": "id of the incident",
    "kind": "call, correction, recovered, escalation, reminder, digest, test",
    "audience": "who is told: team:vnpt-bac",
    "title": "the sentence, in the language of the route",
    "text": "all of the letter, in the language of the route",
    "title_vi": "the sentence in Vietnamese",
    "title_en": "the sentence in English",
    "text_vi": "all of the letter in Vietnamese",
    "text_en": "all of the letter in English",
    "link": "address of the incident on the board",
    "owner": "whose it is: line, carrier, power …",
    "state": "down, degraded, unknown",
    "rule": "the rule that spoke",
    "cause": "key of the cause: line:07210-1/a",
    "since_ms": "when the trouble began",
    "ended_ms": "when it ended; empty while it holds",
    "target_ms": "until when it is to be repaired",
    "created_ms": "when the letter was written",
    "waiting": "dossiers that came in while people could not be served",
    "centre": "key of the centre, where it is one",
    "centre_name": "its name",
    "centres": "keys of all of them",
    "area": "area of the centre",
    "lat": "latitude, degrees",
    "lon": "longitude, degrees",
    "map": "address of a map there",
    "contact": "whom to ask for there",
    "phone": "their telephone",
    "hours": "opening hours today",
    "line": "key of the line: 07210-1/a",
    "line_kind": "internet, tslcd, mobile",
    "carrier": "key of the carrier",
    "circuit": "the carrier's own code of the line (mã thuê bao, mã kênh)",
    "circuits": "of all lines concerned",
    "contract_bps": "contracted rate, bit/s",
    "uplink_group": "lines that fail together",
    "cpe_address": "address of the carrier's equipment at the centre",
    "other_lines": "the centre's other lines: carrier, code",
    "results": "what was measured from inside, a sentence each",
    "neighbours": "other centres concerned, by name",
    "faults": "earlier incidents of the centre, a sentence each",
    "team": "key of the team that is told",
}
"""Name → what it is. Names of instants end in `_ms`: the filters `moment` and `iso` write them out."""


def of_letter(letter: Letter) -> Values:
    """Every field of the table; None or nothing where it is not known."""
    own: dict[str, Field] = {
        "key": letter.key, "number": letter.number, "incident": letter.incident, "kind": letter.kind,
        "title": letter.title, "text": letter.text, "title_vi": letter.title_vi, "title_en": letter.title_en,
        "text_vi": letter.text_vi, "text_en": letter.text_en, "link": letter.link, "created_ms": letter.created_ms,
    }  # fmt: skip
    return {name: own.get(name, letter.fields.get(name)) for name in FIELDS}


def check(columns: Iterable[str]) -> None:
    """Raises ValueError for a column `name` or `name|filter` that is none."""
    for column in columns:
        name, _, how = column.partition("|")
        for word, valid in ((name.strip(), FIELDS), (how.strip(), FILTERS)):
            if word not in valid and (word or valid is FIELDS):
                near = difflib.get_close_matches(word, list(valid), n=1, cutoff=0.5)
                raise ValueError(
                    f"there is no {word[:40]!r}; {f'did you mean {near[0]}?' if near else ', '.join(valid)}"
                )


def text(column: str, values: Values) -> str:
    """A value as a cell has it: lists by semicolons, nothing where nothing is known. Raises ChannelError."""
    name, _, how = column.partition("|")
    value = values.get(name.strip())
    if how.strip():
        return FILTERS[how.strip()](value)
    if isinstance(value, tuple):
        return "; ".join(value)
    return "" if value is None else str(value)


# --- filters --------------------------------------------------------------------------------------------------------


def moment(value: Field) -> str:
    """22/11/2026 07:30, in Vietnam."""
    return "" if value is None else _at(value).strftime("%d/%m/%Y %H:%M")


def iso(value: Field) -> str:
    """2026-11-22T07:30:00+07:00."""
    return "" if value is None else _at(value).isoformat(timespec="seconds")


def tojson(value: Field) -> str:
    """As JSON, Vietnamese left as it is."""
    return json.dumps(value, ensure_ascii=False)


FILTERS: Final[Mapping[str, Callable[[Field], str]]] = {"moment": moment, "iso": iso, "tojson": tojson}


def _at(value: Field) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ChannelError("moment and iso are for names that end in _ms", permanent=True)
    try:
        return datetime.fromtimestamp(value / 1000, LOCAL)
    except (OverflowError, ValueError, OSError):
        raise ChannelError("moment and iso are for instants", permanent=True) from None
