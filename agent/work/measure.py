"""One run of one probe, from plan item to observation: whatever the probe does, an observation comes out."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

from agent.context import Context
from agent.counts import Counts
from agent.probes import Again, Measured, Probe
from agent.work.bounds import bounded
from wire.messages import Observation, PlanItem, Scalar
from wire.outcomes import unknown

Load = Callable[[str], Probe]


def find_out(item: PlanItem, context: Context, load: Load, counts: Counts) -> Measured | Again:
    """What the probe of `item` found, within the bounds of the wire, or when it is to be started. Never raises."""
    try:
        probe = load(item.probe)
    except KeyError:
        return Measured(unknown("unsupported"), detail={"error": f"this agent does not know the probe {item.probe}"})
    except ImportError as error:
        return Measured(unknown("unsupported"), detail={"error": str(error)[:200], "missing": error.name or ""})
    # The one broad catch around probes: here a fault of ours becomes a counted, stored fact. A probe that calls
    # sys.exit must not take the agent with it.
    try:
        told = probe(item, context)
        if isinstance(told, Again):
            return told
        found, dropped = bounded(told)
    except (Exception, SystemExit) as error:
        counts.add("probe_errors")
        return bounded(Measured(unknown("probe_error"), detail=_fault(error)))[0]
    counts.add("undeclared_values", dropped)
    return found


def observe(
    item: PlanItem, found: Measured, *, at_ms: int, mono_ms: int, took_ms: int, task_id: str | None = None
) -> Observation:
    """The observation of a run that began at `at_ms` and `mono_ms`. Its place in a batch is not known yet: i = 0."""
    return Observation(
        i=0,
        probe=item.probe,
        subject=item.subject,
        target=item.target,
        at_ms=at_ms,
        mono_ms=mono_ms,
        took_ms=max(0, min(took_ms, 2**31)),
        outcome=found.result.outcome,
        reason=found.result.reason,
        values=found.values,
        phases=found.phases,
        detail=found.detail,
        task_id=task_id,
    )


def _fault(error: BaseException) -> dict[str, Scalar]:
    """What went wrong and where, without a local variable: it may hold what nobody should read."""
    place = traceback.extract_tb(error.__traceback__)[-1:]
    where = f"{Path(place[0].filename).name}:{place[0].lineno}" if place else ""
    return {"error": f"{type(error).__name__}: {error}", "where": where}
