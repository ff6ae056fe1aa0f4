"""Planned stops as a calendar announces them: what it says anew is put, what it no longer says is called off."""

from __future__ import annotations

from sqlalchemy import Connection

from collector.api import Actor, Announce, Done, Stop, Window
from collector.lifecycle import windows
from collector.lifecycle.records import Doing
from collector.lifecycle.whom import said, whom


def announce(conn: Connection, actor: Actor, act: Announce, now_ms: int) -> Done:
    """Take over a calendar. Read again it changes nothing; an event that left it is not touched, for another file may
    hold it; one that is still mentioned holds exactly as it says. Raises NotFound, NotAllowed."""
    held = {_as_said(window): window for window in windows.of_series(conn, act.series, now_ms)}
    coming = [stop for stop in act.stops if stop.to_ms > now_ms]
    said_now = {(s.series, s.subject, s.from_ms, s.to_ms, s.reason, s.document) for s in coming}
    gone = [window for key, window in held.items() if key not in said_now]
    doing = Doing(conn, actor, "announce", act.source, said(act.source), now_ms)
    windows.call_off(conn, actor, gone, now_ms)
    for window in gone:
        begun = window.from_ms <= now_ms
        doing.tell("ended" if begun else "called_off", window.subject, f"{window.from_ms}/{window.to_ms}")
    new = [s for s in coming if (s.series, s.subject, s.from_ms, s.to_ms, s.reason, s.document) not in held]
    centres = {window.centre: "" for window in gone} | {_put(doing, stop, act.source): "" for stop in new}
    return doing.finish(centres=centres)


def _put(doing: Doing, stop: Stop, source: str) -> str:
    about = whom(doing.conn, stop.subject, wide=True)
    windows.check(stop.from_ms, stop.to_ms, doing.now_ms)
    doing.reason = said(stop.reason)
    windows.put(
        doing, about, [(stop.from_ms, stop.to_ms)], document=said(stop.document, needed=False), series=stop.series
    )
    doing.reason = source
    return about.centre


def _as_said(window: Window) -> tuple[str, str, int, int, str, str]:
    return window.series, window.subject, window.from_ms, window.to_ms, window.reason, window.document
