"""The facts of the before/after sheet: what was wrong, who did what when, both measurements, and room to sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from alerts.api import Reader as Alerts
from alerts.api import Stage
from collector.api import Reader
from dashboards.board import qr
from dashboards.board.incidents.page import IncidentPage, look
from dashboards.board.sentences import capital
from dashboards.board.words import Words

_STEPS: Final[tuple[Stage, ...]] = ("notified", "acknowledged", "on_the_way", "on_site", "repaired", "closed")


@dataclass(frozen=True, slots=True)
class Step:
    """When a stage was reached last, and by whom; `at_ms` None: it was not."""

    name: str
    at_ms: int | None
    by: str


@dataclass(frozen=True, slots=True)
class SheetPage:
    p: IncidentPage
    steps: list[Step]
    said: list[str]  # what people wrote along the way
    code: str  # the path of a QR code that leads to the incident
    code_width: int


def sheet_of(alerts: Alerts, reader: Reader, key: str, words: Words, base: str) -> SheetPage:
    """Everything the sheet shows; `base` is where the board was found. Raises NotFound of `alerts.api`."""
    page = look(alerts, reader, key, words)
    story = alerts.story(page.i.id)
    reached = {one.stage: one for one in story if one.what == "stage" and one.stage is not None}
    steps = []
    for stage in _STEPS:
        one = reached.get(stage)
        by = "" if one is None else page.teller.person(one.by)
        steps.append(Step(capital(page.teller.called("stage", stage)), None if one is None else one.at_ms, by))
    code, width = qr.path(f"{base}{page.row.href}")
    return SheetPage(page, steps, [one.text for one in story if one.text], code, width)
