"""The facts of the page of all lines: below their contracts first, by carrier, and what is not proved or measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from threading import Lock
from typing import Final, Literal, get_args

from collector.api import (
    STATES,
    CarrierRank,
    Centre,
    LineInfo,
    LineRank,
    Overview,
    Place,
    Ranking,
    Reader,
    Standing,
    State,
    Unproved,
)
from dashboards.board.areas import Area, areas_of
from dashboards.board.lines_asked import AskedLines
from dashboards.board.names import centre_name
from dashboards.board.order import Key, collation_key, fold, short_name
from dashboards.board.sentences import fault_words
from dashboards.board.speed import SPARE, thresholds
from dashboards.board.words import Words

PAGE_ROWS: Final = 100
DAY_MS: Final = 86_400_000
RANKED_DAYS: Final = 30
KEPT_MS: Final = 60_000  # a line is tested a few times a day: its rank need not be taken every second
WEEK_S: Final = 7 * 86_400.0

Group = Literal["below", "down", "full", "ill", "unmeasured", "untested", "fine"]
GROUPS: Final[tuple[Group, ...]] = get_args(Group)
"""In the order of the page. A line that several of these say something of stands under the first."""

_RANK: Final = {group: place for place, group in enumerate(GROUPS)}


@dataclass(frozen=True, slots=True)
class Row:
    """One line. `text` is why it stands where it stands; `unproved` None: it was proved to work lately."""

    rank: LineRank
    circuit: str
    name: str
    place: str
    area: str
    group: Group
    state: State
    text: str
    carries: bool
    unproved: Unproved | None
    find: str
    order: tuple[int, float, Key, str]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a row is made of: where none of it is another, the row is not made again."""

    rank: LineRank
    centre: Centre
    standing: Standing | None
    unproved: Unproved | None
    info: LineInfo | None
    area: str
    carries: bool


@dataclass(frozen=True, slots=True)
class Whole:
    """All lines at one moment, in the order of the page."""

    rows: list[Row]
    counts: Mapping[Group, int]
    unproved: int
    ranking: Ranking
    areas: list[Area]
    kinds: list[str]


@dataclass(frozen=True, slots=True)
class LinesPage:
    title: str
    rows: list[Row]
    found: list[Row]  # all that were asked for, of which `rows` are one page
    whole: Whole
    carriers: list[CarrierRank]
    areas: list[Area]
    kinds: list[str]
    asked: AskedLines
    pages: int
    as_of_ms: int | None
    now_ms: int

    @property
    def total(self) -> int:
        return len(self.whole.rows)


class LinesPages:
    """Looks at all lines, and keeps for a minute what takes long: the ranking, and what is not proved."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._lock = Lock()
        self._taken_ms: int | None = None
        self._ranking = Ranking(0, 0, 0.0, (), ())
        self._unproved: Mapping[str, Unproved] = {}
        self._books: dict[str, Book] = {}

    def look(self, words: Words, asked: AskedLines) -> LinesPage:
        """The page that was asked for."""
        reader, now_ms = self._reader, self._reader.now_ms()
        seen = reader.overview()
        whole = self._whole(seen, words, now_ms)
        found = whole.rows
        if asked.narrowed:
            found = [row for row in found if asked.wants(row.rank, row.area, row.group, row.unproved, row.find)]
        pages = max(1, -(-len(found) // PAGE_ROWS))
        page = min(asked.page, pages)
        return LinesPage(
            title=title(whole, words),
            rows=found[(page - 1) * PAGE_ROWS : page * PAGE_ROWS],
            found=found,
            whole=whole,
            carriers=list(whole.ranking.carriers),
            areas=whole.areas,
            kinds=whole.kinds,
            asked=asked if asked.page == page else asked.turned(page),
            pages=pages,
            as_of_ms=seen.as_of_ms,
            now_ms=now_ms,
        )

    def _whole(self, seen: Overview, words: Words, now_ms: int) -> Whole:
        with self._lock:
            self._take(now_ms)
            carrying, places, inventory = (
                self._reader.carrying(),
                self._reader.places(),
                self._reader.every_line(),
            )
            bad = {info.key: standing for info, standing in seen.troubles if info.kind == "line"}
            carrying_now = frozenset(held.line for held in carrying.values() if held.line is not None)
            fixed = (seen.centres, self._ranking, self._unproved, places, inventory)
            book = self._books.get(words.lang)
            if book is None or any(one is not other for one, other in zip(book.fixed, fixed, strict=True)):
                book = self._books[words.lang] = self._book(fixed, seen.centres, places, inventory, book)
            return book.turn(bad, carrying_now, words)

    def _take(self, now_ms: int) -> None:
        """Rank anew where the ranking is older than it may be."""
        if self._taken_ms is not None and 0 <= now_ms - self._taken_ms < KEPT_MS:
            return
        within_s = thresholds(self._reader).get(SPARE, WEEK_S)
        self._ranking = self._reader.ranking(now_ms - RANKED_DAYS * DAY_MS, now_ms)
        self._unproved = {one.line: one for one in self._reader.unproved(round(within_s * 1000))}
        self._taken_ms = now_ms

    def _book(
        self,
        fixed: tuple[object, ...],
        centres: Mapping[str, Centre],
        places: Mapping[str, Place],
        inventory: Mapping[str, Sequence[LineInfo]],
        before: Book | None,
    ) -> Book:
        known = {one.key: one for some in inventory.values() for one in some}
        parts = {
            rank.line: Parts(
                rank=rank,
                centre=centres[rank.centre],
                standing=None,
                unproved=self._unproved.get(rank.line),
                info=known.get(rank.line),
                area=places[rank.centre].area if rank.centre in places else "",
                carries=False,
            )
            for rank in self._ranking.lines
            if rank.centre in centres  # else out of service
        }
        return Book(fixed, self._ranking, parts, {} if before is None else before.made)


class Book:
    """Every line in one language. A flip turns the row of one line; the others are not made again."""

    def __init__(
        self,
        fixed: tuple[object, ...],
        ranking: Ranking,
        parts: Mapping[str, Parts],
        made: dict[str, tuple[Parts, Row]],
    ) -> None:
        self.fixed = fixed  # what all rows hang on, each by its identity
        self.made = {key: held for key, held in made.items() if key in parts}
        self._ranking, self._parts = ranking, parts
        self._bad: Mapping[str, Standing] = {}
        self._carrying: frozenset[str] = frozenset()
        self._whole: Whole | None = None

    def turn(self, bad: Mapping[str, Standing], carrying: frozenset[str], words: Words) -> Whole:
        """All lines where these are not well and those carry the traffic of their centres."""
        changed: Iterable[str] = self._parts
        if self._whole is not None:
            turned = {key for key in bad.keys() | self._bad.keys() if bad.get(key) is not self._bad.get(key)}
            changed = (turned | (carrying ^ self._carrying)) & self._parts.keys()
        if self._whole is None or changed:
            self._remake(changed, bad, carrying, words)
            self._whole = self._bind(words)
        self._bad, self._carrying = bad, carrying
        return self._whole

    def _remake(self, keys: Iterable[str], bad: Mapping[str, Standing], carrying: frozenset[str], words: Words) -> None:
        for key in keys:
            parts = replace(self._parts[key], standing=bad.get(key), carries=key in carrying)
            if (held := self.made.get(key)) is None or held[0] != parts:
                self.made[key] = parts, _row(parts, words)

    def _bind(self, words: Words) -> Whole:
        ordered = sorted((row for _, row in self.made.values()), key=attrgetter("order"))
        # Kept in the order of the page: what is nearly sorted is sorted soon.
        self.made = {row.rank.line: self.made[row.rank.line] for row in ordered}
        return Whole(
            rows=ordered,
            counts=dict(Counter(row.group for row in ordered)),
            unproved=sum(1 for row in ordered if row.unproved is not None and not row.unproved.why),
            ranking=self._ranking,
            areas=areas_of(((row.area, row.place, row.state) for row in ordered), words),
            kinds=sorted({row.rank.kind for row in ordered}),
        )


def _row(parts: Parts, words: Words) -> Row:
    rank, standing = parts.rank, parts.standing
    name, place = line_name(rank, words), centre_name(parts.centre, words)
    group = _group(rank, standing)
    circuit = parts.info.circuit if parts.info else ""
    state: State = "ok" if standing is None else standing.state
    text = fault_words(standing, words) if standing is not None and standing.reason != "never_measured" else ""
    if not text and rank.share is None and rank.why:
        text = why_words(rank.why, words)
    worst = rank.share if rank.share is not None else float(STATES.index(state))
    return Row(
        rank=rank,
        circuit=circuit,
        name=name,
        place=place,
        area=parts.area,
        group=group,
        state=state,
        text=text,
        carries=parts.carries,
        unproved=parts.unproved,
        find=fold(f"{place} {rank.line.removeprefix('line:')} {circuit} {name}"),
        order=(_RANK[group], worst, collation_key(short_name(place)), rank.line),
    )


def _group(rank: LineRank, standing: Standing | None) -> Group:
    if rank.why == "not_measurable" or (standing is not None and standing.reason == "not_measurable"):
        return "unmeasured"
    if rank.below or (standing is not None and standing.reason == "below_contract"):
        return "below"
    if standing is not None and standing.state in {"down", "degraded"}:
        return "down" if standing.state == "down" else "full" if standing.reason == "line_full" else "ill"
    return "fine" if rank.valid else "untested"


def line_name(rank: LineRank, words: Words) -> str:
    """B · Internet VNPT: the letter tells a centre's lines apart."""
    letter = rank.line.rpartition("/")[2].upper()
    return words(
        "linelist.name", letter=letter, kind=words.declared("linekind", rank.kind), carrier=rank.carrier.upper()
    )


def why_words(why: str, words: Words) -> str:
    """Why a line has no share of its contract."""
    return words.texts.get(f"linelist.why_{why}") or words.reason(why)


def title(whole: Whole, words: Words) -> str:
    """The answer: how many are below their contracts, and what else is not well."""
    if not whole.rows:
        return words("linelist.title_none")
    counts, rated = whole.counts, sum(1 for row in whole.rows if row.rank.share is not None)
    below = counts.get("below", 0)
    key = "title_below" if below else "title_well" if rated else "title_unrated"
    first = words(f"linelist.{key}", count=below, total=len(whole.rows), rated=rated)
    rest = [words(f"linelist.then_{group}", count=counts[group]) for group in ("down", "full") if counts.get(group)]
    return ", ".join([first, *rest])
