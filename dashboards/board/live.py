"""Parts that live: asked for again every few seconds, answered with 304 while nothing changed, made once for all."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Final, Literal

from litestar import Response
from markupsafe import Markup

from collector.api import Reader
from dashboards.board.render import Part, Renderer
from dashboards.board.tiles import HEADER
from dashboards.board.visit import Ask, Visit, answer, etag, not_modified, preferences, unchanged
from wire.clock import Clock

PARTS_KEPT: Final = 32
MINUTE_MS: Final = 60_000
CHART_PLACE: Final = "<!--chart-->"
ASKED: Final = frozenset({
    "q", "view", "wall", "before", "state", "page", "only", "area", "group", "range", "charts", "carrier", "kind",
    "owner", "team", "stage", "code",
})  # fmt: skip

Shown = Literal["chart", "figures", "all"]
"""Of a chart: curves without the tables of their figures, one of the tables, or everything at once."""

_SHOWN: Final[Mapping[str, Shown]] = {"chart": "chart", "figures": "figures"}  # by `?part=`

Chart = Callable[[Shown], str]
"""Makes HTML that stands outside the live part and is not refreshed with it."""


class Live:
    """Answers for pages whose content follows `Reader.revision()`."""

    def __init__(
        self,
        reader: Reader,
        render: Renderer,
        build: str,
        *,
        clock: Clock,
        settle_ms: int,
        beside: Callable[[], str] = str,
    ) -> None:
        """`beside`: the revision of what else pages tell of, as text."""
        self._reader, self._render, self._build, self._beside = reader, render, build, beside
        self._clock, self._settle_ms = clock, settle_ms
        self._revision, self._asked_ms = "", -settle_ms - 1
        self._kept: OrderedDict[str, Part] = OrderedDict()
        self._lock = Lock()

    def page(
        self,
        request: Ask,
        seen: Visit,
        make: Callable[[], Part],
        *,
        here: str,
        chart: Chart | None = None,
        map: bool = False,  # noqa: A002 - the word of the page
        frame: str = "page.html",
    ) -> Response[bytes]:
        """The page, or only a part of it; `make` is called where nobody has made it yet.

        `here` marks the page in the menu. A page answers before it draws: its chart comes after it, by `?part=chart`, a
        table of its figures by `?part=figures&of=0` when it is opened, and all of it at once by `?charts=all`.
        `frame` is the template around the part.
        """
        part_tag = self.tag(seen)
        if seen.part == "live":
            return self._live(request, seen, make, part_tag)
        if chart is not None and (shown := _SHOWN.get(seen.part)) is not None:
            return _drawn(request, etag(part_tag, shown, seen.of), chart, shown)
        page_tag = etag(part_tag, seen.theme, sorted(seen.query.items()))
        response = not_modified(page_tag) if unchanged(request, page_tag) else None
        if response is None:
            part = self._part(part_tag, make)
            drawn = chart("all") if chart is not None and seen.query.get("charts") == "all" else ""
            values = {**self._values(part, part_tag, drawn), "here": here, "chart": chart is not None, "map": map}
            response = answer(request, self._render(frame, seen, values), tag=page_tag)
        for chosen in preferences(seen):
            response.set_cookie(chosen)
        return response

    def _live(self, request: Ask, seen: Visit, make: Callable[[], Part], tag: str) -> Response[bytes]:
        if unchanged(request, tag):
            return not_modified(tag)
        values = self._values(self._part(tag, make), tag, held=request.headers.get(HEADER))
        return answer(request, self._render("live.html", seen, values), tag=tag)

    def _values(self, part: Part, tag: str, chart: str = "", held: str | None = None) -> dict[str, object]:
        drawn = part.drawn.put(part.html, held)
        html = Markup(drawn.replace(CHART_PLACE, chart) if chart else drawn)  # noqa: S704 - both come from autoescaping templates
        return {"part": html, "title": part.title, "tag": tag, "now_ms": self._reader.now_ms()}

    def _settled_revision(self) -> str:
        """The revision, asked for at most every `settle_ms`: under load it changes with every batch, and readers who
        come in the same second are to share one page."""
        now_ms = self._clock.mono_ms()
        with self._lock:
            if now_ms - self._asked_ms > self._settle_ms:
                self._revision, self._asked_ms = f"{self._reader.revision()}/{self._beside()}", now_ms
            return self._revision

    def tag(self, seen: Visit) -> str:
        """Everything a live part depends on. The minute, because it says how long ago things were."""
        minute = self._reader.now_ms() // MINUTE_MS
        query = sorted((key, value) for key, value in seen.query.items() if key in ASKED)
        who = None if seen.actor is None else (seen.actor.name, seen.actor.csrf)
        return etag(self._build, self._settled_revision(), minute, seen.path, query, seen.words.lang, seen.base, who)

    def _part(self, tag: str, make: Callable[[], Part]) -> Part:
        with self._lock:
            part = self._kept.get(tag)
        if part is None:
            part = make()
            with self._lock:
                self._kept[tag] = part
                while len(self._kept) > PARTS_KEPT:
                    self._kept.popitem(last=False)
        return part


def _drawn(request: Ask, tag: str, chart: Chart, shown: Shown) -> Response[bytes]:
    return not_modified(tag) if unchanged(request, tag) else answer(request, chart(shown), tag=tag)
