"""Carried elsewhere: an agent with its machine, or a line. What was measured stays where it was measured."""

from __future__ import annotations

from string import ascii_lowercase

from sqlalchemy import Connection, func, insert, select, update

from collector.api import Actor, Done, Move, NotAllowed
from collector.inventory import keeping
from collector.inventory.difference import Change, TableDifference
from collector.inventory.keeping import Run
from collector.inventory.relations import OWN_ROOMS
from collector.lifecycle.owning import free, settle
from collector.lifecycle.records import Doing
from collector.lifecycle.retiring import leave
from collector.lifecycle.whom import Whom, is_live, live_agents, live_centre, said, whom
from collector.register import retired
from collector.store.lifecycle_tables import posting
from collector.store.tables import agent, subject


def move(conn: Connection, actor: Actor, act: Move, now_ms: int) -> Done:
    """Carry an agent or a line to another centre from now on. Raises NotFound, NotAllowed."""
    about, to = whom(conn, act.subject), live_centre(conn, act.centre)
    if to == about.centre:
        raise NotAllowed(f"{about.key} is at centre {to} already")
    doing = Doing(conn, actor, "move", about.key, said(act.reason), now_ms)
    if about.kind == "agent":
        carry(doing, about.name, to)
        settle(doing, [about.name, *live_agents(conn, about.centre)])
        back = f"move {about.key} {about.centre}"
    elif about.kind == "line":
        back = f"move {_move_line(doing, about, to)} {about.centre}"
    else:
        raise NotAllowed(f"{about.key} cannot be carried: move its agents, or merge it into another centre")
    return doing.finish(centres={about.centre: f"centre:{to}", to: f"centre:{about.centre}"}, back=back)


def carry(doing: Doing, name: str, to: str) -> None:
    """An agent stands elsewhere from now on; it owns itself and its machine there. Raises NotAllowed."""
    conn, now_ms = doing.conn, doing.now_ms
    columns = (agent.c.centre, agent.c.role, agent.c.device, agent.c.enrolled_ms)
    row = conn.execute(select(*columns).where(agent.c.id == name)).one()
    if not is_live(conn, name):
        raise NotAllowed(f"agent {name} may not speak any more: it cannot be carried")
    if row.role == "vantage" and not to.startswith(OWN_ROOMS):
        raise NotAllowed("a vantage stands in a room of the province's own")
    free(doing, name)
    stood = (posting.c.agent == name) & posting.c.to_ms.is_(None)
    if conn.execute(update(posting).where(stood).values(to_ms=now_ms).returning(posting.c.agent)).first() is None:
        conn.execute(insert(posting).values(agent=name, centre=row.centre, from_ms=row.enrolled_ms, to_ms=now_ms))
    # Stays keep their order where two moves share a millisecond, or the clock was set back between them.
    newest = conn.scalar(select(func.max(posting.c.from_ms)).where(posting.c.agent == name)) or 0
    from_ms = max(now_ms, newest + 1)
    conn.execute(insert(posting).values(agent=name, centre=to, from_ms=from_ms))
    conn.execute(update(agent).where(agent.c.id == name).values(centre=to))
    own = subject.c.key.in_([f"agent:{name}", row.device])
    conn.execute(update(subject).where(own).values(centre=to))
    doing.tell("moved", f"agent:{name}", f"centre:{to}")


def _move_line(doing: Doing, about: Whom, to: str) -> str:
    """The line ends here and begins there, under a key of its own; its inventory row goes along. The new key."""
    conn = doing.conn
    label = conn.scalar(select(subject.c.label).where(subject.c.key == about.key)) or ""
    old = retired.moved_to(conn, about.key, to)  # it came from there: it goes home to its own key
    new = old or _free_key(conn, to)
    leave(doing, about, how="moved", successor=new)
    if old:
        retired.end(conn, old, doing.now_ms)
    held = keeping.held(conn, ["lines"])["lines"].get(about.name)
    if held is not None:
        body = {**held, "key": new.removeprefix("line:")}
        lines = TableDifference(removed=[Change(about.name, held, None)], added=[Change(str(body["key"]), None, body)])
        run = Run(f"move of {about.key}", "", {"lines": lines}, keeping.newest(conn))
        keeping.write(conn, run, doing.actor, doing.now_ms, lambda *_: None)
    elif not old:
        letter = new.rpartition("/")[2].upper()
        conn.execute(insert(subject).values(
            key=new, kind="line", centre=to, label=f"{letter}{label[1:]}" if label else "", agent=None,
            created_ms=doing.now_ms,
        ))  # fmt: skip
    doing.tell("restored" if old else "made", new, about.key)
    settle(doing, live_agents(conn, to))
    return new


def _free_key(conn: Connection, centre: str) -> str:
    """The first letter no line of a centre ever had. Raises NotAllowed where all are taken."""
    there = set(conn.scalars(select(subject.c.key).where(subject.c.kind == "line", subject.c.centre == centre)))
    for letter in ascii_lowercase:
        if f"line:{centre}/{letter}" not in there:
            return f"line:{centre}/{letter}"
    raise NotAllowed(f"centre {centre} has used every letter for its lines: import the line under a key of your own")
