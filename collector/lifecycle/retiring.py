"""Out of service and back. Counts and lists lose a subject; its page and its history stay."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from collector.api import Actor, Decommission, Done, NotAllowed, Restore, Retired
from collector.api.changes import How
from collector.lifecycle.owning import settle
from collector.lifecycle.records import Doing
from collector.lifecycle.whom import Whom, is_live, live_agents, said, whom
from collector.register import retired
from collector.register.enrolment import revoke
from collector.store.tables import agent, subject, token


def decommission(conn: Connection, actor: Actor, act: Decommission, now_ms: int) -> Done:
    """Take a subject out of service, and the right to speak from its agents. Raises NotFound, NotAllowed."""
    about = whom(conn, act.subject)
    doing = Doing(conn, actor, "decommission", about.key, said(act.reason), now_ms)
    leave(doing, about, how="decommissioned")
    return doing.finish(centres={about.centre: ""}, back=f"restore {about.key}")


def leave(doing: Doing, about: Whom, *, how: How, successor: str = "") -> None:
    """A subject goes, with what goes along. Raises NotAllowed where it is gone already."""
    if retired.holding(doing.conn, about.key):
        raise NotAllowed(f"{about.key} is out of service already")
    if about.kind == "centre":
        _off(doing, about, how, successor, live_agents(doing.conn, about.centre))
        settle(doing, [])
    elif about.kind == "agent":
        _off(doing, about, how, successor, [about.name] if is_live(doing.conn, about.name) else [])
        device = device_of(doing.conn, about.name)
        if device and retired.holding(doing.conn, device) is None:
            _put(doing, device, about.centre, how=how)
        settle(doing, live_agents(doing.conn, about.centre))
    else:
        owner = doing.conn.scalar(select(subject.c.agent).where(subject.c.key == about.key))
        doing.conn.execute(update(subject).where(subject.c.key == about.key).values(agent=None))
        _off(doing, about, how, successor, [])
        settle(doing, [owner] if owner else [])


def _off(doing: Doing, about: Whom, how: How, successor: str, agents: Sequence[str]) -> None:
    for name in agents:
        revoke(doing.conn, doing.actor, name, doing.now_ms)
        doing.tell("revoked", f"agent:{name}")
    _put(doing, about.key, about.centre, how=how, successor=successor, agents=agents)


def _put(doing: Doing, key: str, centre: str, *, how: How, successor: str = "", agents: Sequence[str] = ()) -> None:
    retired.put(
        doing.conn, key, centre, how=how, successor=successor, agents=agents, reason=doing.reason, now_ms=doing.now_ms
    )
    doing.tell("decommissioned", key, successor)


def restore(conn: Connection, actor: Actor, act: Restore, now_ms: int) -> Done:
    """Back into service, with the agents that lost their right to speak with it. Raises NotFound, NotAllowed."""
    about = whom(conn, act.subject)
    doing = Doing(conn, actor, "restore", about.key, said(act.reason, needed=False), now_ms)
    if about.kind != "centre" and retired.holding(conn, f"centre:{about.centre}"):
        raise NotAllowed(f"centre {about.centre} is out of service: restore it first")
    ended = retired.end(conn, about.key, now_ms)
    if ended is None:
        raise NotAllowed(f"{about.key} is in service")
    held, agents = ended
    doing.tell("restored", about.key)
    for name in agents:
        _admit(doing, name, held)
    if about.kind == "agent" and (device := device_of(conn, about.name)) and retired.end(conn, device, now_ms):
        doing.tell("restored", device)
    settle(doing, live_agents(conn, about.centre))
    if held.successor:
        doing.tell("stays", held.successor)  # what went there is not fetched back
    return doing.finish(centres={about.centre: held.successor}, back=f"decommission {about.key}")


def _admit(doing: Doing, name: str, held: Retired) -> None:
    """The right to speak again, unless somebody took it for another reason; the tokens of that moment live again."""
    mine = (agent.c.id == name) & (agent.c.revoked_ms == held.from_ms)
    if doing.conn.execute(update(agent).where(mine).values(revoked_ms=None).returning(agent.c.id)).first() is None:
        return
    spoke = (token.c.agent == name) & (token.c.revoked_ms == held.from_ms)
    doing.conn.execute(update(token).where(spoke).values(revoked_ms=None))
    doing.tell("admitted", f"agent:{name}")


def device_of(conn: Connection, name: str) -> str | None:
    """The machine an agent runs on."""
    return conn.scalar(select(agent.c.device).where(agent.c.id == name))
