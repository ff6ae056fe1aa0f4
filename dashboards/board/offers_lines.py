"""The tables of lines, each made of what the reader knows, not of what a page has room for."""

from __future__ import annotations

from typing import Final

from collector.api import DIRECTIONS, NotFound, Reader, SpeedTest
from dashboards.board.lines import LinesPage
from dashboards.board.speed import share, stamp_words
from dashboards.board.tables import Cell, Column, Table
from dashboards.board.words import Words

TESTS_TAKEN: Final = 1_000

_WAY: Final = ("bps", "low_bps", "high_bps", "loaded_rtt_s", "rpm", "took_s", "streams")
_TESTS: Final = (
    Column("observation"), Column("at", "time"), Column("stamp"), Column("outcome", "outcome"),
    Column("reason", "reason"), *(Column(f"{way}_{name}", "number") for way in DIRECTIONS for name in _WAY),
    Column("idle_rtt_s", "number"), Column("contract_share", "number"), Column("moved_bytes", "number"),
    Column("cpu_ratio", "number"), Column("asked"),
)  # fmt: skip
_LINES: Final = (
    Column("subject"), Column("centre"), Column("centre_name"), Column("area"), Column("kind"), Column("carrier"),
    Column("circuit"), Column("group"), Column("state", "state"), Column("why"), Column("contract_bps", "number"),
    Column("contract_share", "number"), Column("download_bps", "number"), Column("download_low_bps", "number"),
    Column("download_high_bps", "number"), Column("upload_bps", "number"), Column("valid_tests", "number"),
    Column("invalid_tests", "number"), Column("tested", "time"), Column("receive_p95_bps", "number"),
    Column("transmit_p95_bps", "number"), Column("use_coverage", "number"), Column("carries"), Column("proved", "time"),
)  # fmt: skip
_CARRIERS: Final = (
    Column("carrier"), *(Column(name, "number") for name in ("lines", "rated", "below", "below_share", "median_share"))
)  # fmt: skip


def tests(reader: Reader, line: str, words: Words) -> Table:
    """Every test of a line that is kept, newest first. Raises NotFound."""
    info = next((info for info in reader.subjects() if info.key == line), None)
    if info is None:
        raise NotFound(line)
    contracted = [one for one in reader.lines(info.centre) if one.key == line]
    contract = contracted[0].contract_bps if contracted else None
    found = reader.tests(line, reader.now_ms() + 1, TESTS_TAKEN)
    rows = [_test(test, contract, words) for test in found]
    return Table("tests", _TESTS, rows, found[0].at_ms if found else None)


def _test(test: SpeedTest, contract_bps: float | None, words: Words) -> tuple[Cell, ...]:
    ways: list[Cell] = []
    for direction in DIRECTIONS:
        way = test.way(direction)
        rpm = None if way.responsiveness_hz is None else 60 * way.responsiveness_hz
        ways += [way.bps, way.low_bps, way.high_bps, way.loaded_rtt_s, rpm, way.took_s, way.streams]
    held = share(test, contract_bps) if test.outcome == "ok" else None
    return (
        test.observation, test.at_ms, stamp_words(test, words), test.outcome, test.reason, *ways, test.idle_rtt_s, held,
        test.moved_bytes, test.cpu_ratio, test.asked,
    )  # fmt: skip


def lines(page: LinesPage, words: Words) -> Table:
    """All lines that were asked for, not only one page of them."""
    rows: list[tuple[Cell, ...]] = []
    for row in page.found:
        rank = row.rank
        down = (
            (rank.download.median_bps, rank.download.low_bps, rank.download.high_bps) if rank.download else (None,) * 3
        )
        used = (rank.use.receive_bps, rank.use.transmit_bps, rank.use.coverage) if rank.use else (None,) * 3
        rows.append((
            rank.line, rank.centre, row.place, row.area, words.declared("linekind", rank.kind), rank.carrier,
            row.circuit, words(f"linelist.is_{row.group}"), row.state, row.text, rank.contract_bps, rank.share, *down,
            rank.upload.median_bps if rank.upload else None, rank.valid, sum(rank.invalid.values()), rank.tested_ms,
            *used, row.carries, row.unproved.proved_ms if row.unproved else rank.tested_ms,
        ))  # fmt: skip
    return Table("lines", _LINES, rows, page.as_of_ms)


def carriers(page: LinesPage) -> Table:
    """The lines of each carrier together."""
    rows = [(c.carrier, c.lines, c.rated, c.below, c.below_share, c.median_share) for c in page.carriers]
    return Table("carriers", _CARRIERS, rows, page.as_of_ms)
