"""Strict settings: TOML into a typed struct, an unknown key refused with file, key and the nearest valid key."""

from __future__ import annotations

import difflib
import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from wire.readied import readied

S = TypeVar("S", bound=msgspec.Struct)

MAX_SETTINGS_BYTES: Final = 256 * 1024


class SettingsError(ValueError):
    """Settings that cannot be used; the text names the file, the key and the remedy."""


def load(path: Path, struct: type[S]) -> S:
    """Read `path` into `struct`. Raises SettingsError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    if len(raw) > MAX_SETTINGS_BYTES:
        raise SettingsError(f"{path}: larger than {MAX_SETTINGS_BYTES} bytes; this is not a settings file")
    return loads(raw, struct, str(path))


def loads(raw: bytes, struct: type[S], name: str) -> S:
    """Read TOML text into `struct`. Raises SettingsError."""
    try:
        tree = tomllib.loads(raw.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{name}: this is not TOML: {error}") from error
    return convert(tree, struct, name)


def convert(tree: Mapping[str, object], struct: type[S], name: str) -> S:
    """A table of a file that was read before, as `struct`. Raises SettingsError."""
    refuse_unknown(tree, struct, name)
    try:
        return msgspec.convert(tree, readied(struct))
    except msgspec.ValidationError as error:
        raise SettingsError(f"{name}: {_with_key(str(error))}") from error


def refuse_unknown(tree: Mapping[str, object], struct: type[msgspec.Struct], name: str, at: str = "") -> None:
    """Raise SettingsError for the first key of `tree` that `struct` does not have, however deep."""
    hints = typing.get_type_hints(struct)
    for key, value in tree.items():
        if key not in hints:
            raise SettingsError(f"{name}: unknown key {at}{key}{nearest(key, list(hints))}")
        inner = _struct_in(hints[key])
        if inner is None:
            continue
        for label, part in _parts(value):
            refuse_unknown(part, inner, name, f"{at}{key}{label}.")


def _parts(value: object) -> list[tuple[str, Mapping[str, object]]]:
    if isinstance(value, dict):
        return [("", value)]
    if isinstance(value, list):
        return [(f"[{n}]", part) for n, part in enumerate(value) if isinstance(part, dict)]
    return []


def _struct_in(hint: object) -> type[msgspec.Struct] | None:
    """The struct inside a hint such as X, X | None or list[X]; the keys of a dict[str, X] are free."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint
    if typing.get_origin(hint) is dict:
        return None
    return next((found for part in typing.get_args(hint) if (found := _struct_in(part))), None)


def nearest(key: str, valid: list[str]) -> str:
    """What to say after a name that is not known."""
    near = difflib.get_close_matches(key, valid, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else f"; valid here: {', '.join(sorted(valid))}"


def _with_key(message: str) -> str:
    text, _, place = message.rpartition(" - at `$.")
    return f"{place.rstrip('`')}: {text}" if text else message
