"""The one table of channels: ways to reach people, one file each. A channel is a function of its arguments.

A channel's module has `Config` (a strict msgspec Struct, its part of `alerts.toml`), `ADDRESS` (what a letter's
address is for it) and `send(config, letter, post) -> str`: the other side's name for what it took, or ChannelError.
"""

from __future__ import annotations

import importlib
from typing import Final, Literal, Protocol, cast

from msgspec import Struct

from alerts.channels.errors import ChannelError
from alerts.channels.letter import Letter
from alerts.channels.post import Post

__all__ = ["CHANNELS", "Address", "Channel", "ChannelError", "Letter", "Post", "load"]

Address = Literal["email", "phone", "own", "none"]
"""What a letter's address is: a team's mailbox, its telephone, something only this channel knows, or nothing at all."""

# Imported on first use, so that a missing optional library costs one channel and not all of them.
CHANNELS: Final[dict[str, str]] = {
    "alertmanager": "alerts.channels.alertmanager",
    "apprise": "alerts.channels.apprise",
    "email": "alerts.channels.email",
    "log": "alerts.channels.log",
    "ticket": "alerts.channels.ticket",
    "webhook": "alerts.channels.webhook",
    "zalo_oa": "alerts.channels.zalo_oa",
}


class Channel(Protocol):
    """A module of the table."""

    Config: type[Struct]
    ADDRESS: Address

    def send(self, config: Struct, letter: Letter, post: Post) -> str:
        """Send, and return what the other side calls it. Raises ChannelError, nothing else."""
        ...


def load(kind: str) -> Channel:
    """The channel of that kind. Raises KeyError for an unknown kind, ImportError where its library is missing."""
    return cast("Channel", importlib.import_module(CHANNELS[kind]))
