"""Lines told apart: which carries a centre's traffic, how fast they are against their contracts, which norms they meet.

Speeds in bit/s, shares from 0 to 1. A line without a figure says why; it is never a zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

NEVER_TESTED: Final = "never_tested"
"""Why a line has no figure: no test of it is on record in the span asked for."""

NO_CONTRACT: Final = "no_contract"
"""Why a line has no share: the inventory does not say what was contracted."""

Met = Literal["met", "not_met", "unknown"]


@dataclass(frozen=True, slots=True)
class Carrying:
    """The line by which the agent of a centre speaks to the collector, told by the address it speaks from.

    `line` is the key of its subject, None where no line of the centre declares that address. `backup`: it is not the
    line that leads the centre, and that one carried the traffic before. `since_ms`: when it began to.
    """

    line: str | None
    address: str
    since_ms: int
    backup: bool = False


@dataclass(frozen=True, slots=True)
class Spread:
    """Valid tests in one direction: their median, the lowest and the highest."""

    median_bps: float
    low_bps: float
    high_bps: float


@dataclass(frozen=True, slots=True)
class Use:
    """95th percentile of the 5-minute use of the seven days that end with the local day `day`, by direction.

    `coverage`: the share of those samples that is there.
    """

    day: str  # 2026-11-21, in Vietnam
    receive_bps: float
    transmit_bps: float
    coverage: float


@dataclass(frozen=True, slots=True)
class LineRank:
    """One line in the ranking. `share` is the median download over the contract; None: see `why`.

    `why`: `never_tested`, `no_contract`, `not_measurable`, or the stamp that most of its invalid tests bear.
    """

    line: str
    centre: str
    kind: str
    carrier: str
    contract_bps: float | None
    download: Spread | None = None
    upload: Spread | None = None
    share: float | None = None
    below: bool = False  # the share is under what policy asks for
    valid: int = 0
    invalid: Mapping[str, int] = field(default_factory=dict)  # by stamp
    tested_ms: int | None = None  # the newest valid test in the span
    use: Use | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class CarrierRank:
    """The lines of one carrier together; the shares are of its lines that have one."""

    carrier: str
    lines: int
    rated: int
    below: int
    median_share: float | None

    @property
    def below_share(self) -> float | None:
        """Of the lines that have a share, how many are below what is due; None where none has."""
        return self.below / self.rated if self.rated else None


@dataclass(frozen=True, slots=True)
class Ranking:
    """All lines over [from_ms, to_ms), worst share first, those without a share last; carriers the same way.

    `contract_share` is the share of the contract that is due by the policy in force at the end of the span.
    """

    from_ms: int
    to_ms: int
    contract_share: float
    lines: tuple[LineRank, ...]
    carriers: tuple[CarrierRank, ...]


@dataclass(frozen=True, slots=True)
class Unproved:
    """A line of which nothing proved lately that it works. `proved_ms` None: nothing on record ever did.

    `why`: `not_measurable`, or empty where it is to be measured and was not seen to work.
    """

    line: str
    centre: str
    kind: str
    carrier: str
    proved_ms: int | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class NormCheck:
    """A norm that applies to a line today, and whether the figure at hand meets it.

    `value` None: there is no figure, or none that may be compared; `why` says which. `confidence` is how sure we are
    of the norm itself: what is not `confirmed` decides nothing.
    """

    id: str
    name_vi: str
    name_en: str
    from_day: str
    limit: float
    unit: str  # of collector/inventory/schema.py UNITS
    sense: Literal["at_most", "at_least", "equal"]
    basis: str
    confidence: str
    met: Met
    value: float | None = None
    span_days: int = 0  # what the value was taken over; 0: it is no measurement
    why: str = ""
    note: str = ""
