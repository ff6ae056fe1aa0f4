"""The probe `attest`: the hash over the batches that were receipted since the last time, signed.

What was attested leaves the spool in the commit that keeps the attestation; what was not, stands in the next.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Final

from agent.attest.signing import CannotSign, sign
from agent.context import Context
from agent.identity import Identity
from agent.probes import Measured
from agent.spool.file import Unwritable
from agent.spool.keeper import Keeper
from wire.attest import PROBE, TARGET, Statement, digest, numbers, spelled
from wire.messages import PlanItem
from wire.outcomes import OK, unknown

PERIOD_S: Final = 3_600.0


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
        try:
            signature = sign(self._home, told.text(), left_s - 1)
        except CannotSign as error:
            if error.missing:
                return Measured(unknown("unsupported"), detail={"error": str(error), "missing": error.missing})
            return Measured(unknown("probe_error"), detail={"error": str(error)})
        return Measured(OK, detail={
            "epoch": told.epoch, "from_ms": told.from_ms, "to_ms": told.to_ms, "batches": told.batches,
            "sha256": told.sha256, "signature": base64.b64encode(signature).decode("ascii"), "count": count,
        })  # fmt: skip
