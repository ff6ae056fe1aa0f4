"""Who this agent is: `identity.json` in its home, made at enrolment."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from agent.files import read_struct
from wire.messages import Role

FILE: Final = "identity.json"
CA_FILE: Final = "ca.pem"


class NotJoined(Exception):
    """There is no agent in this home yet; the text says how to make one."""


class Identity(msgspec.Struct, frozen=True):
    """Name, centre and secret of an enrolled agent. The token is never printed."""

    agent: str
    centre: str
    url: str
    token: str
    role: Role = "box"

    def __repr__(self) -> str:
        return f"Identity(agent={self.agent!r}, centre={self.centre!r}, url={self.url!r}, role={self.role!r})"

    @property
    def subject(self) -> str:
        return f"agent:{self.agent}"

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 443


def load(home: Path) -> tuple[Identity, bytes]:
    """The identity and the pinned CA kept in `home`. Raises NotJoined."""
    identity = read_struct(home / FILE, Identity)
    try:
        ca = (home / CA_FILE).read_bytes()
    except OSError:
        ca = b""
    if identity is None or not ca:
        raise NotJoined(f"{home}: no agent is enrolled here; get a join code from the collector and run `agent join`")
    return identity, ca
