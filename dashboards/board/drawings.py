"""Drawings that a page has by the hundred, as SVG made without a template: a macro takes ten times as long."""

from __future__ import annotations

from markupsafe import Markup, escape

from collector.api import CarrierRank
from dashboards.board.numbers import seconds
from dashboards.board.waterfall import ROW, WIDTH, Fall
from dashboards.board.words import Words

_HEIGHT = 5 * ROW


def fall_svg(words: Words, fall: Fall, axis_s: float, limit_s: float | None, *, slow: bool) -> Markup:
    """The phases of an answer one under the other: where one ends the next begins. The notch is the limit."""
    steps, most = fall.steps(axis_s), fall.most
    said = [f"{words(f'phase.{step.phase}')} {seconds(step.seconds, words.lang)}" for step in steps]
    bars = "".join(
        f'<rect class="{"most" if step.phase == most else "step"}" x="{step.x:.1f}" y="{step.y:g}"'
        f' width="{step.width:.1f}" height="{ROW:g}"/>'
        for step in steps
    )
    label, notch = escape(", ".join(said)), ""
    if limit_s and limit_s <= axis_s:
        x = WIDTH * limit_s / axis_s - 1
        notch = f'<rect class="notch" x="{x:.1f}" width="1.5" height="{_HEIGHT:g}"/>'
    return Markup(  # noqa: S704 - words are escaped, all else are our numbers
        f'<svg class="fall{" slow" if slow else ""}" viewBox="0 0 {WIDTH:g} {_HEIGHT:g}" preserveAspectRatio="none"'
        f' role="img" aria-label="{label}"><title>{label}</title>'
        f'<rect class="track" width="{WIDTH:g}" height="{_HEIGHT:g}"/>{bars}{notch}</svg>'
    )


def speed_svg(share: float, due: float | None, label: str) -> Markup:
    """A speed against its contract: the bar ends at the contract, the notch is what is due."""
    notch = f'<rect class="notch" x="{200 * due - 1:.1f}" width="2" height="12"/>' if due is not None else ""
    low = due is not None and share < due
    return Markup(  # noqa: S704 - the label is escaped, all else are our numbers
        f'<svg class="bar{" over" if low else ""}" viewBox="0 0 200 12" preserveAspectRatio="none" role="img"'
        f' aria-label="{escape(label)}"><rect class="track" y="2" width="200" height="8" rx="2"/>'
        f'<rect class="fill" y="2" width="{200 * min(1.0, max(0.0, share)):.1f}" height="8" rx="2"/>{notch}</svg>'
    )


def carrier_svg(rank: CarrierRank, label: str) -> Markup:
    """A carrier's lines as one bar: below their contracts, up to them, and those without a share left empty."""
    below, rated = (200 * n / max(1, rank.lines) for n in (rank.below, rank.rated))
    said = escape(label)
    return Markup(  # noqa: S704 - the label is escaped, all else are our numbers
        f'<svg class="bar stack" viewBox="0 0 200 12" preserveAspectRatio="none" role="img" aria-label="{said}">'
        f'<title>{said}</title><rect class="track" y="1" width="200" height="10"/>'
        f'<rect class="fill" y="1" width="{rated:.1f}" height="10"/>'
        f'<rect class="low" y="1" width="{below:.1f}" height="10"/></svg>'
    )
