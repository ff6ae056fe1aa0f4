"""The board's tables, each made of what the reader knows, not of what a page has room for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from collector.api import AgentInfo, Centre, Reader, Standing, StoredObservation
from dashboards.board import centre, fleet, province, subject
from dashboards.board.asked import Asked
from dashboards.board.figures import headline
from dashboards.board.names import centre_name, subject_name
from dashboards.board.tables import Cell, Column, Table
from dashboards.board.words import Words

FLIPS_TAKEN: Final = 5_000
OBSERVATIONS_TAKEN: Final = 1_000

_CENTRES: Final = (
    Column("centre"), Column("name"), Column("state", "state"), Column("reason", "reason"), Column("why"),
    Column("since", "time"), Column("as_of", "time"),
)  # fmt: skip
_LINES: Final = (
    Column("subject"), Column("name"), Column("state", "state"), Column("reason", "reason"), Column("since", "time"),
    Column("target", "target"), Column("loss_ratio", "number"), Column("loss_low_ratio", "number"),
    Column("loss_high_ratio", "number"), Column("rtt_s", "number"), Column("jitter_s", "number"), Column("at", "time"),
    Column("observation"),
)  # fmt: skip
_OBSERVATIONS: Final = (
    Column("observation"), Column("at", "time"), Column("received", "time"), Column("subject"), Column("name"),
    Column("probe", "probe"), Column("target", "target"), Column("outcome", "outcome"), Column("reason", "reason"),
    Column("figures"), Column("took_s", "number"), Column("clock_unsure"),
)  # fmt: skip
_FLIPS: Final = (
    Column("seq", "number"), Column("subject"), Column("at", "time"), Column("from", "state"), Column("to", "state"),
    Column("reason", "reason"), Column("recorded", "time"), Column("supersedes", "number"), Column("policy", "number"),
    Column("evidence"),
)  # fmt: skip
_AGENTS: Final = (
    Column("agent"), Column("name"), Column("role", "role"), Column("centre"), Column("centre_name"),
    Column("enrolled", "time"), Column("heard", "time"), Column("silent"), Column("revoked", "time"),
    Column("skew_s", "number"), Column("conditions"), Column("version"), Column("plan", "number"),
)  # fmt: skip
_LEDGER: Final = (
    Column("day"), Column("agent"), Column("name"),
    *(Column(name, "number") for name in ("batches", "duplicates", "conflicts", "accepted", "rejected", "quarantined")),
)  # fmt: skip
_FLEET: Final = (
    Column("status"), Column("centre"), Column("centre_name"), Column("role", "role"), Column("agent"), Column("name"),
    Column("detail"), Column("since", "time"), Column("version"),
)  # fmt: skip
_VALUES: Final = (Column("metric"), Column("name"), Column("of"), Column("value", "number"))


def centres(provinces: province.Provinces, reader: Reader, words: Words, asked: Asked) -> Table:
    """All centres that were asked for, not only one page of them."""
    found, standings = provinces.look(words, asked), reader.standings()
    rows = [_centre(tile, standings.get(f"centre:{tile.key}")) for tile in found.tiles]
    return Table("centres", _CENTRES, rows, found.as_of_ms)


def _centre(tile: province.Tile, held: Standing | None) -> tuple[Cell, ...]:
    if held is None:
        return tile.key, tile.title, tile.state, None, tile.text, None, None
    return tile.key, tile.title, tile.state, held.reason, tile.text, held.since_ms, held.as_of_ms


def lines(page: centre.CentrePage) -> Table:
    """Lines and networks of a centre, a row for every target."""
    rows = []
    for row in page.links:
        held, reach, last = row.standing, row.reach, row.last
        figures = (reach.loss, reach.loss_low, reach.loss_high, reach.rtt_s, reach.jitter_s) if reach else (None,) * 5
        stands = (held.state, held.reason, held.since_ms) if held else (None, None, None)
        seen = (last.at_ms, last.id) if last else (None, None)
        rows.append((row.info.key, row.name, *stands, row.target, *figures, *seen))
    return Table("lines", _LINES, rows, page.as_of_ms)


def observations(stored: Sequence[StoredObservation], names: Mapping[str, str], words: Words) -> Table:
    """Observations, newest first."""
    rows = [_observation(one, names, words) for one in stored[:OBSERVATIONS_TAKEN]]
    return Table("observations", _OBSERVATIONS, rows, max((one.at_ms for one in stored), default=None))


def _observation(one: StoredObservation, names: Mapping[str, str], words: Words) -> tuple[Cell, ...]:
    o = one.observation
    return (
        one.id, one.at_ms, one.received_ms, o.subject, names.get(o.subject, o.subject), o.probe, o.target, o.outcome,
        o.reason, headline(one, words), o.took_ms / 1000, one.clock_unsure,
    )  # fmt: skip


def observations_of(reader: Reader, key: str, words: Words, before_ms: int | None) -> Table:
    """Observations of one subject, from the bodies still kept. Raises NotFound."""
    page = subject.look(reader, key, before_ms)
    until = reader.now_ms() + 1 if before_ms is None else before_ms
    places = {page.centre.key: page.centre} if page.centre else {}
    found = reader.observations(key, until, OBSERVATIONS_TAKEN)
    return observations(found, {key: subject_name(page.info, words, places)}, words)


def flips(reader: Reader, key: str) -> Table:
    """Every change of a subject as it was recorded, revised and retracted ones too. Raises NotFound."""
    subject.look(reader, key)
    rows = [
        (f.seq, f.subject, f.at_ms, f.from_state, f.to or "retracted", f.reason, f.recorded_ms, f.supersedes,
         f.policy_version, " ".join(f.evidence))
        for f in reader.flips_of(key, FLIPS_TAKEN)
    ]  # fmt: skip
    return Table("flips", _FLIPS, rows, reader.now_ms())


def agents(reader: Reader, words: Words) -> Table:
    """Every agent that was ever enrolled."""
    places = {place.key: place for place in reader.centres()}
    rows = [_agent(one, places, words) for one in reader.agents()]
    return Table("agents", _AGENTS, rows, reader.now_ms())


def _agent(one: AgentInfo, places: Mapping[str, Centre], words: Words) -> tuple[Cell, ...]:
    return (
        one.id, one.name, one.role, one.centre, _place(one.centre, places, words), one.enrolled_ms, one.last_heard_ms,
        one.silent, one.revoked_ms, None if one.skew_ms is None else one.skew_ms / 1000,
        "; ".join(words.reason(name) for name in one.conditions), one.version, one.plan_version,
    )  # fmt: skip


def ledger(reader: Reader) -> Table:
    """What came in, by agent and day."""
    names = {one.id: one.name for one in reader.agents()}
    health = reader.health()
    rows = [
        (r.day, r.agent, names.get(r.agent), r.batches, r.duplicates, r.conflicts, r.accepted, r.rejected,
         r.quarantined)
        for r in health.ledger
    ]  # fmt: skip
    return Table("ledger", _LEDGER, rows, health.now_ms)


def arrived(page: fleet.FleetPage, words: Words) -> Table:
    """What was expected and did not arrive as it should, and all that did."""
    rows = [
        (words(f"fleet.is_{row.status}"), row.centre, row.place, row.role, row.agent, row.name, row.detail,
         row.since_ms, row.version)
        for row in page.rows
    ]  # fmt: skip
    return Table("fleet", _FLEET, rows, page.now_ms)


def values(stored: StoredObservation, words: Words) -> Table:
    """The numbers of one observation, in base units."""
    rows = [(v.metric, words.declared("metric", v.metric), v.of, v.value) for v in stored.observation.values]
    return Table("values", _VALUES, rows, stored.at_ms)


def _place(key: str, places: Mapping[str, Centre], words: Words) -> str:
    return centre_name(places[key], words) if key in places else key
