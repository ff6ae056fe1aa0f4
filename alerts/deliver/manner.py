"""How people are told, from the section `[alerts]` of the policy in force; no threshold of it is in code."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from collector.api import Reader
from wire.readied import readied


class Manner(Struct, frozen=True, kw_only=True):
    """Seconds and counts; see `province/policy.toml`."""

    digest_messages: int
    digest_s: float
    acknowledge_s: float


def manner_of(reader: Reader) -> Manner | None:
    """From the newest policy that the collector has put on record; None before any."""
    version = next(iter(reader.policies(1)), None)
    if version is None:
        return None
    held = {one.key.removeprefix("alerts."): one.value for one in version.thresholds if one.key.startswith("alerts.")}
    own = {name: held[name] for name in Manner.__struct_fields__}
    return msgspec.convert(own, readied(Manner), strict=False)
