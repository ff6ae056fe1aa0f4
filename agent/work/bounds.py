"""What a probe found, cut to what the wire takes: a value that breaks a bound is dropped and counted, never altered."""

from __future__ import annotations

import math
import re
from typing import Final

import msgspec

from agent.probes import Measured
from wire.messages import MAX_DETAIL_BYTES, MAX_VALUES, Scalar, Value
from wire.metrics import METRICS

MAX_KEYS: Final = 32
MAX_TEXT: Final = 500
MAX_LABEL: Final = 200
MAX_WHOLE: Final = 2**53

_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")


def bounded(found: Measured) -> tuple[Measured, int]:
    """The same finding within the bounds of the wire, and how many of its values were dropped."""
    values = [kept for value in found.values[: 4 * MAX_VALUES] if (kept := _value(value)) is not None][:MAX_VALUES]
    phases = {k: float(v) for k, v in list(found.phases.items())[:MAX_KEYS] if _WORD.fullmatch(k) and math.isfinite(v)}
    return Measured(found.result, values, phases, _detail(found.detail)), len(found.values) - len(values)


def clean(text: str, longest: int = MAX_TEXT) -> str:
    """`text` without control characters and lone surrogates, cut to `longest` characters."""
    readable = text[:longest].encode("utf-8", "replace").decode("utf-8")
    return "".join(c if c >= " " and c != "\x7f" else " " for c in readable)


def _value(value: Value) -> Value | None:
    if value.metric not in METRICS or not math.isfinite(value.value):
        return None
    if value.of is None:
        return value
    label = clean(value.of, MAX_LABEL)
    return Value(value.metric, value.value, label) if label else None


def _detail(detail: dict[str, Scalar]) -> dict[str, Scalar]:
    kept = {clean(key, MAX_LABEL) or "key": _scalar(value) for key, value in list(detail.items())[:MAX_KEYS]}
    while len(msgspec.json.encode(kept)) > MAX_DETAIL_BYTES:
        kept.popitem()
    return kept


def _scalar(value: object) -> Scalar:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > MAX_WHOLE:
        return str(value)[:MAX_LABEL]
    return value if value is None or isinstance(value, (bool, int, float)) else clean(repr(value))
