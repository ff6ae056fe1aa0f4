"""What people may have done: `api.Commands`, and what the command line and `motcua up` need beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, select

from collector.api import Act, Actor, Done, NotAllowed, NotFound, PhoneTest, TaskInfo
from collector.hub import Hub
from collector.judging import versions
from collector.judging.versions import Set
from collector.leases import phone
from collector.leases.keeping import Leases
from collector.lifecycle import doing
from collector.register import actors, enrolment, notices, plans, tasks
from collector.register.ca import open_authority
from collector.store import tables
from wire.identity import IdentityError
from wire.messages import Notice, Role

CLI: Final = Actor("command line", "cli")
_ROOM: Final = enrolment.CentreName("Phía tỉnh", "The province's side")


class CollectorCommands:
    """Implements `api.Commands`; each act is one writer job with its audit row. Blocks: not from the event loop."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._leases = Leases(hub)

    def request_task(self, actor: Actor, agent: str, item: str) -> TaskInfo:
        """See `api.Commands`."""
        now_ms = self._hub.clock.wall_ms()

        def job(conn: Connection) -> TaskInfo:
            if all(planned.id != item for planned in plans.items_of(conn, agent)):
                raise NotFound(f"agent {agent} has no item {item} in its plan")
            made = tasks.request(conn, agent, item, by=actor.name, now_ms=now_ms)
            actors.audit(conn, actor, "task", f"agent:{agent}", detail={"item": item, "task": made.id}, now_ms=now_ms)
            return made

        made = self._hub.store.writer.do(job)
        self._hub.wake(f"agent:{agent}")
        return made

    def test_from_phone(self, actor: Actor, line: str) -> PhoneTest:
        """See `api.Commands`."""
        return phone.test_from_phone(self._hub, self._leases, actor, line)

    def change(self, actor: Actor, act: Act, *, rehearse: bool = False) -> Done:
        """See `api.Commands`."""
        return doing.change(self._hub, actor, act, rehearse=rehearse)

    def set_notice(self, actor: Actor, centre: str, notice: Notice) -> None:
        """See `api.Commands`."""
        now_ms = self._hub.clock.wall_ms()
        self._hub.store.writer.do(lambda conn: notices.put(conn, actor, centre, notice, now_ms))
        self._hub.wake(notices.TOPIC)

    def end_notice(self, actor: Actor, centre: str, notice: str) -> None:
        """See `api.Commands`."""
        now_ms = self._hub.clock.wall_ms()
        self._hub.store.writer.do(lambda conn: notices.end(conn, actor, centre, notice, now_ms))
        self._hub.wake(notices.TOPIC)

    def open_session(self, link: str) -> str:
        """See `api.Commands`."""
        now_ms = self._hub.clock.wall_ms()
        return self._hub.store.writer.do(lambda conn: actors.open_session(conn, link, now_ms))

    def close_session(self, session: str) -> None:
        """See `api.Commands`."""
        now_ms = self._hub.clock.wall_ms()
        self._hub.store.writer.do(lambda conn: actors.close_session(conn, session, now_ms))


def revoke_agent(hub: Hub, actor: Actor, agent: str) -> None:
    """Take an agent's right to speak, at once here and within 5 s in other processes. Raises NotFound."""
    now_ms = hub.clock.wall_ms()
    hub.store.writer.do(lambda conn: enrolment.revoke(conn, actor, agent, now_ms))
    hub.wake("register")


def set_policy(hub: Hub, actor: Actor, raw: bytes, name: str) -> Set:
    """Put a policy in force from now on; a running judge takes it up within 5 s. Raises PolicyError."""
    now_ms, home = hub.clock.wall_ms(), hub.settings.home
    made = hub.store.writer.do(lambda conn: versions.set_policy(conn, actor, raw, name, home=home, now_ms=now_ms))
    hub.wake("inbox")
    return made


def create_join_code(
    hub: Hub,
    centre: str,
    role: Role,
    *,
    name_vi: str = "",
    name_en: str = "",
    ttl: int = enrolment.CODE_MS // 1000,
    replaces: str = "",
    actor: Actor = CLI,
) -> str:
    """A one-time join code, good for `ttl` seconds. A centre that is missing is made where a name is given.

    A centre that went into another stands for that one. `replaces`: the agent that leaves when the code is used.

    Raises NotFound for an unknown centre without a name, NotAllowed for a key that is none.
    """
    authority = open_authority(hub.settings.home, hub.settings.hosts, hub.clock)
    name = enrolment.CentreName(name_vi or name_en, name_en or name_vi) if name_vi or name_en else None
    now_ms = hub.clock.wall_ms()

    def job(conn: Connection) -> str:
        return enrolment.make_code(
            conn, actor, centre, role=role, name=name, ca_sha256=authority.fingerprint, ttl_ms=ttl * 1000,
            now_ms=now_ms, replaces=replaces,
        )  # fmt: skip

    try:
        return hub.store.writer.do(job)
    except IdentityError as error:
        raise NotAllowed(str(error)) from error


def replace_agent(hub: Hub, agent: str, *, ttl: int = enrolment.CODE_MS // 1000, actor: Actor = CLI) -> str:
    """A join code for the machine that takes an agent's place: the old one leaves when the new one enrols.

    Raises NotFound for an agent that may not speak.
    """
    query = select(tables.agent.c.centre, tables.agent.c.role).where(
        tables.agent.c.id == agent, tables.agent.c.revoked_ms.is_(None)
    )
    with hub.store.reading() as conn:
        row = conn.execute(query).first()
    if row is None:
        raise NotFound(f"there is no agent {agent} that could be replaced")
    return create_join_code(hub, row.centre, row.role, ttl=ttl, replaces=agent, actor=actor)


def create_join_codes(hub: Hub, wanted: Sequence[tuple[str, Role]], *, actor: Actor = CLI) -> list[str]:
    """A one-time join code for each centre and role, made at once. Raises NotFound for an unknown centre.

    The province's own rooms (00000-n) are made where they are missing.
    """
    authority = open_authority(hub.settings.home, hub.settings.hosts, hub.clock)
    now_ms = hub.clock.wall_ms()

    def job(conn: Connection) -> list[str]:
        return [
            enrolment.make_code(
                conn, actor, centre, role=role, name=_ROOM if centre.startswith("00000-") else None,
                ca_sha256=authority.fingerprint, ttl_ms=enrolment.CODE_MS, now_ms=now_ms,
            )
            for centre, role in wanted
        ]  # fmt: skip

    return hub.store.writer.do(job)


def create_login_link(hub: Hub, name: str, *, actor: Actor = CLI) -> str:
    """The secret of a one-time login link for the person `name`: it belongs behind `/login/` of the board."""
    now_ms = hub.clock.wall_ms()
    return hub.store.writer.do(lambda conn: actors.make_link(conn, actor, name, now_ms=now_ms))
