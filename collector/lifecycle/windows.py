"""Planned stops: windows in event time, laid over what is judged. They end by themselves and are never deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import Connection, insert, select, update

from collector.api import Actor, Done, NotAllowed, Pause, Resume, Standing, SubjectInfo, Window
from collector.lifecycle.records import Doing
from collector.lifecycle.recurring import drawn_out
from collector.lifecycle.whom import Whom, said, whom
from collector.lifecycle.wide import Town, explaining
from collector.register import retired
from collector.store.lifecycle_tables import planned_window as t

DAY_MS: Final = 86_400_000
LONGEST_MS: Final = 366 * DAY_MS
AHEAD_MS: Final = 366 * DAY_MS
BACK_MS: Final = 35 * DAY_MS
"""How late a stop may be told: as long as what was measured is kept and can be looked at beside it."""

_COLUMNS: Final = (
    t.c.id, t.c.subject, t.c.centre, t.c.from_ms, t.c.to_ms, t.c.reason, t.c.set_by, t.c.set_ms, t.c.ended_ms,
    t.c.document, t.c.series,
)  # fmt: skip
_NOWHERE: Final = Town()
_open: Final = t.c.ended_ms.is_(None)


# --- rules ----------------------------------------------------------------------------------------------------------


def check(from_ms: int, until_ms: int, now_ms: int) -> None:
    """Raise NotAllowed for a window that cannot be meant."""
    if until_ms <= from_ms:
        raise NotAllowed("the stop ends before it begins")
    if until_ms - from_ms > LONGEST_MS:
        raise NotAllowed("a planned stop lasts at most a year: decommission what is to stay away longer")
    if from_ms > now_ms + AHEAD_MS:
        raise NotAllowed("the stop begins more than a year from now")
    if from_ms < now_ms - BACK_MS:
        raise NotAllowed("a stop can be told at most 35 days late")


def in_force(windows: Iterable[Window], at_ms: int) -> dict[str, Window]:
    """The window that explains each subject at a moment; of several the one that ends last."""
    found: dict[str, Window] = {}
    for window in windows:
        held = found.get(window.subject)
        if window.holds(at_ms) and (held is None or window.end_ms > held.end_ms):
            found[window.subject] = window
    return found


Trouble = tuple[SubjectInfo, Standing]


def explained(windows: Mapping[str, Window], troubles: Iterable[Trouble], town: Town = _NOWHERE) -> dict[str, Window]:
    """Subjects in trouble whose trouble a planned stop explains: their own, or of what they belong to."""
    if not windows:
        return {}
    found = ((info.key, explaining(windows, info, town)) for info, _ in troubles)
    return {key: window for key, window in found if window is not None}


def planned_centres(
    windows: Mapping[str, Window], standings: Mapping[str, Standing], troubles: Iterable[Trouble],
    town: Town = _NOWHERE,
) -> dict[str, Window]:  # fmt: skip
    """Centres to be shown as planned: they stop themselves, or all that colours them is explained by stops at them."""
    found = {key.removeprefix("centre:"): w for key, w in windows.items() if key.startswith("centre:")}
    if not windows:
        return found
    causes: dict[str, list[Trouble]] = {}
    for trouble in troubles:
        if _colours(*trouble):
            causes.setdefault(trouble[0].centre, []).append(trouble)
    for centre, its in causes.items():
        reasons = explained(windows, its, town)
        standing = standings.get(centre)
        if centre not in found and standing is not None and standing.state != "ok" and len(reasons) == len(its):
            found[centre] = max(reasons.values(), key=lambda window: window.end_ms)
    return found


def _colours(info: SubjectInfo, standing: Standing) -> bool:
    """Whether a subject's trouble is one its centre can have its state from."""
    return info.kind in {"lan", "line"} or (info.kind == "device" and standing.state != "unknown")


# --- acts -----------------------------------------------------------------------------------------------------------


def pause(conn: Connection, actor: Actor, act: Pause, now_ms: int) -> Done:
    """Put a window, or as many as its rule draws. Windows of one subject may overlap: each has its reason.

    Raises NotFound, NotAllowed.
    """
    about = whom(conn, act.subject, wide=True)
    if about.centre and (retired.holding(conn, about.key) or retired.holding(conn, f"centre:{about.centre}")):
        raise NotAllowed(f"{about.key} is out of service: nothing of it can be planned")
    from_ms = now_ms if act.from_ms is None else act.from_ms
    check(from_ms, act.until_ms, now_ms)
    stops = [(from_ms, act.until_ms)]
    if act.again:
        stops = drawn_out(stops[0], act.again, min(act.last_ms or from_ms + LONGEST_MS, now_ms + AHEAD_MS))
    doing = Doing(conn, actor, "pause", about.key, said(act.reason), now_ms)
    series = f"rule {from_ms}/{act.again}"[:200] if act.again else ""
    put(doing, about, stops, document=said(act.document, needed=False), series=series)
    return doing.finish(centres={about.centre: str(act.until_ms)}, back=f"resume {about.key}")


def put(doing: Doing, about: Whom, stops: Iterable[tuple[int, int]], *, document: str, series: str) -> None:
    """Write windows of one subject."""
    for from_ms, to_ms in stops:
        doing.conn.execute(insert(t).values(
            subject=about.key, centre=about.centre, from_ms=from_ms, to_ms=to_ms, reason=doing.reason,
            set_by=doing.actor.name, set_ms=doing.now_ms, document=document, series=series,
        ))  # fmt: skip
        doing.tell("planned", about.key, f"{from_ms}/{to_ms}")


def resume(conn: Connection, actor: Actor, act: Resume, now_ms: int) -> Done:
    """End the windows that run, else call off those to come. Raises NotFound, NotAllowed."""
    about = whom(conn, act.subject, wide=True)
    doing = Doing(conn, actor, "resume", about.key, said(act.reason, needed=False), now_ms)
    mine = (t.c.subject == about.key) & _open & (t.c.to_ms > now_ms)
    ended = {"ended_ms": now_ms, "ended_by": actor.name}
    running = conn.execute(update(t).where(mine, t.c.from_ms <= now_ms).values(ended).returning(*_COLUMNS)).all()
    for row in running:
        doing.tell("ended", about.key, f"{row.from_ms}/{row.to_ms}")
    if not running:
        for row in conn.execute(update(t).where(mine).values(ended).returning(*_COLUMNS)).all():
            doing.tell("called_off", about.key, f"{row.from_ms}/{row.to_ms}")
    if not doing.effects:
        raise NotAllowed(f"{about.key} has no planned stop that runs or is to come")
    return doing.finish(centres={about.centre: ""})


# --- asking ---------------------------------------------------------------------------------------------------------


def running(conn: Connection, now_ms: int) -> list[Window]:
    """Every window in force."""
    query = select(*_COLUMNS).where(t.c.to_ms > now_ms, t.c.from_ms <= now_ms, _open)
    return [Window(*row) for row in conn.execute(query.order_by(t.c.id))]


def within(conn: Connection, from_ms: int, to_ms: int, limit: int) -> list[Window]:
    """Windows that hold at some moment of a span, in order of time; the first `limit` of them."""
    query = select(*_COLUMNS).where(t.c.to_ms > from_ms, t.c.from_ms < to_ms).order_by(t.c.from_ms, t.c.id)
    found = (Window(*row) for row in conn.execute(query.limit(limit)))
    return [window for window in found if window.end_ms > max(from_ms, window.from_ms)]


def of_series(conn: Connection, series: Iterable[str], now_ms: int) -> list[Window]:
    """Windows of these rules or events that have not ended."""
    query = select(*_COLUMNS).where(t.c.series.in_(list(series)), t.c.to_ms > now_ms, _open).order_by(t.c.id)
    return [Window(*row) for row in conn.execute(query)]


def call_off(conn: Connection, actor: Actor, windows: Iterable[Window], now_ms: int) -> None:
    """End windows now; those that have not begun never hold."""
    ids = [window.id for window in windows]
    conn.execute(update(t).where(t.c.id.in_(ids)).values(ended_ms=now_ms, ended_by=actor.name))


def of_centre(conn: Connection, centre: str, limit: int) -> list[Window]:
    """Windows of a centre and of everything at it, those that end last first."""
    query = select(*_COLUMNS).where(t.c.centre == centre).order_by(t.c.to_ms.desc(), t.c.id.desc()).limit(limit)
    return [Window(*row) for row in conn.execute(query)]
