"""Who sees a shared system how, in sentences, and whether the province sees the same. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from collector.api import STATES, State, SystemInfo, SystemView
from dashboards.board.words import Words

Side = Literal["same", "well", "blind"]
"""What the province's own rooms see of a system that is ill: the same, nothing of it, or nobody looks from there."""

_SAID: Final[tuple[State, ...]] = ("ok", "degraded", "down", "unknown")


def system_name(info: SystemInfo, words: Words) -> str:
    """Its name in the reader's language; its id where the inventory has none any more."""
    return (info.name_en if words.lang == "en" else info.name_vi) or info.name_vi or info.id


def system_names(systems: Sequence[SystemInfo], words: Words) -> dict[str, str]:
    """Id → name, of all of them."""
    return {info.id: system_name(info, words) for info in systems}


def state_of(view: SystemView) -> State:
    """What holds for all; unknown until it was judged for all."""
    return view.shared.state if view.shared is not None else "unknown"


def ill(state: State) -> bool:
    return state in {"degraded", "down"}


def side_of(view: SystemView) -> Side:
    """How the province's own rooms see it beside the centres."""
    seen = {held.state for held in view.rooms.values()} - {"unknown"}
    if any(ill(state) for state in seen):
        return "same"
    return "well" if seen else "blind"


def extent(view: SystemView, words: Words) -> str:
    """slow for 87 of 99 centres; only how it stands where no centre measures it."""
    state = state_of(view)
    count = view.ill if ill(state) else view.counts.get(state, 0)
    if not view.total:
        return words(f"systems.only_{state}")
    if ill(state):
        return words(f"systems.at_{state}", ill=count, total=view.total)
    if state == "ok" and view.ill:
        return words("systems.at_few", count=view.ill, total=view.total)
    return words(f"systems.at_{state}", count=view.total)


def verdict(view: SystemView, words: Words) -> str:
    """Whose it is, as far as two points of view tell; nothing where it is well."""
    return words(f"systems.side_{side_of(view)}") if ill(state_of(view)) else ""


def sentence(view: SystemView, words: Words) -> str:
    """Slow for 87 of 99 centres, and from the province too: theirs."""
    return ", ".join(part for part in (extent(view, words), verdict(view, words)) if part)


def systems_title(views: Sequence[SystemView], names: Mapping[str, str], words: Words) -> str:
    """The answer on top of the page. One that is ill is told whole, several are counted."""
    if not views:
        return words("systems.none")
    counts = {state: sum(1 for view in views if state_of(view) == state) for state in STATES}
    bad = [view for view in views if ill(state_of(view))]
    if counts["ok"] == len(views):
        return words("systems.all_ok", count=len(views))
    parts = [words("systems.title_ok", count=counts["ok"])] if counts["ok"] else []
    if len(bad) == 1:
        parts.append(words("systems.one", name=names.get(bad[0].id, bad[0].id), what=sentence(bad[0], words)))
    else:
        parts += [words(f"systems.title_{state}", count=counts[state]) for state in _SAID[1:3] if counts[state]]
    if counts["unknown"]:
        parts.append(words("systems.title_unknown", count=counts["unknown"]))
    return ", ".join(parts)
