"""The probe `attest`: the hash over the batches that were receipted since the last time, signed.

What was attested leaves the spool in the commit that keeps the attestation; what was not, stands in the next.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from agent.attest.child import NO_CRYPTOGRAPHY
from agent.context import Context
from agent.identity import Identity
from agent.probes import Measured
from agent.spool.file import Unwritable
from agent.spool.keeper import Keeper
from wire.attest import PROBE, TARGET, Statement, digest, numbers, spelled
from wire.messages import PlanItem
from wire.outcomes import OK, unknown

PERIOD_S: Final = 3_600.0
_ROOT: Final = Path(__file__).resolve().parents[2]


def item(subject: str) -> PlanItem:
    """The item that no plan needs to ask for."""
    return PlanItem(id=PROBE, subject=subject, probe=PROBE, target=TARGET, period_s=PERIOD_S, deadline_s=60.0)


class Attest:
    """`now_ms` is the collector's time, as far as it is known."""

    def __init__(self, keeper: Keeper, who: Identity, home: Path, now_ms: Callable[[], int]) -> None:
        self._keeper, self._who, self._home, self._now_ms = keeper, who, home, now_ms

    def probe(self, _item: PlanItem, context: Context) -> Measured:
        """A statement with its signature; ok without one where there was nothing to sign."""
        try:
            epoch, rows = self._keeper.use(lambda spool: (spool.epoch, spool.proved()))
        except Unwritable as error:
            return Measured(unknown("probe_error"), detail={"error": f"the spool cannot be read: {error}"})
        batches = spelled(number for number, _ in rows)
        if not batches:
            return Measured(OK, detail={"count": 0})
        held, now_ms = set(numbers(batches)), self._now_ms()
        whole = digest((number, sha256) for number, sha256 in rows if number in held)
        told = Statement(self._who.agent, epoch, now_ms - round(1000 * PERIOD_S), now_ms, batches, whole)
        return self._signed(told, context.left_s(), len(held))

    def _signed(self, told: Statement, left_s: float, count: int) -> Measured:
        command = [sys.executable, "-m", "agent.attest.child", str(self._home.absolute())]
        try:
            child = subprocess.run(
                command, cwd=_ROOT, input=told.text(), capture_output=True, timeout=max(1.0, left_s - 1), check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return Measured(unknown("probe_error"), detail={"error": f"the child that signs did not run: {error}"})
        if child.returncode == NO_CRYPTOGRAPHY:
            remedy = "signing needs the package cryptography: pip install 'motcua[keys]'"
            return Measured(unknown("unsupported"), detail={"error": remedy, "missing": "cryptography"})
        if child.returncode:
            said = child.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or [str(child.returncode)]
            return Measured(unknown("probe_error"), detail={"error": f"the child that signs failed: {said[0][:200]}"})
        return Measured(OK, detail={
            "epoch": told.epoch, "from_ms": told.from_ms, "to_ms": told.to_ms, "batches": told.batches,
            "sha256": told.sha256, "signature": child.stdout.decode("ascii"), "count": count,
        })  # fmt: skip
