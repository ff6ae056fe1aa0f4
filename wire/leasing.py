"""Why there is no lease: a closed list, declared once with its meaning; the board's catalogues have words for each."""

from __future__ import annotations

from typing import Final

WHYS: Final[dict[str, str]] = {
    "window": "the line's turn comes later, in a window that the policy allows",
    "busy": "another line of the same uplink is being tested",
    "full": "the measurement servers or the province carry no more tests now",
    "budget": "the line's tests have moved what they may in a day",
    "no_server": "no measurement server is configured",
    "unknown_item": "the agent's plan holds no such test",
    "no_collector": "the collector could not be asked",
    "waited": "the turn never came within the period",
}
"""The last two are said by an agent, the others by the collector (`wire.messages.LeaseAnswer.why`)."""
