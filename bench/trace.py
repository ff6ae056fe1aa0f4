"""What a program told the kernel, in order: its writes and syncs with all their data, as strace saw them.

TraceError   a line or a call that this reader does not know: nothing may be concluded from such a trace
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# Everything that changes a file or sends a byte; reads change nothing.
SYSCALLS: Final = (
    "write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg,sendfile,fsync,fdatasync,sync_file_range,msync,"
    "ftruncate,truncate,fallocate,unlink,unlinkat,rename,renameat,renameat2,openat,creat"
)
LONGEST: Final = 1 << 20

_LINE: Final = re.compile(rb"(\d+) +[\d.]+ (.*)", re.DOTALL)
_RESUMED: Final = re.compile(rb"<\.\.\. (\w+) resumed>(.*)", re.DOTALL)
_LEFT: Final = b"???("  # strace let go of a thread before it could see what that began: behind the end of the trace
_CALL: Final = re.compile(rb"(\w+)\((.*)", re.DOTALL)
_RESULT: Final = re.compile(rb"\) += (-?\d+|\?)")
_HANDLE: Final = re.compile(rb"(\d+)<(TCP(?:v6)?:\[[^\]]*\]|[^>]*)>")
_PEER: Final = re.compile(rb"TCP:\[[\d.]+:\d+->[\d.]+:(\d+)\]")
_HEX: Final = re.compile(rb"(?:\\x[0-9a-f]{2})*")  # of a file; pipes and the like are named in plain letters
_TEXT: Final = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')


class TraceError(Exception):
    """A trace that cannot be understood in full."""


@dataclass(slots=True)
class Call:
    """One system call. `began` and `ended` are places in the trace; `ended` None: it never returned.

    `path` is the file of its handle (or the path it names), `peer` the other side's port where it is a socket.
    """

    name: str
    began: int
    ended: int | None = None
    result: int = -1
    path: str = ""
    peer: int | None = None
    data: bytes = b""
    offset: int = 0
    created: bool = False


def command(log: Path) -> list[str]:
    """What to put before a program so that `read` understands its trace."""
    options = f"strace -f -yy -xx -ttt -s {LONGEST} -e signal=none -e trace={SYSCALLS} -o {log}"
    return [*options.split(), "--"]


def read(log: Path, prefix: str) -> list[Call]:
    """The calls of a trace on files whose path begins so, or on TCP, in the order they began. Raises TraceError."""
    with log.open("rb") as lines:
        return list(parse(lines, prefix))


def parse(lines: Iterable[bytes], prefix: str) -> Iterator[Call]:
    """Like `read`, from the lines. A call that others interrupt appears where it began, filled in as it ends."""
    open_calls: dict[bytes, Call | None] = {}
    found: list[Call] = []
    for n, line in enumerate(lines):
        match = _LINE.match(line.rstrip(b"\n"))
        if match is None:
            raise TraceError(f"line {n + 1} is not of strace: {line[:80]!r}")
        thread, text = match.groups()
        if text.startswith((b"+++", b"---", _LEFT)):
            continue
        if resumed := _RESUMED.match(text):
            interrupted = open_calls.pop(thread, None)
            if interrupted is not None:
                _end(interrupted, n, resumed[2])
            continue
        call = _begin(text, n, prefix)
        if b"<unfinished ...>" in text[-24:]:
            open_calls[thread] = call
        elif call is not None:
            _end(call, n, text)
        if call is not None:
            found.append(call)
    yield from found


def _begin(text: bytes, n: int, prefix: str) -> Call | None:
    match = _CALL.match(text)
    if match is None:
        raise TraceError(f"line {n + 1}: no call in {text[:80]!r}")
    name, rest = match[1].decode(), match[2]
    if name in {"openat", "creat", "unlink", "unlinkat", "rename", "renameat", "renameat2", "truncate"}:
        return _named(name, rest, n, prefix)
    handle = _HANDLE.match(rest)
    if handle is None:
        return None  # a bad handle, or one that strace could not name: not a file of ours, those are always named
    if peer := _PEER.match(handle[2]):
        return Call(name, n, peer=int(peer[1]))
    path = _plain(_leading(handle[2])).decode("utf-8", "replace")
    if not path.startswith(prefix):
        return None
    return _on_file(Call(name, n, path=path), rest[handle.end() :])


def _named(name: str, rest: bytes, n: int, prefix: str) -> Call | None:
    paths = [_plain(m[1]).decode("utf-8", "replace") for m in _TEXT.finditer(rest)]
    if not paths or not paths[-1].startswith(prefix):
        return None
    return Call(name, n, path=paths[-1], created=b"O_CREAT" in rest or name == "creat")


def _on_file(call: Call, rest: bytes) -> Call:
    if call.name == "pwrite64":
        text = _TEXT.search(rest)
        if text is None or text[2]:
            raise TraceError(f"line {call.began + 1}: the data of a write is cut")
        call.data = _plain(text[1])
        call.offset = int(rest[text.end() :].split(b",")[2].split(b")")[0].split(b"<")[0])
    elif call.name == "ftruncate":
        call.offset = int(re.split(rb"[ )<]", rest.lstrip(b", "))[0])
    return call


def _end(call: Call, n: int, text: bytes) -> None:
    result = _RESULT.search(text, max(0, len(text) - 400))
    if result is None:
        raise TraceError(f"line {n + 1}: no result in {text[-80:]!r}")
    if result[1] != b"?":  # the program was killed within it
        call.ended, call.result = n, int(result[1])


def _leading(text: bytes) -> bytes:
    found = _HEX.match(text)
    return found[0] if found else b""


def _plain(text: bytes) -> bytes:
    return bytes.fromhex(text.replace(b"\\x", b"").decode("ascii"))
