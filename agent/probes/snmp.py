"""A router's interface by SNMP, asked by a short-lived child: whatever its library costs or hangs in ends with it.

What is to be said to a router is told to nobody but the child, by its standard input: not by a plan, an argument or
the environment, where others may read it. It stands in `snmp.toml` of the agent's folder, for its owner only:

    [routers.default]                # or the address of one router: [routers."192.0.2.1"]
    community = "…"                  # version 2c; or version 3: user, auth, auth_protocol, priv, priv_protocol
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from agent.context import Context
from agent.net.ranges import literal
from agent.probes.given import Ended, bad_setting
from wire import strict
from wire.outcomes import fail, unknown

FILE: Final = "snmp.toml"
DEFAULT: Final = "default"
NO_PYSNMP: Final = 3

_ROOT: Final = Path(__file__).resolve().parents[2]
_MARGIN_S: Final = 0.3
_START_S: Final = 4.0
Secret = Annotated[str, Meta(max_length=128)]


class Access(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is to be said to a router: a community (version 2c), or a user (version 3, RFC 3414)."""

    community: Secret = ""
    user: Annotated[str, Meta(max_length=32)] = ""
    auth: Secret = ""
    auth_protocol: Literal["md5", "sha", "sha224", "sha256", "sha384", "sha512"] = "sha256"
    priv: Secret = ""
    priv_protocol: Literal["des", "aes128", "aes192", "aes256"] = "aes128"
    port: Annotated[int, Meta(ge=1, le=65_535)] = 161

    def __repr__(self) -> str:
        return f"Access(version {'3' if self.user else '2c'})"


class File(msgspec.Struct, frozen=True):
    """`snmp.toml`: by the address of the router, or `default`."""

    routers: dict[str, Access] = {}


class Asked(msgspec.Struct, frozen=True):
    """What the child is told. `index`: where the interface was found before, 0: nowhere yet."""

    host: str
    interface: str
    index: int
    timeout_s: float
    access: Access

    def __repr__(self) -> str:
        return f"Asked({self.host}, {self.interface})"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the router told of one interface; None is what it does not have. `error` is a word, `text` its words.

    `speed` bit/s, `high_speed` Mbit/s, `status` ifOperStatus, `duplex` dot3StatsDuplexStatus, `uptime` and
    `discontinuity` hundredths of a second.
    """

    error: Literal["", "no_answer", "unreachable", "refused", "no_counter", "broken"] = ""
    text: str = ""
    index: int = 0
    name: str = ""
    hc_in: int | None = None
    hc_out: int | None = None
    octets_in: int | None = None
    octets_out: int | None = None
    high_speed: int | None = None
    speed: int | None = None
    status: int | None = None
    duplex: int | None = None
    errors_in: int | None = None
    errors_out: int | None = None
    discards_in: int | None = None
    discards_out: int | None = None
    discontinuity: int | None = None
    uptime: int | None = None


def read(host: str, interface: str, index: int, timeout_s: float, ctx: Context) -> Answer:
    """One interface of the router at `host`. Raises Ended."""
    if not literal(host) or "%" in host:
        raise bad_setting("target", "with the setting snmp the target is the address of a router")
    asked = Asked(host, interface, index, timeout_s, access_to(host, ctx.facts.home))
    answer = _ask(asked, ctx.left_s() - _MARGIN_S)
    ctx.explain(f"{host} interface {interface}: {answer.text or f'index {answer.index}'}")
    if answer.error == "no_counter":
        raise Ended(unknown("no_counter"), error=answer.text)
    if answer.error == "broken":
        raise Ended(fail("bad_answer"), error=answer.text)
    if answer.error:
        raise Ended(fail(answer.error), error=answer.text)
    return answer


def access_to(host: str, home: Path | None) -> Access:
    """What is to be said to a router. Raises Ended with the remedy."""
    path = (home or Path()) / FILE
    if home is None or not path.exists():
        text = f"the agent's folder has no {FILE}: write [routers.default] with a community, or a user of version 3"
        raise Ended(unknown("no_permission"), error=text)
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise Ended(unknown("no_permission"), error=f"{FILE} may be read by others: chmod 600 {FILE}")
    try:
        routers = strict.load(path, File).routers
    except strict.SettingsError as error:
        raise bad_setting(FILE, str(error).replace(str(path), FILE)) from error
    access = routers.get(host) or routers.get(DEFAULT)
    if access is None or not (access.community or access.user):
        raise bad_setting(FILE, f"it has neither {host} nor {DEFAULT} with a community or a user")
    return access


def _ask(asked: Asked, left_s: float) -> Answer:
    """Let the child ask; it is killed when its time is over. Raises Ended."""
    if left_s <= 0:
        raise Ended(unknown("deadline"), error="no time left to ask a router")
    command = [sys.executable, "-m", "agent.probes.snmpchild"]
    patience_s = min(left_s, _START_S + 6 * asked.timeout_s)
    try:
        child = subprocess.run(
            command, cwd=_ROOT, input=msgspec.json.encode(asked), capture_output=True, timeout=patience_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Ended(unknown("deadline"), error=f"the child that asks was not done after {patience_s:.1f} s") from error
    except OSError as error:
        raise Ended(unknown("probe_error"), error=f"the child that asks did not start: {error.strerror}") from error
    if child.returncode == NO_PYSNMP:
        raise Ended(unknown("unsupported"), error="SNMP needs the package pysnmp: pip install 'motcua[snmp]'")
    try:
        return msgspec.json.decode(child.stdout, type=Answer)
    except msgspec.MsgspecError as error:
        said = child.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        text = f"the child that asks failed with {child.returncode}: {''.join(said)[:200]}"
        raise Ended(unknown("probe_error"), error=text) from error
