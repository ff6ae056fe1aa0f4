"""One act, whole or not at all; rehearsed where it is only to be told what would come of it."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from collector.api import (
    Act,
    Actor,
    Announce,
    Decommission,
    Done,
    Merge,
    Move,
    Pause,
    Rename,
    Restore,
    Resume,
)
from collector.hub import Hub
from collector.lifecycle import announcing, merging, moving, naming, retiring, windows


class _Rehearsed(Exception):
    """Carries what would have been done out of the transaction that is given up."""

    def __init__(self, done: Done) -> None:
        super().__init__(done.act)
        self.done = done


def carry_out(conn: Connection, actor: Actor, act: Act, now_ms: int) -> Done:
    """Do it in the transaction of `conn`. Raises NotFound, NotAllowed; then nothing was done."""
    match act:
        case Pause():
            done = windows.pause(conn, actor, act, now_ms)
        case Resume():
            done = windows.resume(conn, actor, act, now_ms)
        case Announce():
            done = announcing.announce(conn, actor, act, now_ms)
        case Move():
            done = moving.move(conn, actor, act, now_ms)
        case Rename():
            done = naming.rename(conn, actor, act, now_ms)
        case Merge():
            done = merging.merge(conn, actor, act, now_ms)
        case Decommission():
            done = retiring.decommission(conn, actor, act, now_ms)
        case Restore():
            done = retiring.restore(conn, actor, act, now_ms)
    return done


def change(hub: Hub, actor: Actor, act: Act, *, rehearse: bool = False) -> Done:
    """Do it and wake whom it concerns. A rehearsal does the same and gives its transaction up."""
    now_ms = hub.clock.wall_ms()

    def job(conn: Connection) -> Done:
        done = carry_out(conn, actor, act, now_ms)
        if rehearse:
            raise _Rehearsed(done)
        return done

    try:
        done = hub.store.writer.do(job)
    except _Rehearsed as rehearsed:
        return replace(rehearsed.done, rehearsed=True)
    hub.wake("register")
    hub.wake("inbox")  # the judge looks at what changed
    return done
