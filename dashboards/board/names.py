"""What people call a subject, and where its page is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote

from collector.api import Centre, SubjectInfo
from dashboards.board.words import Words


def centre_name(centre: Centre, words: Words) -> str:
    """Its name in the reader's language; the Vietnamese one where no English one was given."""
    name = (centre.name_en if words.lang == "en" else centre.name_vi) or centre.name_vi or centre.key
    return name[:1].upper() + name[1:]


def subject_name(info: SubjectInfo, words: Words, centres: Mapping[str, Centre] | None = None) -> str:
    """A short name with its kind: Đường truyền A · Máy tính pc-12."""
    if info.kind == "centre":
        centre = (centres or {}).get(info.centre)
        return centre_name(centre, words) if centre else info.label or words("subject.centre")
    if info.kind == "line" and not info.label:
        return words("subject.line", name=info.key.rpartition("/")[2].upper()).strip()
    if f"subject.{info.kind}" not in words.texts:
        return words("subject.undeclared", name=info.label or info.key)
    return words(f"subject.{info.kind}", name=info.label or _tail(info.key)).strip()


def _tail(key: str) -> str:
    """The last six signs of a long key are enough to tell neighbours apart."""
    return key.rpartition(":")[2][-6:]


@lru_cache(maxsize=16_384)
def centre_href(key: str) -> str:
    return f"/centres/{quote(key, safe='')}"


def subject_href(key: str) -> str:
    """A line has a page of its own."""
    return line_href(key) if key.startswith("line:") else f"/subjects/{quote(key, safe=':/@')}"


def line_href(key: str) -> str:
    """line:07375-1/a → /lines/07375-1/a"""
    return f"/lines/{quote(key.removeprefix('line:'), safe='/')}"


def observation_href(observation_id: str) -> str:
    return f"/observations/{quote(observation_id, safe='/')}"
