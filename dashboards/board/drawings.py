"""Drawings that a page has by the hundred, as SVG made without a template: a macro takes ten times as long."""

from __future__ import annotations

from markupsafe import Markup, escape

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
