"""How a centre looks: one of the four states, or planned, the notice that lies over them."""

from __future__ import annotations

from typing import Final, Literal

from collector.api import State

Look = State | Literal["planned"]
LOOKS: Final[tuple[Look, ...]] = ("down", "degraded", "unknown", "planned", "ok")  # worst first
