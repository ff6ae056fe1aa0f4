"""Verdicts and incidents as messages are about, for tests of dispatch and delivery."""

from __future__ import annotations

from typing import Final

from alerts.api import Incident, Owner, Said, Verdict

NOW_MS: Final = 1_795_420_800_000  # 2026-11-23 15:00 in Vietnam, a Monday


def verdict(
    cause: str = "line:07210-1/a",
    *,
    owner: Owner = "line",
    subjects: tuple[str, ...] = (),
    centres: tuple[str, ...] = ("07210-1",),
    visit: bool = True,
) -> Verdict:
    return Verdict(
        cause=cause, rule="line", owner=owner, state="down", since_ms=NOW_MS - 60_000, ended_ms=None,
        subjects=subjects or (cause,), centres=centres, said=Said("message.since", {"since_ms": NOW_MS - 60_000}),
        evidence=(), confidence="certain", visit=visit,
    )  # fmt: skip


def incident(said: Verdict | None = None, *, key: str = "01J0000000000000000000000A", number: int = 7) -> Incident:
    about = said or verdict()
    return Incident(
        id=key, number=number, verdict=about, stage="open", since_ms=about.since_ms, ended_ms=None, opened_ms=NOW_MS,
        closed_ms=None,
    )  # fmt: skip
