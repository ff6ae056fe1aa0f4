"""The way to the key: a child signs and ends."""

from __future__ import annotations

import base64
import binascii
import subprocess
import sys
from pathlib import Path
from typing import Final

from agent.attest.child import NO_CRYPTOGRAPHY

_ROOT: Final = Path(__file__).resolve().parents[2]


class CannotSign(Exception):
    """There is no signature; the text says why, and the remedy. `missing` is the library that is not installed."""

    def __init__(self, text: str, missing: str = "") -> None:
        super().__init__(text)
        self.missing = missing


def sign(home: Path, text: bytes, timeout_s: float) -> bytes:
    """The Ed25519 signature, 64 bytes, of `text` by the enrolment's key. Raises CannotSign."""
    command = [sys.executable, "-m", "agent.attest.child", str(home.absolute())]
    try:
        child = subprocess.run(
            command, cwd=_ROOT, input=text, capture_output=True, timeout=max(1.0, timeout_s), check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotSign(f"the child that signs did not run: {error}") from error
    if child.returncode == NO_CRYPTOGRAPHY:
        raise CannotSign("signing needs the package cryptography: pip install 'motcua[keys]'", "cryptography")
    try:
        if child.returncode == 0:
            return base64.b64decode(child.stdout, validate=True)
    except binascii.Error:
        pass  # told below with what it said
    said = child.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or [str(child.returncode)]
    raise CannotSign(f"the child that signs failed: {said[0][:200]}")
