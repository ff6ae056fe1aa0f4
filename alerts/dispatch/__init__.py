"""Whom to call for an incident, and how many people wait. Pure: everything it knows of the province is in a `Town`."""

from alerts.dispatch.calling import Audience, Hands, audiences, hands
from alerts.dispatch.town import Town
from alerts.dispatch.waiting import target, waiting

__all__ = ["Audience", "Hands", "Town", "audiences", "hands", "target", "waiting"]
