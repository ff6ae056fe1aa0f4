"""The 24 hours of a centre's lines and network as curves and as tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from collector.api import NotFound, Reader, Series
from dashboards.board.charts import Row, columns, half_hours
from dashboards.board.names import subject_name
from dashboards.board.strips import window
from dashboards.board.words import Words

SERIES_SHOWN: Final = 6


@dataclass(frozen=True, slots=True)
class Curve:
    """One subject towards one target."""

    subject: str
    label: str
    rtt: Series | None
    loss: Series | None


@dataclass(frozen=True, slots=True)
class Charts:
    from_ms: int
    now_ms: int
    curves: list[Curve]

    def table(self, curve: Curve) -> list[tuple[Row, Row]]:
        """(delay, loss) of every half-hour, newest first."""
        both = [
            half_hours(series.points if series else (), self.from_ms, self.now_ms) for series in (curve.rtt, curve.loss)
        ]
        return list(zip(*both, strict=True))

    def data(self) -> dict[str, object]:
        """For the browser's script: milliseconds and per cent, gaps as empty values."""
        return {
            "from": self.from_ms / 1000,
            "to": self.now_ms / 1000,
            "rtt": [self._line(curve.label, curve.rtt, 1000) for curve in self.curves if curve.rtt],
            "loss": [self._line(curve.label, curve.loss, 100) for curve in self.curves if curve.loss],
        }

    def _line(self, label: str, series: Series, factor: float) -> dict[str, object]:
        xs, ys = columns(series, self.from_ms, self.now_ms)
        return {"label": label, "data": [xs, [None if y is None else round(y * factor, 3) for y in ys]]}


def look(reader: Reader, key: str, words: Words) -> Charts:
    """Lines first, then the centre's network. Raises NotFound."""
    if all(centre.key != key for centre in reader.centres()):
        raise NotFound(key)
    now_ms = reader.now_ms()
    from_ms, _ = window(now_ms)
    infos = [info for info in reader.subjects(key) if info.kind in {"line", "lan"}]
    curves: list[Curve] = []
    for info in sorted(infos, key=lambda info: (info.kind != "line", info.key)):
        names = [f"motcua_{info.kind}_{quantity}" for quantity in ("rtt_seconds", "loss_ratio")]
        found = reader.history(info.key, names, from_ms, now_ms)
        targets = dict.fromkeys(series.target for series in found if series.points)
        label = subject_name(info, words)
        for target in targets:
            by_metric = {series.metric: series for series in found if series.target == target}
            full = f"{label} → {words.declared('target', target)}" if len(targets) > 1 else label
            curves.append(Curve(info.key, full, by_metric.get(names[0]), by_metric.get(names[1])))
    return Charts(from_ms, now_ms, curves[:SERIES_SHOWN])
