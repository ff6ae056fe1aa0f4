"""Standings into words: the answer on top of a page, the line below it, what a thing says. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from collector.api import Standing, State
from dashboards.board.looks import Look
from dashboards.board.numbers import quantity, seconds
from dashboards.board.things import Thing
from dashboards.board.times import clock, minute
from dashboards.board.words import Words

_SAID: Final[tuple[Look, ...]] = ("ok", "degraded", "down", "unknown", "planned")
NAMES_SHOWN: Final = 3
NAMES_TOLD: Final = 12  # in a message, where there is no list to open


def province_title(counts: Mapping[Look, int], words: Words, *, only: str | None = None) -> str:
    """The answer for all centres. `only` is the centre's name where there is no other."""
    present = [(state, counts.get(state, 0)) for state in _SAID if counts.get(state, 0)]
    if not present:
        return words("title.empty")
    (first, count), *others = present
    if only is not None and not others and count == 1:
        return words(f"title.only_{first}", name=only)
    if first == "ok" and not others and count > 1:
        return words("title.all_ok", count=count)
    parts = [words(f"title.first_{first}", count=count)]
    return ", ".join(parts + [words(f"title.then_{state}", count=number) for state, number in others])


def province_line(
    counts: Mapping[Look, int], things: Sequence[Thing], as_of_ms: int | None, *, now_ms: int, words: Words
) -> str:
    """Up to when, how much was measured, what needs a person."""
    needing = sum(1 for thing in things if thing.needs_person)
    theirs = sum(1 for thing in things if thing.system is not None)
    return counted_line(counts, needing, theirs, as_of_ms, now_ms=now_ms, words=words)


def counted_line(
    counts: Mapping[Look, int], needing: int, theirs: int, as_of_ms: int | None, *, now_ms: int, words: Words
) -> str:
    """The same from what is counted elsewhere: incidents, where somebody keeps them."""
    total = sum(counts.values())
    when = words("line.no_data") if as_of_ms is None else words("line.as_of", at=_until(as_of_ms, now_ms))
    waiting = counts.get("unknown", 0)
    parts = [when, words("line.measured", count=total - waiting, total=total)]
    if needing:
        parts.append(words("line.attention", count=needing))
    if theirs:
        parts.append(words("line.theirs", count=theirs))
    if waiting:
        parts.append(words("line.waiting", count=waiting))
    if not needing and not waiting and not theirs:
        parts.append(words("line.quiet"))
    return " · ".join(parts)


def _until(at_ms: int, now_ms: int) -> str:
    """To the second while it is today's, so that a stopped clock is seen."""
    return clock(at_ms) if now_ms - at_ms < 12 * 3_600_000 else minute(at_ms, now_ms)


def centre_title(standing: Standing | None, now_ms: int, words: Words) -> str:
    """What is true of one centre, and since when."""
    if standing is None or standing.reason == "never_measured":
        return words("centre.never")
    known = standing.reason in {"on_backup", "own_fault"}
    key = standing.reason if known and standing.reason is not None else standing.state
    return words(f"centre.{key}", at=minute(standing.since_ms, now_ms))


def centre_line(faults: Sequence[tuple[str, Standing]], words: Words) -> str:
    """What is not well at one centre: (name of the subject, its standing), already without consequences."""
    if not faults:
        return words("centre.all_well")
    return capital("; ".join(f"{name}: {fault_words(standing, words)}" for name, standing in faults))


def fault_words(standing: Standing, words: Words) -> str:
    """Why a subject is not well, with the figure against its limit; its state in words where no reason was given."""
    why = words.reason(standing.reason) or words(f"state.{standing.state}")
    figure = measured_words(standing.detail, words)
    return f"{why} ({figure})" if figure else why


def measured_words(detail: Mapping[str, str | float | int], words: Words) -> str:
    """The figures that the judge left with a state: a quantity or delay and its limit, or packets lost."""
    match detail:
        case {"metric": str(metric), "value": float() | int() as value, "limit": float() | int() as limit}:
            figures = {"value": quantity(metric, value, words), "limit": quantity(metric, limit, words)}
            of = str(detail.get("of") or "")
            return words("measured.quantity_of", of=of, **figures) if of else words("measured.quantity", **figures)
        case {"lost": int(lost), "sent": int(sent)}:
            return words("measured.loss", lost=lost, sent=sent)
        case {"rtt_s": float() | int() as rtt, "limit": float() | int() as limit}:
            return words("measured.rtt", value=seconds(rtt, words.lang), limit=seconds(limit, words.lang))
        case _:
            return ""


def fault_name(kind: str, state: State, words: Words) -> str:
    return words.texts.get(f"fault.{kind}_{state}") or words(f"state.{state}")


def remedy(reason: str | None, words: Words) -> str:
    """What a person can do about a reason, at that machine or from here; nothing where nobody can."""
    return words.texts.get(f"remedy.{reason}", "")


def capital(text: str) -> str:
    """The first letter large, the rest as it is."""
    return text[:1].upper() + text[1:]
