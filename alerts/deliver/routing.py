"""By which channels an audience is reached, and at which address. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from alerts.channels import Address
from alerts.deliver.message import Message
from alerts.settings import Route, Settings

CENTRE: Final = "centre"
"""The page that a centre's box serves: every `centre:<key>` is reached by it, besides a route of its own."""

MACHINES: Final = frozenset({"alertmanager", "ticket", "webhook", "log", CENTRE})
"""Kinds that wake nobody: no quiet hours, and no digests, for a record each is what they are for."""


class NoWay(Exception):
    """An audience that cannot be reached; the text says what to write where. `meant`: nobody set anything up."""

    def __init__(self, text: str, *, meant: bool = False) -> None:
        super().__init__(text)
        self.meant = meant


def channels_of(audience: str, settings: Settings) -> Sequence[str]:
    """The names of the channels, in their order. Raises NoWay."""
    if audience.startswith("centre:"):  # the route of everybody is not meant: it would tell one person a hundred times
        own = settings.routes.get(audience) or settings.routes.get("centre:*")
        return (CENTRE, *(own.outlets if own is not None else ()))
    route = settings.route(audience)
    if route is not None and route.outlets:
        return route.outlets
    if not settings.outlets:
        raise NoWay(f"nobody is told: {settings.path.name} sets up no channel", meant=True)
    raise NoWay(f"nobody is told: write a route for {audience} into {settings.path.name}", meant=route is not None)


def address_of(channel: str, wanted: Address, route: Route, message: Message) -> str:
    """Where a letter goes; empty: where the channel sends what has no address of its own.

    Whoever is on duty is called at their own number; a team by the settings, else by the inventory.
    """
    told = route.addresses.get(channel, "")
    if wanted == "phone":
        return message.phone if message.person and message.phone else told or message.phone
    return told or message.email if wanted == "email" else told if wanted == "own" else ""
