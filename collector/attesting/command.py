"""`motcua collector verify`: is the record what the agents signed? For province and carrier alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.progress import Progress

from collector.api import CollectorError, Reader, StoredObservation
from collector.attesting.verifying import BROKEN, Key, Proof, keys, verify
from collector.console import FAILED, NOT_FOUND, Json, end, listing, opened, say
from collector.hub import Hub
from collector.lifecycle.command import moment, when
from collector.reading.reader import HubReader
from wire import attest

PAGE: Final = 200
DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class _Verified:
    """Everything that was found of one agent."""

    key: Key
    proofs: Sequence[Proof]

    @property
    def broken(self) -> list[Proof]:
        return [proof for proof in self.proofs if proof.state in BROKEN]

    def row(self) -> tuple[object, ...]:
        """For people: who, how many attestations, batches and bodies, until when, and what is not right."""
        last = max((p.statement.to_ms for p in self.proofs if p.statement), default=None)
        said = "; ".join(dict.fromkeys(p.why for p in self.broken)) or ("good" if self.proofs else "nothing was signed")
        return (
            self.key.centre, self.key.agent, len(self.proofs), sum(p.count for p in self.proofs),
            sum(p.bodies for p in self.proofs), when(last) if last else None, said,
        )  # fmt: skip


def verify_record(
    which: Annotated[str, typer.Argument(help="an agent's id, or a centre such as 07375-1; all where left out")] = "",
    *,
    since: Annotated[str, typer.Option("--from", help="a moment; a day ago where not given")] = "",
    until: Annotated[str, typer.Option(help="a moment; now where not given")] = "",
    export: Annotated[Path | None, typer.Option(help="write what was signed, a line of JSON each, for others")] = None,
    as_json: Json = False,
) -> None:
    """Hold what lies here against what the agents signed each hour. Exit code 1 where anything is not as it was signed.

    With --export another party can verify by itself: public key, statement and signature (Ed25519) of every hour.
    """
    with opened() as hub:
        now_ms = hub.clock.wall_ms()
        span = moment(since, now_ms) if since else now_ms - DAY_MS, moment(until, now_ms) if until else now_ms
        found = _found(hub, which, span, now_ms)
    if export is not None:
        _export(export, found)
    names = ("centre", "agent", "signed", "batches", "bodies", "until", "result")
    if as_json:
        say(True, {"agents": [dict(zip(names, one.row(), strict=True)) for one in found]}, "")
    else:
        listing(False, names, [one.row() for one in found])
    if any(one.broken for one in found):
        end("the record is not what was signed", FAILED)


def _found(hub: Hub, which: str, span: tuple[int, int], now_ms: int) -> list[_Verified]:
    reader = HubReader(hub)
    with hub.store.reading() as conn:
        those = keys(conn, which)
    if not those:
        end(f"there is no agent or centre {which!r}" if which else "no agent is enrolled", NOT_FOUND)
    found: list[_Verified] = []
    try:
        with Progress(transient=True) as progress:
            for key in progress.track(those, description="verified"):
                stored = list(_attestations(reader, key, span))
                with hub.store.reading() as conn:
                    found.append(_Verified(key, verify(conn, key, stored, now_ms)))
    except CollectorError as error:
        end(str(error), FAILED)
    return found


def _attestations(reader: Reader, key: Key, span: tuple[int, int]) -> Iterator[StoredObservation]:
    """Newest first, of one agent."""
    before_ms = span[1]
    while page := reader.observations(f"agent:{key.agent}", before_ms, PAGE):
        mine = [one for one in page if one.observation.probe == attest.PROBE and one.agent == key.agent]
        yield from (one for one in mine if one.at_ms >= span[0])
        if page[-1].at_ms < span[0]:
            return
        before_ms = page[-1].at_ms


def _export(path: Path, found: Sequence[_Verified]) -> None:
    lines = [
        json.dumps({
            "agent": one.key.agent, "centre": one.key.centre, "public_key": one.key.sign,
            "statement": proof.statement.text().decode("ascii"), "signature": proof.signature, "state": proof.state,
        })
        for one in found
        for proof in one.proofs
        if proof.statement is not None
    ]  # fmt: skip
    try:
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    except OSError as error:
        end(f"{path}: cannot be written: {error.strerror}", FAILED)
