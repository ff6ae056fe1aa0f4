"""What is measured of a centre, a system or a subject over a span: as curves, as a table, as states by the day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from collector.api import DayFigure, NotFound, Reader, Series, SubjectInfo
from dashboards.board.charts import Row, cells, columns
from dashboards.board.days import Days, days
from dashboards.board.names import subject_name
from dashboards.board.spans import Span
from dashboards.board.times import local
from dashboards.board.words import Words

SERIES_SHOWN: Final = 6


@dataclass(frozen=True, slots=True)
class Panel:
    """One axis. `factor` makes what people read of the base unit; the word for it is `chart.<word>`."""

    word: str
    metric: str
    unit: str
    factor: float
    least: float  # the axis reaches at least so far


def panels_of(kind: str) -> tuple[Panel, ...]:
    """The axes of what is measured of a kind of subject; none where nothing of it is drawn."""
    reach = (
        Panel("rtt", f"motcua_{kind}_rtt_seconds", "ms", 1000, 1),
        Panel("loss", f"motcua_{kind}_loss_ratio", "%", 100, 5),
    )
    return reach if kind in {"line", "lan"} else _OTHERS.get(kind, ())


_OTHERS: Final[Mapping[str, tuple[Panel, ...]]] = {
    "service": (Panel("total", "motcua_service_total_seconds", "s", 1, 1),),
    "device": (
        Panel("cpu", "motcua_device_cpu_ratio", "%", 100, 5),
        Panel("memory", "motcua_device_memory_used_ratio", "%", 100, 5),
        Panel("disk", "motcua_device_disk_used_ratio", "%", 100, 5),
    ),
    "agent": (
        Panel("agent_cpu", "motcua_agent_cpu_ratio", "%", 100, 1),
        Panel("agent_memory", "motcua_agent_memory_bytes", "MB", 1e-6, 1),
    ),
}


@dataclass(frozen=True, slots=True)
class Curve:
    """One subject towards one target, or one part of it; a series for each panel that has one."""

    subject: str
    label: str
    series: tuple[Series | None, ...]
    figures: Mapping[str, DayFigure]  # of the first panel, by local day; for spans of days

    @property
    def coverage(self) -> float | None:
        return next((series.coverage for series in self.series if series is not None), None)

    @property
    def resolution_s(self) -> float | None:
        """The widest buckets of its series."""
        return max((series.resolution_s for series in self.series if series is not None), default=None)


@dataclass(frozen=True, slots=True)
class Charts:
    span: Span
    panels: tuple[Panel, ...]
    curves: list[Curve]
    states: list[tuple[str, str, Days]]  # name, subject, its days; empty for 24 hours, which have strips

    def table(self, curve: Curve) -> list[tuple[Row, ...]]:
        """A row of every cell of the span, newest first, with what each panel has in it."""
        span = self.span
        points = [series.points if series else () for series in curve.series]
        of_panels = [cells(some, span.from_ms, span.to_ms, span.cell_ms) for some in points]
        return list(zip(*of_panels, strict=True))

    def figure(self, curve: Curve, at_ms: int) -> DayFigure | None:
        """The quantiles of the day that begins then."""
        return curve.figures.get(local(at_ms).date().isoformat())

    def data(self, words: Words) -> dict[str, object]:
        """For the browser's script: units of people, gaps as empty values."""
        return {
            "from": self.span.from_ms / 1000,
            "to": self.span.to_ms / 1000,
            "days": self.span.daily,
            "panels": [
                {
                    "title": words(f"chart.{panel.word}"),
                    "unit": panel.unit,
                    "least": panel.least,
                    "lines": self._lines(n, panel.factor),
                }
                for n, panel in enumerate(self.panels)
            ],
        }

    def _lines(self, n: int, factor: float) -> list[dict[str, object]]:
        held = [(curve.label, curve.series[n]) for curve in self.curves]
        return [self._line(label, series, factor) for label, series in held if series is not None]

    def _line(self, label: str, series: Series, factor: float) -> dict[str, object]:
        xs, ys = columns(series, self.span.from_ms, self.span.to_ms)
        return {"label": label, "data": [xs, [None if y is None else round(y * factor, 3) for y in ys]]}


def of_centre(reader: Reader, key: str, words: Words, span: Span) -> Charts:
    """Lines first, then the centre's network. Raises NotFound."""
    if all(centre.key != key for centre in reader.centres()):
        raise NotFound(key)
    infos = [info for info in reader.subjects(key) if info.kind in {"line", "lan"}]
    infos.sort(key=lambda info: (info.kind != "line", info.key))
    named = [(info, subject_name(info, words)) for info in infos]
    whole = (SubjectInfo(f"centre:{key}", "centre", key, "", None), words("subject.centre"))
    return look(reader, named, words, span, states=[whole, *named])


def of_subject(reader: Reader, key: str, words: Words, span: Span) -> Charts:
    """One subject by itself. Raises NotFound."""
    info = next((info for info in reader.subjects() if info.key == key), None)
    if info is None:
        raise NotFound(key)
    return look(reader, [(info, subject_name(info, words))], words, span)


def look(
    reader: Reader,
    subjects: Sequence[tuple[SubjectInfo, str]],
    words: Words,
    span: Span,
    *,
    states: Sequence[tuple[SubjectInfo, str]] | None = None,
) -> Charts:
    """Curves of subjects with their names, of one kind (lines and networks count as one), and the days of `states`."""
    panels = panels_of(subjects[0][0].kind) if subjects else ()
    curves = [curve for info, name in subjects for curve in _curves(reader, info, name, words, span)]
    wanted = (subjects if states is None else states) if span.daily else ()
    held = reader.intervals([info.key for info, _ in wanted], span.from_ms, span.to_ms)
    by_day = [(name, info.key, days(held.get(info.key, []), span.from_ms, span.to_ms)) for info, name in wanted]
    return Charts(span, panels, curves[:SERIES_SHOWN], by_day)


def _curves(reader: Reader, info: SubjectInfo, name: str, words: Words, span: Span) -> list[Curve]:
    """A curve for each target, and for each part (a version of IP, a file system) where there are several."""
    panels = panels_of(info.kind)
    found = [s for s in reader.history(info.key, [p.metric for p in panels], span.from_ms, span.to_ms) if s.points]
    parts = list(dict.fromkeys((series.target, series.of) for series in found))
    figures = reader.daily(info.key, panels[0].metric, *_days(span)) if found and span.daily else []
    curves = []
    for target, of in parts:
        by_metric = {series.metric: series for series in found if (series.target, series.of) == (target, of)}
        label = _label(name, (target, of), parts, words)
        own = {figure.day: figure for figure in figures if (figure.target, figure.of) == (target, of)}
        curves.append(Curve(info.key, label, tuple(by_metric.get(panel.metric) for panel in panels), own))
    return curves


def _label(name: str, part: tuple[str, str], parts: Iterable[tuple[str, str]], words: Words) -> str:
    """As short as tells a curve, given as (target, of), from its neighbours."""
    targets, ofs = {target for target, _ in parts}, {of for _, of in parts}
    target, of = part
    shown = f"{name} → {words.declared('target', target)}" if len(targets) > 1 else name
    return f"{shown} ({of})" if of and len(ofs) > 1 else shown


def _days(span: Span) -> tuple[str, str]:
    return local(span.from_ms).date().isoformat(), local(span.to_ms).date().isoformat()
