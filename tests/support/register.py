"""A register with people's hands on it: agents enrolled without a socket, acts done as the command line does them."""

from __future__ import annotations

from sqlalchemy import select

from collector.api import Act, Actor, Done
from collector.commands import create_join_code
from collector.hub import Hub
from collector.lifecycle import doing
from collector.register import enrolment, plans
from collector.register.known import Register, token_hash
from collector.store import tables
from tests.support.collector import KEY
from wire.messages import Enrol, Enrolled, Role

LAN_NGUYEN = Actor("Lan", "cli")
OLD, NEW = "07330-1", "07375-1"


def two_centres(hub: Hub) -> tuple[Enrolled, Enrolled]:
    """A box at each of two centres."""
    return enrolled(hub, OLD, name="Xã Phúc Hoà"), enrolled(hub, NEW, name="Xã Lạng Giang")


def enrolled(hub: Hub, centre: str, role: Role = "box", *, name: str = "Xã", code: str = "") -> Enrolled:
    """An agent that came by a code of its own, or by `code`."""
    code = code or create_join_code(hub, centre, role, name_vi=name)
    word = Enrol(code, role, "0.1.0", ["pc", "reach"], KEY, KEY, "box")
    made = hub.store.writer.do(lambda conn: enrolment.enrol(conn, word, hub.clock.wall_ms()))
    hub.wake("register")
    return made


def change(hub: Hub, act: Act, *, rehearse: bool = False) -> Done:
    """Do it as a person."""
    return doing.change(hub, LAN_NGUYEN, act, rehearse=rehearse)


def effects(done: Done) -> list[tuple[str, str]]:
    """What came of an act: (what, subject)."""
    return [(effect.what, effect.subject) for effect in done.effects]


def planned(hub: Hub, who: Enrolled) -> list[str]:
    """The subjects an agent is to measure, without its machine."""
    with hub.store.reading() as conn:
        return sorted({i.subject for i in plans.items_of(conn, who.agent) if not i.subject.startswith("device:")})


def owner(hub: Hub, key: str) -> str | None:
    with hub.store.reading() as conn:
        return conn.scalar(select(tables.subject.c.agent).where(tables.subject.c.key == key))


def may_speak(hub: Hub, who: Enrolled, subject: str | None = None) -> bool:
    """Whether an agent is known by its token, and for a subject if one is given."""
    known = Register(hub).look_up(token_hash(who.token))
    return known is not None and (subject is None or known.may_speak_for(subject))


def audited(hub: Hub) -> list[tuple[str, str]]:
    """What the audit holds besides codes and enrolments: (action, thing)."""
    quiet = ("join_code", "enrol", "centre")
    query = select(tables.audit.c.action, tables.audit.c.object).order_by(tables.audit.c.id)
    with hub.store.reading() as conn:
        return [(row.action, row.object) for row in conn.execute(query.where(tables.audit.c.action.not_in(quiet)))]
