"""What is counted since enrolment, in a file of its own: it must outlive the spool, which may be replaced."""

from __future__ import annotations

from pathlib import Path

import msgspec

from agent.files import read_struct, write_atomic

FILE = "lifetime.json"


class Lifetime(msgspec.Struct, frozen=True):
    """Starts of the machine seen so far, the last of them, and spool files set aside as damaged."""

    boots: int = 0
    boot_id: str = ""
    spool_resets: int = 0


class LifetimeFile:
    """The counts in `home`. Where they cannot be written they are right until the agent stops."""

    def __init__(self, home: Path) -> None:
        self._path = home / FILE
        self.now = read_struct(self._path, Lifetime) or Lifetime()

    def see_boot(self, boot_id: str) -> None:
        """Count this start of the machine, once."""
        if boot_id != self.now.boot_id:
            self._keep(msgspec.structs.replace(self.now, boots=self.now.boots + 1, boot_id=boot_id))

    def count_reset(self) -> None:
        self._keep(msgspec.structs.replace(self.now, spool_resets=self.now.spool_resets + 1))

    def _keep(self, lifetime: Lifetime) -> None:
        self.now = lifetime
        try:
            write_atomic(self._path, msgspec.json.encode(lifetime))
        except OSError:
            return  # a full or read-only disk is told by the spool, loudly; one restart too few in a count is not
