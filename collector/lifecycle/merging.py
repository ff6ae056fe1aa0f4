"""One centre goes into another, as communes do. The old key leads to the other one; its page and history stay."""

from __future__ import annotations

from sqlalchemy import Connection

from collector.api import Actor, Done, Merge, NotAllowed
from collector.lifecycle.moving import carry
from collector.lifecycle.owning import settle
from collector.lifecycle.records import Doing
from collector.lifecycle.retiring import leave
from collector.lifecycle.whom import live_agents, live_centre, said, whom


def merge(conn: Connection, actor: Actor, act: Merge, now_ms: int) -> Done:
    """Decommission a centre in favour of another. Raises NotFound, NotAllowed."""
    about, into = whom(conn, f"centre:{act.centre.removeprefix('centre:')}"), live_centre(conn, act.into)
    if into == about.centre:
        raise NotAllowed(f"centre {into} cannot go into itself")
    doing = Doing(conn, actor, "merge", about.key, said(act.reason), now_ms)
    if act.move_agents:
        for name in live_agents(conn, about.centre):
            carry(doing, name, into)
    leave(doing, about, how="merged", successor=f"centre:{into}")
    settle(doing, live_agents(conn, into))
    centres = {about.centre: f"centre:{into}", into: about.key}
    return doing.finish(centres=centres, back=f"restore {about.key}")
