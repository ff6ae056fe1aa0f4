"""The LAN page as text: what the box saw, each with its as-of time; never a verdict. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Final
from urllib.parse import urlsplit

from agent.lan.seen import Sight
from agent.lan.words import LANGS
from wire.messages import Notice

_VIETNAM: Final = timedelta(hours=7)  # without summer time since 1975; Windows has no zones to ask
_SHAPES: Final = {"ok": "✓", "fail": "×", "unknown": "◌"}

_STYLE: Final = (
    "body{font:16px/1.5 'Noto Sans','Segoe UI',Roboto,system-ui,sans-serif;background:#f6f7f9;color:#16202c;margin:0}"
    "main{max-width:40rem;margin:0 auto;padding:16px}section{background:#fff;border:1px solid #e3e7ec;"
    "border-radius:8px;padding:12px 16px;margin:12px 0}h1{font-size:24px;margin:8px 0}h2{font-size:15px;margin:0 0 8px}"
    ".muted{color:#5b6776}li{padding:6px 0;border-top:1px solid #e3e7ec;list-style:none}ul{margin:0;padding:0}"
    "li:first-child{border:0}.fail{color:#b3261e}.ok{color:#14795a}.unknown{color:#667085}.notice{background:#e8eefc}"
    "button{min-height:48px;font-size:18px;padding:0 24px;background:#0b5cab;color:#fff;border:0;border-radius:8px;"
    "width:100%}input,textarea{width:100%;box-sizing:border-box;font:inherit;padding:8px;margin:0 0 8px;border:1px "
    "solid #e3e7ec;border-radius:8px}svg{max-width:100%;height:auto;background:#fff}.code{font-size:32px;"
    "letter-spacing:4px;font-variant-numeric:tabular-nums}:focus-visible{outline:3px solid #0b5cab}"
)


@dataclass(frozen=True, slots=True)
class View:
    """Everything the page says. `heard_ms` None: the collector was never heard; `cut`: not lately. `carry`: an SVG, or
    why there is none. `told`: what came of the button just pressed. `way`: an SVG that opens the board with
    the code filled in."""

    centre: str
    now_ms: int
    heard_ms: int | None
    cut: bool
    notices: Sequence[Notice]
    sights: Sequence[Sight]
    code: str
    carry: str = ""
    carry_no: str = ""
    told: str = ""
    way: str = ""


def render(view: View, lang: str) -> str:
    """A whole page of HTML, about 6 kB."""
    say = LANGS[lang]
    other = "vi" if lang == "en" else "en"
    parts = (
        f"<h1>{say['title']} {escape(view.centre)}</h1>",
        f"<p class=muted>{say['as_of'].format(at=moment(view.now_ms))} {_heard(view, say)}</p>",
        f"<section role=status>{escape(view.told)}</section>" if view.told else "",
        _notices(view, say, lang),
        _slow(say, lang),
        _sights(view, say),
        _zalo(view, say),
        _for_repair(view, say),
        _to_carry(view, say),
        f"<p><a href='/?lang={other}'>{say['lang']}</a></p>",
    )
    return (
        f"<!doctype html><html lang={lang}><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<meta http-equiv=refresh content='30;url=/?lang={lang}'>"
        f"<title>{say['title']}</title><style>{_STYLE}</style><main>{''.join(parts)}</main></html>"
    )


def moment(at_ms: int) -> str:
    """09:12 22/11, in Vietnam."""
    return (datetime.fromtimestamp(at_ms / 1000, UTC) + _VIETNAM).strftime("%H:%M %d/%m")


def named(sight: Sight, say: Mapping[str, str]) -> str:
    """What a person calls a target."""
    kind, _, key = sight.subject.partition(":")
    if kind == "service":
        return urlsplit(sight.target).hostname or key.partition("@")[0]
    return say.get(kind, kind).format(key=key.rpartition("/")[2])


def sentence(view: View, lang: str) -> str:
    """The state of things here in one sentence, to be sent to a group."""
    say = LANGS[lang]
    bad = [f"{named(one, say)} {say['fail']} {say['since'].format(at=moment(one.since_ms))}" for one in failing(view)]
    place = f"Trung tâm {view.centre}" if lang == "vi" else f"Centre {view.centre}"
    key = "zalo_bad" if bad else "zalo_ok"
    return say[key].format(place=place, at=moment(view.now_ms), what="; ".join(bad))


def failing(view: View) -> list[Sight]:
    """What does not answer; where the local network does not, what lies behind it is left out."""
    bad = [one for one in view.sights if one.outcome == "fail"]
    lan = [one for one in bad if one.subject.startswith("lan:")]
    return lan or bad


def _heard(view: View, say: Mapping[str, str]) -> str:
    if view.heard_ms is None:
        return say["never"]
    return say["cut" if view.cut else "heard"].format(at=moment(view.heard_ms))


def _notices(view: View, say: Mapping[str, str], lang: str) -> str:
    holding = [one for one in view.notices if one.until is None or one.until > view.now_ms]
    rows = [
        f"<li>{escape(one.text_vi if lang == 'vi' else one.text_en)} "
        f"<span class=muted>({say['notice_as_of'].format(at=moment(one.as_of))})</span></li>"
        for one in holding
    ]
    return f"<section class=notice><h2>{say['notices']}</h2><ul>{''.join(rows)}</ul></section>" if rows else ""


def _slow(say: Mapping[str, str], lang: str) -> str:
    return (
        f"<section><form method=post action='/slow?lang={lang}'><label class=muted for=w>{say['slow_word']}</label>"
        f"<input id=w name=text maxlength=200 autocomplete=off><button>{say['slow']}</button></form>"
        f"<p class=muted>{say['slow_help']}</p></section>"
    )


def _sights(view: View, say: Mapping[str, str]) -> str:
    rows = "".join(_sight(one, say) for one in view.sights) or f"<li class=muted>{say['nothing']}</li>"
    return f"<section><h2>{say['measured']}</h2><ul>{rows}</ul></section>"


def _sight(one: Sight, say: Mapping[str, str]) -> str:
    word = say["ok_in"].format(took=_took(one.took_s)) if one.outcome == "ok" and one.took_s else say[one.outcome]
    since = f" {say['since'].format(at=moment(one.since_ms))}" if one.outcome != "ok" else ""
    last = f"; {say['last_ok'].format(at=moment(one.ok_ms))}" if one.outcome != "ok" and one.ok_ms else ""
    return (
        f"<li><b>{escape(named(one, say))}</b> <span class={one.outcome}>{_SHAPES[one.outcome]} {word}{since}</span> "
        f"<span class=muted>({moment(one.at_ms)}{last})</span></li>"
    )


def _took(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s".replace(".", ",")


def _zalo(view: View, say: Mapping[str, str]) -> str:
    text, name = escape(sentence(view, "vi" if say is LANGS["vi"] else "en")), say["zalo"]
    return f"<section><h2>{name}</h2><textarea readonly rows=3 aria-label='{name}'>{text}</textarea></section>"


def _for_repair(view: View, say: Mapping[str, str]) -> str:
    way = f"<p class=muted>{say['way']}</p>{view.way}" if view.way else ""
    return f"<section><h2>{say['here']}</h2><p class=code>{view.code}</p>{way}</section>"


def _to_carry(view: View, say: Mapping[str, str]) -> str:
    if view.carry:
        return f"<section><h2>{say['carry']}</h2>{view.carry}</section>"
    why = say["carry_no"].format(why=escape(view.carry_no))
    return f"<section><p class=muted>{why}</p></section>" if view.carry_no else ""
