"""Tests of a line's speed in words: figures with their uncertainty, the share of the contract, why one does not count.

Pure. A figure that is not there is `MISSING`, never a zero.
"""

from __future__ import annotations

from typing import Final

from collector.api import DIRECTIONS, LineInfo, Reader, SpeedTest, Way
from dashboards.board.numbers import MISSING, NBSP, number, percent, rate_unit, seconds
from dashboards.board.words import Lang, Words

DUE: Final = "bandwidth.contract_share"
SPARE: Final = "bandwidth.spare_period_s"
MOST: Final = "bandwidth.test_bytes"


def thresholds(reader: Reader) -> dict[str, float]:
    """What the policy in force says of lines, by the key of the threshold; empty before any policy."""
    newest = reader.policies(1)
    return {threshold.key: threshold.value for threshold in newest[0].thresholds} if newest else {}


def figure(way: Way, lang: Lang) -> str:
    """94 ± 2 Mb/s: as many decimals as the uncertainty bears."""
    if way.bps is None:
        return MISSING
    unit, factor = rate_unit(way.bps)
    speed = way.bps / factor
    if way.low_bps is None or way.high_bps is None:
        return f"{number(speed, 1 if abs(speed) < 100 else 0, lang)}{NBSP}{unit}"
    half = max(way.high_bps - way.bps, way.bps - way.low_bps) / factor
    digits = 0 if half >= 0.95 else 1 if half >= 0.095 else 2
    least = 10.0**-digits
    return f"{number(speed, digits, lang)}{NBSP}±{NBSP}{number(max(half, least), digits, lang)}{NBSP}{unit}"


def share(test: SpeedTest | None, contract_bps: float | None) -> float | None:
    """The download as a share of the contracted speed; None where either is not known."""
    down = None if test is None else test.way("download").bps
    return down / contract_bps if down is not None and contract_bps else None


def sentence(test: SpeedTest, line: LineInfo | None, words: Words) -> str:
    """94 ± 2 Mb/s down, 91 ± 3 Mb/s up; 91 % of the contract; latency 12 ms idle, 180 ms under load."""
    if not test.measured:
        return words("speed.without", why=words.reason(test.reason) or words("none_missing"))
    said = [words(f"speed.{way}_is", speed=figure(test.way(way), words.lang)) for way in DIRECTIONS if way in test.ways]
    parts = [", ".join(said)]
    held = share(test, line.contract_bps if line else None)
    if held is not None:
        parts.append(words("speed.of_contract", share=percent(held, words.lang)))
    if delay := latency(test, words):
        parts.append(delay)
    return "; ".join(parts)


def latency(test: SpeedTest, words: Words) -> str:
    """How long the line takes to answer when it is idle and, at worst, when it is full; empty: neither is known."""
    parts = [] if test.idle_rtt_s is None else [words("speed.idle", rtt=seconds(test.idle_rtt_s, words.lang))]
    loaded = [way.loaded_rtt_s for way in test.ways.values() if way.loaded_rtt_s is not None]
    if loaded:
        parts.append(words("speed.loaded", rtt=seconds(max(loaded), words.lang)))
    return words("speed.latency", parts=", ".join(parts)) if parts else ""


def stamp_words(test: SpeedTest, words: Words) -> str:
    """Whether it counts, and if not why."""
    if test.outcome == "ok":
        return words("speed.valid")
    return words("speed.invalid" if test.measured else "speed.skipped" if test.outcome == "unknown" else "speed.failed")


def rpm(way: Way, lang: Lang) -> str:
    """Round trips a minute under load."""
    held = way.responsiveness_hz
    return MISSING if held is None else f"{number(60 * held, 0, lang)}{NBSP}RPM"
