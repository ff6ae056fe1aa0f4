"""Strict settings: what is unknown is refused with file, key and remedy."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.strict import MAX_SETTINGS_BYTES, SettingsError, load, loads


class Item(msgspec.Struct):
    path: str
    weight: float = 1.0


class Spool(msgspec.Struct):
    max_bytes: int = 512
    items: list[Item] = []


class Settings(msgspec.Struct):
    collector: str
    spool: Spool = msgspec.field(default_factory=Spool)
    other: Spool | None = None
    labels: dict[str, str] = {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param('colector = "x"', r"agent\.toml: unknown key colector; did you mean collector\?", id="nearest"),
        pytest.param(
            'collector="x"\nzzz=1', "unknown key zzz; valid here: collector, labels, other, spool", id="none near"
        ),
        pytest.param(
            'collector="x"\n[spool]\nmax_byte=1', r"unknown key spool\.max_byte; did you mean max_bytes", id="nested"
        ),
        pytest.param('collector="x"\n[other]\nmaxbytes=1', r"unknown key other\.maxbytes", id="nested in an option"),
        pytest.param(
            'collector="x"\n[[spool.items]]\npath="a"\n[[spool.items]]\npth="b"',
            r"spool\.items\[1\]\.pth; .*path",
            id="list",
        ),
        pytest.param(
            'collector="x"\n[spool]\nmax_bytes="much"', r"spool\.max_bytes: Expected `int`, got `str`", id="kind"
        ),
        pytest.param("[spool]", "missing required field `collector`", id="missing"),
        pytest.param('collector="x"\nspool=3', "spool: Expected `object`, got `int`", id="no table"),
        pytest.param('collector="x', "this is not TOML", id="broken"),
        pytest.param('a="1"\na="2"', "this is not TOML", id="twice"),
    ],
)
def test_unusable_settings_say_what_to_change(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        loads(text.encode(), Settings, "agent.toml")


def test_usable_settings_are_read(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_bytes('\ufeffcollector = "https://x"\n[labels]\nany = "thing"\n[spool]\nmax_bytes = 7\n'.encode())
    assert load(path, Settings) == Settings("https://x", Spool(7), None, {"any": "thing"})


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml: cannot be read"):
        load(tmp_path / "none.toml", Settings)
    (tmp_path / "big.toml").write_bytes(b"#" * (MAX_SETTINGS_BYTES + 1))
    with pytest.raises(SettingsError, match="larger than"):
        load(tmp_path / "big.toml", Settings)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(raw: bytes) -> None:
    with contextlib.suppress(SettingsError):
        loads(raw, Settings, "agent.toml")


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(SettingsError):
        loads(b"a=" + b"[" * 50_000, Settings, "agent.toml")
