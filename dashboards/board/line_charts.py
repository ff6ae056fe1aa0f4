"""What is drawn on a line's page: speeds with the contract, delays, losses, use, packets of video conferences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from collector.api import DIRECTIONS, VALID, Point, Reader, Series
from dashboards.board.charts import cells
from dashboards.board.line_marks import Shape, Trace, between, lost, marks, plain, point
from dashboards.board.line_quality import rank
from dashboards.board.line_use import METRICS, Use
from dashboards.board.spans import Span
from dashboards.board.words import Words

_P: Final = "motcua_line_"
_REACH: Final = ("rtt_seconds", "sent_packets", "received_packets")
_SPEED: Final = tuple(f"{way}{bound}_bps" for way in DIRECTIONS for bound in ("", "_low", "_high"))
_DELAY: Final = ("idle_rtt_seconds", "loaded_rtt_seconds", "responsiveness_hertz")
_CLASSES: Final = ("udp_sent_packets", "udp_received_packets", "udp_jitter_seconds", "udp_rtt_seconds")
ASKED: Final = [f"{_P}{name}" for name in (*_SPEED, *_DELAY, *_REACH, *_CLASSES)] + list(METRICS)


@dataclass(frozen=True, slots=True)
class Limit:
    """A level that is drawn across, in base units."""

    label: str
    value: float


@dataclass(frozen=True, slots=True)
class Plot:
    """One axis. `factor` makes what people read of the base unit; `metric` is the one whose unit it has."""

    word: str
    metric: str
    unit: str
    factor: float
    least: float  # the axis reaches at least so far, in the unit of people
    traces: tuple[Trace, ...]
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Plots that belong together, under the heading `linechart.<word>`; without traces `linechart.<word>_none`."""

    word: str
    plots: tuple[Plot, ...]

    @property
    def empty(self) -> bool:
        return not any(plot.traces for plot in self.plots)

    @property
    def step_s(self) -> float | None:
        """The widest buckets of its traces."""
        return max((trace.step_s for plot in self.plots for trace in plot.traces), default=None)

    @property
    def coverage(self) -> float | None:
        """Of the trace that has least of what was planned for it; None where no plan says."""
        held = [trace.coverage for plot in self.plots for trace in plot.traces if trace.coverage is not None]
        return min(held, default=None)

    def table(self, span: Span) -> list[tuple[int, tuple[Point | None, ...]]]:
        """A row of every cell of the span with what each trace has in it, newest first."""
        traces = [trace for plot in self.plots for trace in plot.traces]
        found = [cells([point(mark) for mark in trace.marks], span.from_ms, span.to_ms, span.cell_ms)
                 for trace in traces]  # fmt: skip
        return [(some[0].at_ms, tuple(row.point for row in some)) for some in zip(*found, strict=True)]


def groups(
    reader: Reader, line: str, span: Span, words: Words, *, contract_bps: float | None, due_bps: float | None, use: Use
) -> list[Group]:
    """Everything that is drawn of `line` over a span."""
    found: dict[str, list[Series]] = {}
    for series in reader.history(line, ASKED, span.from_ms, span.to_ms):
        if series.points:
            found.setdefault(series.metric.removeprefix(_P), []).append(series)
    levels = _levels(contract_bps, due_bps, words)
    return [
        Group("speed", tuple(_speed(found, way, levels, words) for way in DIRECTIONS)),
        Group("delay", (_delay(found, words), _response(found, words))),
        Group("reach", (_rtt(found, words), _loss(found, words))),
        Group("use", (_use(found, contract_bps, use, words),)),
        Group("video", (_udp_loss(found, words), _udp_jitter(found, words))),
    ]


def _levels(contract_bps: float | None, due_bps: float | None, words: Words) -> tuple[Limit, ...]:
    levels = []
    if contract_bps is not None:
        levels.append(Limit(words("linechart.contract"), contract_bps))
    if due_bps is not None:
        levels.append(Limit(words("linechart.due"), due_bps))
    return tuple(levels)


Found = Mapping[str, Sequence[Series]]


def _speed(found: Found, way: str, levels: tuple[Limit, ...], words: Words) -> Plot:
    """Valid tests as discs, joined; those that do not count as crosses, each for itself."""
    bounds = {(s.of, side): s for side in ("low", "high") for s in found.get(f"{way}_{side}_bps", ())}
    traces = []
    for series in sorted(found.get(f"{way}_bps", ()), key=lambda s: s.of != VALID):
        valid = series.of == VALID
        label = words("linechart.valid") if valid else words("linechart.invalid", why=words.reason(series.of))
        tested = between(series, bounds.get((series.of, "low")), bounds.get((series.of, "high")))
        traces.append(Trace(label, "disc" if valid else "cross", tested, series.resolution_s, joined=valid))
    return Plot(way, f"{_P}{way}_bps", "Mb/s", 1e-6, 1, tuple(traces), levels)


def _delay(found: Found, words: Words) -> Plot:
    idle = [plain(s, words("linechart.idle"), "disc") for s in found.get("idle_rtt_seconds", ())]
    shapes: dict[str, Shape] = {"download": "down", "upload": "up"}
    loaded = [
        plain(s, words(f"linechart.loaded_{s.of}"), shapes[s.of])
        for s in found.get("loaded_rtt_seconds", ())
        if s.of in shapes
    ]
    return Plot("latency", f"{_P}idle_rtt_seconds", "ms", 1000, 10, (*idle, *loaded))


def _response(found: Found, words: Words) -> Plot:
    shapes: dict[str, Shape] = {"download": "down", "upload": "up"}
    traces = [
        plain(s, words(f"linechart.loaded_{s.of}"), shapes[s.of])
        for s in found.get("responsiveness_hertz", ())
        if s.of in shapes
    ]
    return Plot("response", f"{_P}responsiveness_hertz", "RPM", 60, 10, tuple(traces))


def _rtt(found: Found, words: Words) -> Plot:
    traces = [
        Trace(
            words("linechart.to", target=words.declared("target", s.target)),
            "line",
            marks(s),
            s.resolution_s,
            coverage=s.coverage,
        )
        for s in found.get("rtt_seconds", ())
    ]
    return Plot("rtt", f"{_P}rtt_seconds", "ms", 1000, 1, tuple(traces))


def _loss(found: Found, words: Words) -> Plot:
    sent = {s.target: s for s in found.get("sent_packets", ())}
    back = {s.target: s for s in found.get("received_packets", ())}
    traces = [
        Trace(words("linechart.to", target=words.declared("target", target)), "line",
              lost(sent[target], back[target]), sent[target].resolution_s)
        for target in sent if target in back
    ]  # fmt: skip
    return Plot("loss", f"{_P}loss_ratio", "%", 100, 5, tuple(traces))


def _use(found: Found, contract_bps: float | None, use: Use, words: Words) -> Plot:
    traces = [
        Trace(words(f"linechart.{word}"), "line", marks(s), s.resolution_s, coverage=s.coverage)
        for word, name in (("receive", "receive_bps"), ("transmit", "transmit_bps"))
        for s in found.get(name, ())
    ]
    limits = [] if contract_bps is None else [Limit(words("linechart.contract"), contract_bps)]
    if use.most is not None:
        limits.append(Limit(words("linechart.p95"), use.most))
    return Plot("use", METRICS[0], "Mb/s", 1e-6, 1, tuple(traces), tuple(limits))


def _udp_loss(found: Found, words: Words) -> Plot:
    sent = {s.of: s for s in found.get("udp_sent_packets", ())}
    back = {s.of: s for s in found.get("udp_received_packets", ())}
    traces = [
        Trace(words.declared("class", of), "line", lost(sent[of], back[of]), sent[of].resolution_s, joined=True)
        for of in sorted(sent, key=rank) if of in back
    ]  # fmt: skip
    return Plot("udp_loss", f"{_P}udp_loss_ratio", "%", 100, 5, tuple(traces))


def _udp_jitter(found: Found, words: Words) -> Plot:
    traces = [
        Trace(words.declared("class", s.of), "line", marks(s), s.resolution_s, joined=True, coverage=s.coverage)
        for s in sorted(found.get("udp_jitter_seconds", ()), key=lambda s: rank(s.of))
    ]
    return Plot("udp_jitter", f"{_P}udp_jitter_seconds", "ms", 1000, 5, tuple(traces))


# --- for the browser ------------------------------------------------------------------------------------------------


def data(found: Sequence[Group], span: Span) -> dict[str, object]:
    """For the browser's script: units of people, gaps as empty values, in the order of the places on the page."""
    plots = [plot for group in found for plot in group.plots]
    return {"from": span.from_ms / 1000, "to": span.to_ms / 1000, "days": span.daily,
            "panels": [_drawn(plot, span) for plot in plots]}  # fmt: skip


def _drawn(plot: Plot, span: Span) -> dict[str, object]:
    return {
        "title": "",
        "unit": plot.unit,
        "least": plot.least,
        "lines": [_line(trace, plot.factor, span) for trace in plot.traces],
        "limits": [{"label": limit.label, "value": round(limit.value * plot.factor, 3)} for limit in plot.limits],
    }


def _line(trace: Trace, factor: float, span: Span) -> dict[str, object]:
    xs: list[float] = [span.from_ms / 1000]
    ys: list[float | None] = [None]
    previous = span.from_ms
    for mark in trace.marks:
        if not trace.joined and mark.at_ms - previous > 2_500 * max(trace.step_s, 1.0):
            xs.append((previous + 1000 * trace.step_s) / 1000)
            ys.append(None)
        xs.append(mark.at_ms / 1000)
        ys.append(round(mark.value * factor, 3))
        previous = mark.at_ms
    drawn: dict[str, object] = {"label": trace.label, "shape": trace.shape, "joined": trace.joined,
                                "data": [[*xs, span.to_ms / 1000], [*ys, None]]}  # fmt: skip
    if any(mark.low is not None for mark in trace.marks):
        drawn["between"] = [
            [mark.at_ms / 1000, round(mark.low * factor, 3), round(mark.high * factor, 3)]
            for mark in trace.marks if mark.low is not None and mark.high is not None
        ]  # fmt: skip
    return drawn
