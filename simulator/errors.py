"""What ends a simulation, in words for a person; each with its exit code on the command line."""

from __future__ import annotations

from typing import Final

FAILED: Final = 1
USAGE: Final = 2
BUSY: Final = 4


class SimulatorError(Exception):
    """Root of what this floor raises."""

    code = FAILED


class ScenarioError(SimulatorError):
    """A scenario that cannot be played; the text names file, key and remedy."""

    code = USAGE


class HomeError(SimulatorError):
    """A home or a province that a simulation cannot use."""

    code = USAGE


class Broken(SimulatorError):
    """The collector did not answer as the contract says."""

    code = BUSY
