"""What a centre's page tells beside its measurements: whom to call, what was contracted, how shared systems look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from collector.api import STATES, Interval, LineInfo, Place, Reader, Standing, SubjectInfo, SystemView
from dashboards.board.areas import seat, spoken
from dashboards.board.numbers import rate
from dashboards.board.order import collation_key, short_name
from dashboards.board.strips import Strip, strip
from dashboards.board.system_words import extent, ill, state_of, system_names
from dashboards.board.waterfall import Fall, one
from dashboards.board.words import Words


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a centre is and whom to call there. `opening` None: nobody told; empty: closed today."""

    place: Place
    area: str
    opening: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class SystemRow:
    """One shared system as it looks from this centre. `elsewhere`: how others see it, where it is ill."""

    info: SubjectInfo
    system: str
    name: str
    standing: Standing | None
    fall: Fall | None
    strip: Strip
    elsewhere: str
    shared: bool  # it is ill for all


def desk_of(reader: Reader, key: str, words: Words) -> Desk | None:
    """What the inventory says of a centre; None where it says nothing."""
    places = reader.places()
    place = places.get(key)
    return None if place is None else Desk(place, _area(reader, place.area, words), reader.opening(key))


def _area(reader: Reader, slug: str, words: Words) -> str:
    """The area's name with its tone marks: that of the centre it is called after."""
    if not slug:
        return ""
    names = (centre.name_vi for centre in reader.centres())
    return next((short_name(name) for name in names if seat(name) == slug), spoken(slug, words))


def contract_words(line: LineInfo, words: Words) -> str:
    """kênh VD-TSL-07210-B · hợp đồng 10 Mb/s · CPE 192.0.2.2"""
    parts = []
    if line.circuit:
        parts.append(words("lines.circuit", circuit=line.circuit))
    if line.contract_bps:
        parts.append(words("lines.contract", rate=rate(line.contract_bps, words.lang)))
    if line.cpe_address:
        parts.append(words("lines.cpe", address=line.cpe_address))
    return " · ".join(parts)


def unmeasured_words(line: LineInfo | None, words: Words) -> str:
    """Why nothing is measured of a line, as far as the inventory tells."""
    if line is None:
        return words("lines.no_plan")
    return words("lines.no_way" if line.reach_by in {"", "none"} else "lines.no_plan")


def target_words(line: LineInfo | None, target: str, words: Words) -> str:
    """Where a row of a line was measured to; its far end is reached from the province."""
    if line is not None and target and target == line.cpe_address:
        return words("lines.from_province", address=target)
    return words.declared("target", target)


def system_rows(
    reader: Reader,
    infos: Sequence[SubjectInfo],
    standings: Mapping[str, Standing],
    intervals: Mapping[str, list[Interval]],
    *,
    views: Mapping[str, SystemView],
    from_ms: int,
    words: Words,
) -> list[SystemRow]:
    """The shared systems that this centre measures, those that look worst first."""
    if not infos:
        return []
    names = system_names(reader.systems(), words)
    answers = reader.phase_times([info.key for info in infos])
    rows = [
        _row(info, names, views, standings.get(info.key), one(answers.get(info.key)), words=words,
             held=strip(intervals.get(info.key, []), from_ms))
        for info in infos
    ]  # fmt: skip
    return sorted(rows, key=_rank)


def _row(
    info: SubjectInfo,
    names: Mapping[str, str],
    views: Mapping[str, SystemView],
    standing: Standing | None,
    fall: Fall | None,
    *,
    held: Strip,
    words: Words,
) -> SystemRow:
    system = info.key.removeprefix("service:").partition("@")[0]
    view = views.get(system)
    shared = view is not None and ill(state_of(view))
    elsewhere = ""
    if view is not None and shared:
        elsewhere = extent(view, words)
    elif view is not None and standing is not None and ill(standing.state):
        elsewhere = words(
            "systems.only_here" if view.ill <= 1 else "systems.few_here", count=view.ill, total=view.total
        )
    return SystemRow(info, system, names.get(system, info.label or system), standing, fall, held, elsewhere, shared)


def _rank(row: SystemRow) -> tuple[int, object, str]:
    state = "unknown" if row.standing is None else row.standing.state
    return STATES.index(state), collation_key(row.name), row.info.key


def systems_words(rows: Sequence[SystemRow], words: Words) -> str:
    """What is ill of the shared systems as seen from here, and that it is not this centre's fault where it is not."""
    bad = [row for row in rows if row.standing is not None and ill(row.standing.state)]
    theirs = [f"{row.name} {row.elsewhere}" for row in bad if row.shared]
    here = [row.name for row in bad if not row.shared]
    parts = [words("systems.not_here", names="; ".join(theirs))] if theirs else []
    if here:
        parts.append(words("systems.from_here", names=", ".join(here)))
    return "; ".join(parts)
