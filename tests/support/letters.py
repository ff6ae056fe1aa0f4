"""One incident as a message, with the ground it stands on: what letters are made of in tests."""

from __future__ import annotations

from dataclasses import replace

from alerts.api import Evidence, Incident, Said, Verdict
from alerts.api.words import Lang
from alerts.channels.ground import Ground
from alerts.channels.letter import Letter
from alerts.channels.wording import letter as letter_of
from alerts.deliver.message import Kind, Message
from collector.api import LineInfo, Place

BEGAN_MS = 1_795_399_980_000  # 09:13 on 23 November 2026 in Vietnam
NOW_MS = BEGAN_MS + 95_000
ENDED_MS = BEGAN_MS + 3_725_000
SAID = Said("verdict.line_down_inside", {"line": "line:07210-1/a", "centre": "centre:07210-1", "since_ms": BEGAN_MS})
SEEN = Said("evidence.down", {"subject": "line:07210-1/a", "at_ms": BEGAN_MS})
KEY = "01JDCAR0N7F8XG3V5S2T1Q4W6Y/call/0/team:vnpt-bac/mail"
BOARD = "https://motcua.example.vn"


class Names:
    """As the inventory calls things, in both languages."""

    def name(self, key: str, lang: Lang) -> str:
        vi = {
            "centre:07210-1": "Phường Bắc Giang",
            "carrier:vnpt": "VNPT",
            "line:07210-1/a": "VNPT a",
        }
        en = {"centre:07210-1": "Bac Giang Ward", "carrier:vnpt": "VNPT", "line:07210-1/a": "VNPT a"}
        number = int(key[8:12]) if key.startswith("centre:1") else 0
        if number:
            return f"Xã số {number}" if lang == "vi" else f"Commune {number}"
        return (vi if lang == "vi" else en).get(key, key.partition(":")[2])


def message(kind: Kind = "call", **changed: object) -> Message:
    """A line cut at one centre."""
    plain = {
        "incident": "01JDCAR0N7F8XG3V5S2T1Q4W6Y", "number": 12, "kind": kind, "owner": "line", "state": "down",
        "title": Said("event.recovered", {"ended_ms": ENDED_MS}) if kind == "recovered" else SAID,
        "lines": [SEEN] if kind == "call" else [SAID], "link": "/incidents/12", "centres": ["07210-1"],
        "circuits": ["VD-NET-07210-A"], "since_ms": BEGAN_MS,
        "ended_ms": ENDED_MS if kind == "recovered" else None, "email": "vnpt-bac@example.com",
        "phone": "+84 000 001 001",
    }  # fmt: skip
    return Message(**{**plain, **changed})  # type: ignore[arg-type]


def incident() -> Incident:
    """The same, as people work on it."""
    verdict = Verdict(
        "line:07210-1/a", "line", "line", "down", BEGAN_MS, None, ("line:07210-1/a",), ("07210-1",),
        SAID,
        (Evidence("line:07210-1/a", SEEN, BEGAN_MS, BEGAN_MS + 4_000),), "certain", visit=True,
    )  # fmt: skip
    return Incident(
        "01JDCAR0N7F8XG3V5S2T1Q4W6Y", 12, verdict, "notified", BEGAN_MS, None, BEGAN_MS + 60_000, None,
        team="vnpt-bac", waiting=41.6, target_ms=BEGAN_MS + 4 * 3_600_000,
    )  # fmt: skip


def ground() -> Ground:
    """What the inventory knows of that centre."""
    old = incident()
    began_ms = BEGAN_MS - 9 * 86_400_000
    said = Said(SAID.key, {**SAID.values, "since_ms": began_ms})
    past = replace(old, id="01JCOLD", since_ms=began_ms, verdict=replace(old.verdict, said=said))
    place = Place(
        "bac-giang", 21.2849, 106.21542, "office", "phường", "Trực một cửa Phường Bắc Giang", "+84 000 000 001",
        "thu-bay", 94.0,
    )  # fmt: skip
    lines = [
        LineInfo("07210-1/a", "internet", "vnpt", "VD-NET-07210-A", 1e8, "192.0.2.1", "vnpt-bac-giang", "default"),
        LineInfo("07210-1/b", "tslcd", "vnpt", "VD-TSL-07210-B", 1e7, "192.0.2.2", "vnpt-bac-giang", "interface:t0"),
    ]
    return Ground(NOW_MS, BOARD, old, [past], {"07210-1": place}, {"07210-1": lines}, ("07:30-11:30", "13:30-17:00"))


def letter(kind: Kind = "call", *, lang: Lang = "vi", address: str = "", key: str = KEY) -> Letter:
    """A letter about it to the carrier's team."""
    made = message(kind)
    return letter_of(
        made, key=key, audience="team:vnpt-bac", ground=ground(), names=Names(), lang=lang, address=address
    )
