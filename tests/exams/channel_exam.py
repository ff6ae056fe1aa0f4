"""The exam that every channel of the table sits: what may be tried again, an end to everything, and no secret told.

A channel brings settings that point at an address of this machine (`Candidate`); the exam brings the other side.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from alerts import channels
from alerts.channels import ChannelError, Letter, Post
from tests.support.clock import FakeClock
from tests.support.letters import letter
from wire import strict

SECRET: Final = "s3cr3t-0f-the-exam"
GRACE_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A channel by its kind. `settings`: its part of `alerts.toml` for a server at a port of this machine, with files
    of secrets already in the home. `taken`: what a friendly server answers. `by_status`: it knows HTTP's statuses."""

    kind: str
    settings: Callable[[int], dict[str, object]]
    taken: bytes = b"{}"
    address: str = ""
    patient: bool = True  # it hears Retry-After
    slow: bool = False  # it starts a process: the exam asks it less often

    def config(self, port: int) -> msgspec.Struct:
        return strict.convert(self.settings(port), channels.load(self.kind).Config, "exam")


def keep_secrets(home: Path) -> None:
    """The files that candidates' settings name."""
    pair = f'{{"access_token": "{SECRET}-a", "refresh_token": "{SECRET}-r"}}'
    for name, text in {"secret": SECRET, "pair": pair, "authorization": f"Bearer {SECRET}"}.items():
        (home / name).write_text(text + "\n", "utf-8")
        (home / name).chmod(0o600)


def try_it(
    candidate: Candidate, port: int, home: Path, *, timeout_s: float = 20.0, carried: Letter | None = None
) -> str | ChannelError:
    """What a channel answers, or the error it raised, which is always a ChannelError that says something."""
    post = Post(home, FakeClock(), timeout_s=timeout_s)
    began = time.monotonic()
    sent = carried or letter(address=candidate.address)
    try:
        found: str | ChannelError = channels.load(candidate.kind).send(candidate.config(port), sent, post)
    except ChannelError as error:
        found = error
    assert time.monotonic() - began < timeout_s + GRACE_S
    if isinstance(found, ChannelError):
        assert SECRET not in "".join(traceback.format_exception(found))
        assert len(str(found)) > 10
    else:
        assert isinstance(found, str)
        assert found
    return found
