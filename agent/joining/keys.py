"""The agent's keys: Ed25519 to sign, X25519 to open what is sealed for it. Made in a child that ends at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec

from agent.files import sync_folder
from agent.joining.keychild import NO_CRYPTOGRAPHY

CHILD_S: Final = 30.0
NAMES: Final = ("sign", "seal")
_ROOT: Final = Path(__file__).resolve().parents[2]


class KeyMakingFailed(Exception):
    """There are no new keys; the text says why, and the remedy."""


class PublicKeys(msgspec.Struct, frozen=True):
    """Base64 of the 32 raw bytes of each public key."""

    sign: str
    seal: str


def make(home: Path) -> PublicKeys:
    """Make both key pairs beside the present ones; `adopt` puts them in force. Raises KeyMakingFailed."""
    command = [sys.executable, "-m", "agent.joining.keychild", str(home.absolute())]
    try:
        child = subprocess.run(command, cwd=_ROOT, capture_output=True, timeout=CHILD_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KeyMakingFailed(f"the child that makes keys did not run: {error}") from error
    if child.returncode == NO_CRYPTOGRAPHY:
        raise KeyMakingFailed(
            "keys need the package cryptography; install the extra `keys`: pip install 'motcua[keys]'"
        )
    try:
        return msgspec.json.decode(child.stdout, type=PublicKeys)
    except msgspec.MsgspecError as error:
        said = child.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or [str(error)]
        raise KeyMakingFailed(f"the child that makes keys failed with {child.returncode}: {said[0][:300]}") from error


def adopt(home: Path) -> None:
    """Put the keys from `make` in the place of the present ones. Raises OSError."""
    for name in NAMES:
        (home / f"{name}.key.new").replace(home / f"{name}.key")
    sync_folder(home)


def discard(home: Path) -> None:
    """Forget the keys from `make`: the enrolment they were made for failed."""
    for name in NAMES:
        (home / f"{name}.key.new").unlink(missing_ok=True)
