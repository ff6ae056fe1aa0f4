"""What a receipt is worth: nothing leaves before its rows are synced, and nothing receipted is lost in any cut or kill.

(a) every receipt against the syncs in a trace of the collector as it is, and of one weakened to synchronous=NORMAL,
which must fail; (b) the disk after a power cut at every unsynced point; (c) kill -9 of the collector under load;
(d) kill -9 of the agent against the promise of its spool.
"""

from __future__ import annotations

from pathlib import Path

from bench import agentkills, kills
from bench.frame import Report, main
from bench.place import scratch
from bench.receipts import Journal, broken
from bench.recording import Recording, record
from bench.survival import Outcome, cut_everywhere

CHECKPOINT = 100  # pages, in place of 2,000: the log is carried over many times within a short recording
ROLES = ("--roles", "ingest,judge")


def run(report: Report) -> None:
    batches = 15 if report.quick else 60
    with scratch("durability") as folder:
        _receipts(report, folder, batches)
        _power_cuts(report, folder, batches)
        _collector_kills(report, folder, 8 if report.quick else 200)
        _agent_kills(report, folder, 8 if report.quick else 200)


def _receipts(report: Report, folder: Path, batches: int) -> None:
    """(a), and that the same check can fail."""
    full = _recorded(folder / "full", ROLES, batches)
    weak = _recorded(folder / "weak", (*ROLES, "--synchronous", "NORMAL"), batches)
    early, caught = (broken(Journal(r.calls), r.receipts) for r in (full, weak))
    report.judge(
        "no receipt byte leaves before the fdatasync of its rows returned", "0 of all",
        f"{len(early)} of {len(full.receipts)}", holds=bool(full.receipts) and not early,
        how=f"strace of the collector, TLS bytes counted by 4 clients, {Journal(full.calls).sync_count} syncs seen",
    )  # fmt: skip
    report.judge(
        "the same check with synchronous=NORMAL fails", "it finds receipts that left too early",
        f"{len(caught)} of {len(weak.receipts)}", holds=len(caught) > 0, how="so the proof above can fail",
    )  # fmt: skip
    lost = cut_everywhere(weak, every=7)
    report.judge(
        "power cuts with synchronous=NORMAL lose receipted batches", "they do", f"{len(lost.losses)} of {lost.images}",
        holds=bool(lost.losses), how="so the proof below can fail",
    )  # fmt: skip


def _power_cuts(report: Report, folder: Path, batches: int) -> None:
    """(b)"""
    recording = _recorded(folder / "cut", (*ROLES, "--checkpoint", str(CHECKPOINT)), batches)
    outcome = cut_everywhere(recording, every=3 if report.quick else 1)
    report.keep({f"cut_{kind.replace(' ', '_')}": count for kind, count in outcome.kinds.items()})
    report.judge(
        "a power cut at every unsynced point loses nothing receipted", "0", _told(outcome),
        holds=outcome.images > 0 and outcome.receipts > 0 and not outcome.losses,
        how=f"recorded writes replayed, nothing / all / some / only the last / the last torn of the unsynced kept; log"
        f" carried over every {CHECKPOINT} pages; {'every third point' if report.quick else 'every point'}",
    )  # fmt: skip


def _told(outcome: Outcome) -> str:
    first = f", first: {outcome.losses[0].what}: {outcome.losses[0].text}" if outcome.losses else ""
    return f"{len(outcome.losses)} of {outcome.images} disks, {outcome.receipts} receipts{first}"


def _collector_kills(report: Report, folder: Path, times: int) -> None:
    """(c)"""
    (folder / "kills").mkdir()
    found = kills.run_kills(folder / "kills", times)
    report.judge(
        f"kill -9 of the collector × {times} under load", "0 lost, 0 double",
        f"{found.lost} lost, {found.double} double of {found.receipted} receipted, {found.sent_again} sent again",
        holds=found.receipted > 0 and (found.lost, found.double, found.miscounted, found.sound) == (0, 0, 0, "ok"),
        how="4 clients that repeat until they have their receipt; ledger equal to the rows; integrity_check",
    )  # fmt: skip


def _agent_kills(report: Report, folder: Path, times: int) -> None:
    """(d)"""
    (folder / "agents").mkdir()
    found = agentkills.run_kills(folder / "agents", times)
    report.judge(
        f"kill -9 of the agent × {times} while it measures", "0 lost, 0 double",
        f"{found.lost} lost, {found.double} double of {found.kept} kept at some kill; {found.stored} stored",
        holds=found.kept > 0 and (found.lost, found.double) == (0, 0),
        how=f"{agentkills.AGENTS} agents, 10 observations a second each, every one told by its two clocks",
    )  # fmt: skip


def _recorded(folder: Path, words: tuple[str, ...], batches: int) -> Recording:
    folder.mkdir()
    return record(folder, words, connections=4, batches=batches)


if __name__ == "__main__":
    main("durability", run, __doc__)
