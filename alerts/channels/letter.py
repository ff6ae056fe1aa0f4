"""A letter: what one audience is told, in both languages, ready for any channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Lang = Literal["vi", "en"]
Kind = Literal["call", "correction", "recovered", "digest", "escalation", "reminder", "test"]
Field = str | int | float | bool | None | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is said to whom.

    `key` is the idempotency key of the outbox: the same letter sent twice carries it twice. `incident` binds letters of
    one incident together. `text_*` are whole lines, the first the sentence; `short_*` fit a phone. `address` is what
    the channel's ADDRESS asks for; empty: the channel's own. `fields` are facts one by one, for tickets and labels:
    instants in `…_ms`, lists as tuples; which there are stands in `alerts.channels.fields`.
    """

    key: str
    title_vi: str
    text_vi: str
    title_en: str
    text_en: str
    link: str = ""
    lang: Lang = "vi"
    address: str = ""
    kind: Kind = "call"
    incident: str = ""
    number: int = 0
    created_ms: int = 0
    short_vi: str = ""
    short_en: str = ""
    fields: Mapping[str, Field] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """In the language of whoever gets it."""
        return self.title_vi if self.lang == "vi" else self.title_en

    @property
    def text(self) -> str:
        """In the language of whoever gets it."""
        return self.text_vi if self.lang == "vi" else self.text_en

    @property
    def short(self) -> str:
        """In the language of whoever gets it; the title where nobody made a short form."""
        return (self.short_vi if self.lang == "vi" else self.short_en) or self.title
