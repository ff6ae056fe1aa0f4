"""The service probe off the web: mail that greets and encrypts, TCP that connects, UDP that answers anything."""

from __future__ import annotations

import re
import socket
from typing import Final

from agent.net.stream import Stream, StreamError, Untrusted
from agent.probes.given import bad_setting
from agent.probes.serviceplan import Place
from agent.probes.servicerun import Run
from wire.outcomes import fail

MAX_LINE: Final = 4096
MAX_LINES: Final = 100
MAX_BANNER: Final = 4096
_SMTP_LINE: Final = re.compile(r"([2-5][0-9]{2})([ -])")


def ask(run: Run, place: Place) -> None:
    """Ask `place` in its own language. Returns where it answers as expected; else raises Ended or StreamError."""
    address = run.find_target(place)
    if place.scheme == "udp":
        return _udp(run, address, place)
    try:
        with run.connected(address, place) as stream:
            talk = {"smtp": _smtp, "smtps": _smtp, "imap": _imap, "imaps": _imap}.get(place.scheme, _tcp)
            talk(run, place, Lines(run, stream))
    except Untrusted as refused:
        raise run.explained(refused, None) from refused


class Lines:
    """A connection read line by line, within bounds. The first byte ends `ttfb`, all later ones are `transfer`."""

    def __init__(self, run: Run, stream: Stream) -> None:
        self.run, self.stream = run, stream
        self._ahead = b""
        self._phase = "ttfb"

    def line(self) -> str:
        """The next line without its end. Raises StreamError."""
        while b"\n" not in self._ahead:
            if len(self._ahead) > MAX_LINE:
                raise StreamError(fail("bad_answer"), f"a line of more than {MAX_LINE} bytes")
            self._ahead += self._more()
        raw, _, self._ahead = self._ahead.partition(b"\n")
        text = raw.rstrip(b"\r").decode("utf-8", "replace")
        self.run.ctx.explain(f"< {text[:200]!r}")
        return text

    def say(self, text: str) -> None:
        self.run.ctx.explain(f"> {text}")
        self.stream.send(text.encode() + b"\r\n", "transfer")

    def secure(self, place: Place) -> None:
        """Go on encrypted; what was sent in advance of that is nobody's word (CVE-2011-0411) and spoils it."""
        if self._ahead:
            raise StreamError(fail("bad_answer"), "more was sent before the encryption than was asked for")
        self.run.secure(self.stream, place)

    def expect(self, text: str) -> None:
        """Read until `text` has come, or everything that may come before it. Raises StreamError."""
        wanted = text.encode()
        while wanted not in self._ahead:
            if len(self._ahead) >= MAX_BANNER:
                raise StreamError(fail("missing_text"), f"{text!r} is not in the first {MAX_BANNER} bytes")
            try:
                self._ahead += self._more()
            except StreamError as error:
                if not self._ahead or error.result.outcome == "unknown":
                    raise
                raise StreamError(fail("missing_text"), f"{text!r} is not in {self._ahead[:100]!r}") from error

    def _more(self) -> bytes:
        data = self.stream.receive(MAX_LINE, self._phase)
        if not data:
            raise StreamError(fail("reset"), "closed in the middle of the talk")
        self._phase = "transfer"
        return data


def _tcp(run: Run, _place: Place, lines: Lines) -> None:
    if run.settings.banner:
        lines.expect(run.settings.banner)


def _udp(run: Run, address: str, place: Place) -> None:
    settings = run.settings
    if not settings.send:
        raise bad_setting("send", "a UDP service answers only what it is asked: hex digits of a question are needed")
    stream = Stream(run.left_s, run.phases)
    try:
        stream.connect(address, place.port, socket.SOCK_DGRAM)
        run.phases.pop("connect", None)  # UDP has none
        stream.send(bytes.fromhex(settings.send))
        run.numbers["body_bytes"] = len(stream.receive(65_535, "ttfb"))
    except StreamError as error:
        if error.result.reason in {"timeout_answer", "timeout_connect"}:
            raise StreamError(fail("no_answer"), "nothing came back") from error
        raise
    finally:
        stream.close()


# --- mail -----------------------------------------------------------------------------------------------------------


def _greeting(run: Run, text: str) -> None:
    run.detail["greeting"] = text[:200]
    if run.settings.banner not in text:
        raise StreamError(fail("missing_text"), f"{run.settings.banner!r} is not in the greeting")


def _upgrade(run: Run, place: Place, *, offered: bool) -> bool:
    """Whether to go on encrypted. Raises StreamError where that is required and not offered."""
    if place.secure or run.settings.starttls == "no":
        return False
    if not offered and run.settings.starttls == "required":
        raise StreamError(fail("tls_failed"), "STARTTLS is not offered")
    run.detail["starttls"] = offered
    return offered


def _smtp(run: Run, place: Place, lines: Lines) -> None:
    _greeting(run, _reply(run, lines, 220)[0])
    lines.say("EHLO motcua.invalid")
    offers = {line.upper().split(" ")[0] for line in _reply(run, lines, 250)[1:]}
    if _upgrade(run, place, offered="STARTTLS" in offers):
        lines.say("STARTTLS")
        _reply(run, lines, 220)
        lines.secure(place)
    lines.say("QUIT")


def _reply(run: Run, lines: Lines, wanted: int) -> list[str]:
    """The texts of one answer (RFC 5321 §4.2), which must be of the wanted status. Raises StreamError."""
    texts: list[str] = []
    for _ in range(MAX_LINES):
        line = lines.line()
        match = _SMTP_LINE.match(line + " ")
        if match is None:
            raise StreamError(fail("bad_answer"), f"this is not SMTP: {line[:80]!r}")
        texts.append(line[4:])
        if match[2] == " ":
            run.numbers["status_code"] = int(match[1])
            if int(match[1]) != wanted:
                raise StreamError(fail("bad_status"), f"answered {line[:80]!r}, expected {wanted}")
            return texts
    raise StreamError(fail("bad_answer"), f"an answer of more than {MAX_LINES} lines")


def _imap(run: Run, place: Place, lines: Lines) -> None:
    greeting = lines.line()
    if not greeting.startswith("* OK") and not greeting.startswith("* PREAUTH"):
        reason = "bad_status" if greeting.startswith("* BYE") else "bad_answer"
        raise StreamError(fail(reason), f"greeted with {greeting[:80]!r}")
    _greeting(run, greeting[2:])
    offers = _tagged(lines, "a1", "CAPABILITY")
    if _upgrade(run, place, offered=any(" STARTTLS" in line.upper() for line in offers)):
        _tagged(lines, "a2", "STARTTLS")
        lines.secure(place)
    lines.say("a3 LOGOUT")


def _tagged(lines: Lines, tag: str, command: str) -> list[str]:
    """Say a command; the lines before its OK (RFC 3501 §7.1). Raises StreamError."""
    lines.say(f"{tag} {command}")
    heard: list[str] = []
    for _ in range(MAX_LINES):
        line = lines.line()
        if line.startswith("* "):
            heard.append(line)
            continue
        if line.upper().startswith(f"{tag} OK".upper()):
            return heard
        reason = "bad_status" if line.startswith(tag) else "bad_answer"
        raise StreamError(fail(reason), f"{command} was answered by {line[:80]!r}")
    raise StreamError(fail("bad_answer"), f"an answer of more than {MAX_LINES} lines")
