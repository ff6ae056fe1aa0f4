"""Parts that live: asked for again every few seconds, answered with 304 while nothing changed, made once for all."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final

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
    "q", "view", "wall", "before", "state", "page", "only", "area", "group", "range", "carrier", "kind", "owner",
    "team", "stage", "code",
})  # fmt: skip


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
        chart: Callable[[], str] | None = None,
        map: bool = False,  # noqa: A002 - the word of the page
        frame: str = "page.html",
    ) -> Response[bytes]:
        """The page, or only its live part for `?part=live`; `make` is called where nobody has made it yet.

        `here` marks the page in the menu; `chart` makes HTML that stands outside the live part and is not refreshed.
        `frame` is the template around the part.
        """
        part_tag = self.tag(seen)
        if seen.live_part:
            if unchanged(request, part_tag):
                return not_modified(part_tag)
            part = self._part(part_tag, make)
            held = request.headers.get(HEADER)
            text = self._render("live.html", seen, self._values(part, part_tag, held=held))
            return answer(request, text, tag=part_tag)
        page_tag = etag(part_tag, seen.theme, sorted(seen.query.items()))
        response = not_modified(page_tag) if unchanged(request, page_tag) else None
        if response is None:
            part = self._part(part_tag, make)
            drawn = "" if chart is None else chart()
            values = {**self._values(part, part_tag, drawn), "here": here, "chart": bool(drawn), "map": map}
            response = answer(request, self._render(frame, seen, values), tag=page_tag)
        for chosen in preferences(seen):
            response.set_cookie(chosen)
        return response

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
