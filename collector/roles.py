"""What one process can do, and how that is asked for."""

from __future__ import annotations

from typing import Final

from collector.api import CollectorError


class RoleError(CollectorError):
    """A role that this process cannot have."""


ROLES: Final = ("ingest", "judge", "history", "alert", "export", "board")
BUILT: Final = ("ingest", "judge", "history", "alert", "board")
APART: Final = frozenset({"history", "board"})
"""Roles that may have a process of their own beside the one that judges, in the same home."""


def parse(text: str) -> tuple[str, ...]:
    """Roles from the command line. Raises RoleError for one that nobody knows, or that is not built yet."""
    roles = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for role in roles:
        if role not in ROLES:
            raise RoleError(f"there is no role {role!r}; roles are {', '.join(BUILT)}")
        if role not in BUILT:
            raise RoleError(f"the role {role!r} is not built yet; roles are {', '.join(BUILT)}")
    if not roles:
        raise RoleError(f"no role was given; roles are {', '.join(BUILT)}")
    return roles
