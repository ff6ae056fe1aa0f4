"""Templates with everything they may call. Autoescaped: a name from outside is text, whatever it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from collector.api import DIRECTIONS, PHASES, STATES
from dashboards.board import (
    centre_more,
    days,
    drawings,
    figures,
    line_words,
    lines,
    names,
    numbers,
    order,
    sentences,
    spans,
    speed,
    system_words,
    times,
)
from dashboards.board.looks import LOOKS
from dashboards.board.province import Tile
from dashboards.board.static_files import Shelf
from dashboards.board.strips import CELLS, Strip
from dashboards.board.tiles import Drawn
from dashboards.board.visit import Visit
from dashboards.board.words import Words


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a page that lives: its title for the window, and its HTML."""

    title: str
    html: str
    drawn: Drawn = field(default_factory=Drawn)


class Renderer:
    """Jinja with the board's words, figures and addresses."""

    def __init__(self, shelf: Shelf, *, simulated: bool = False, incidents: bool = False) -> None:
        self._environment: Final = Environment(
            loader=PackageLoader("dashboards.board"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals.update(_GLOBALS, simulated=simulated, static=shelf.href, incidents_kept=incidents)
        self._tiles: dict[tuple[str, str], tuple[Tile, str]] = {}

    def __call__(self, template: str, seen: Visit, values: Mapping[str, object]) -> str:
        return self._environment.get_template(template).render(v=seen, w=seen.words, lang=seen.words.lang, **values)

    def tile(self, tile: Tile, words: Words) -> str:
        """A tile as HTML, drawn where it is another one than last time. There are thousands on a page."""
        held = self._tiles.get((tile.key, words.lang))
        if held is not None and (held[0] is tile or held[0] == tile):
            return held[1]
        macros = self._environment.get_template("parts.html").module
        drawn = str(macros.tile(words, tile))  # type: ignore[attr-defined]  # a macro of the template
        self._tiles[tile.key, words.lang] = tile, drawn
        return drawn


def strip_words(cells: Strip, name: str, words: Words) -> str:
    """A strip for those who do not see it: how long each state held, in half-hours."""
    parts = []
    for state in (*STATES, None):
        count = sum(1 for cell in cells.cells if cell == state)
        if count:
            said = words(f"state.{state or 'none'}")
            parts.append(words("strip.part", state=said, span=numbers.span(count * 1800, words)))
    return words("strip.label", name=name, parts=", ".join(parts))


def days_words(held: days.Days, name: str, words: Words) -> str:
    """Columns of days for those who do not see them: in how many of them each state occurred."""
    parts = []
    for state in STATES:
        count = sum(1 for shares in held.columns if shares.get(state))
        if count:
            said = words(f"state.{state}")
            parts.append(words("strip.part", state=said, span=words("chart.on_days", count=count)))
    return words("chart.days_label", name=name, parts=", ".join(parts))


_GLOBALS: Final[Mapping[str, object]] = {
    "states": STATES,
    "looks": LOOKS,
    "cells": CELLS,
    "missing": numbers.MISSING,
    "stamp": times.stamp,
    "minute": times.minute,
    "iso": times.iso,
    "clock": times.clock,
    "ago": times.ago,
    "span": numbers.span,
    "quantity": numbers.quantity,
    "percent": numbers.percent,
    "seconds": numbers.seconds,
    "size": numbers.size,
    "number": numbers.number,
    "centre_href": names.centre_href,
    "subject_href": names.subject_href,
    "observation_href": names.observation_href,
    "subject_name": names.subject_name,
    "headline": figures.headline,
    "short_name": order.short_name,
    "names_shown": sentences.NAMES_SHOWN,
    "zalo_names": sentences.NAMES_TOLD,
    "fault_name": sentences.fault_name,
    "centre_name": names.centre_name,
    "fault_words": sentences.fault_words,
    "capital": sentences.capital,
    "strip_words": strip_words,
    "full": times.full,
    "local_day": times.day,
    "ranges": tuple(spans.DAYS),
    "span_of": spans.span_of,
    "phases": PHASES,
    "days_height": days.HEIGHT,
    "days_words": days_words,
    "rate": numbers.rate,
    "contract_words": centre_more.contract_words,
    "unmeasured_words": centre_more.unmeasured_words,
    "target_words": centre_more.target_words,
    "fall_svg": drawings.fall_svg,
    "system_extent": system_words.extent,
    "system_verdict": system_words.verdict,
    "remedy": sentences.remedy,
    "line_href": names.line_href,
    "directions": DIRECTIONS,
    "speed_figure": speed.figure,
    "speed_sentence": speed.sentence,
    "speed_share": speed.share,
    "speed_rpm": speed.rpm,
    "stamp_words": speed.stamp_words,
    "speed_svg": drawings.speed_svg,
    "carrier_svg": drawings.carrier_svg,
    "why_no_share": lines.why_words,
    "reach_words": line_words.reach_words,
    "path_words": line_words.path_words,
    "norm_figure": line_words.norm_figure,
    "norm_why": line_words.norm_why,
}
"""What every template may say beside its own values."""
