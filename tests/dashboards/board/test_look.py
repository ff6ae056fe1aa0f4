"""The tokens of the look: contrast by computation, no colour outside them, nothing from elsewhere."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from dashboards.board.static_files import NAMES

STATIC = files("dashboards.board").joinpath("static")
STYLE = "".join(STATIC.joinpath(name).read_text("utf-8") for name in ("board.css", "views.css", "incidents.css"))
TOKENS = STATIC.joinpath("tokens.css").read_text("utf-8")

PAIRS = [
    ("ink", "page"), ("ink", "card"), ("ink", "field"), ("ink", "degraded-ground"), ("ink", "down-ground"),
    ("ink", "unknown-hatch"), ("muted", "page"), ("muted", "card"), ("muted", "field"), ("muted", "unknown-hatch"),
    ("accent", "card"), ("accent", "page"), ("on-accent", "accent"), ("ok", "card"), ("degraded", "card"),
    ("degraded", "degraded-ground"), ("down", "card"), ("down", "down-ground"), ("unknown", "card"),
    ("planned", "card"), ("planned", "planned-ground"),
]  # fmt: skip
SHAPES = [("ok-fill", "card"), ("down-fill", "card"), ("unknown", "card"), ("ok", "ok-ground"), ("accent", "page")]


def blocks() -> dict[str, dict[str, str]]:
    """Tokens by theme; the dark ones are written twice (by preference, by choice)."""
    parts = re.split(r"(?=:root)", TOKENS)
    found = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", part)) for part in parts if part.startswith(":root")]
    return dict(zip(("light", "dark by preference", "dark by choice"), found, strict=True))


def luminance(colour: str) -> float:
    channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark by preference", "dark by choice"])
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_has_the_contrast_of_aa(theme: str, ink: str, ground: str) -> None:
    tokens = blocks()[theme]
    assert contrast(tokens[ink], tokens[ground]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark by preference", "dark by choice"])
@pytest.mark.parametrize(("ink", "ground"), SHAPES)
def test_shapes_can_be_told_from_their_ground(theme: str, ink: str, ground: str) -> None:
    tokens = blocks()[theme]
    assert contrast(tokens[ink], tokens[ground]) >= 3


def test_both_ways_into_the_dark_lead_to_the_same_colours() -> None:
    found = blocks()
    assert found["dark by preference"] == found["dark by choice"]
    assert set(found["light"]) == set(found["dark by choice"])


def test_every_token_used_is_declared() -> None:
    used = set(re.findall(r"var\(--([a-z-]+)\)", STYLE))
    assert used - {"k"} <= set(blocks()["light"])  # k: how much the map is zoomed out


def test_colours_are_written_in_the_tokens_only() -> None:
    for name in ("board.css", "views.css", "incidents.css"):
        screen, _, _ = STATIC.joinpath(name).read_text("utf-8").partition("@media print")
        assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(", screen) == [], name


@pytest.mark.parametrize("name", NAMES)
def test_no_asset_fetches_anything_from_elsewhere(name: str) -> None:
    text = STATIC.joinpath(*name.split("/")).read_text("utf-8")
    addresses = set(re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z0-9.-]+[^\s\"'`)]*", text))
    names_only = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml", "https://github.com/leeoniya/uPlot",
                  "https://leafletjs.com"}  # fmt: skip
    assert {address.rstrip("/").removesuffix(",") for address in addresses} <= names_only | {
        address for address in addresses if address.startswith("https://github.com/leeoniya/uPlot")
    }
    assert "@import" not in text
    assert re.findall(r"url\((?!#)", text) == []


def test_every_vendored_file_has_its_licence_and_is_listed() -> None:
    vendor = STATIC.joinpath("vendor")
    listed = vendor.joinpath("VENDORED.md").read_text("utf-8")
    kept = {entry.name for entry in vendor.iterdir()}
    for name in kept - {"VENDORED.md"}:
        assert f"`{name}`" in listed
    assert {"htmx.LICENSE.txt", "idiomorph.LICENSE.txt", "uPlot.LICENSE.txt", "leaflet.LICENSE.txt"} <= kept
