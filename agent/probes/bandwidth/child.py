"""speedtest-cli in a process of its own: a job as JSON on stdin, a line of JSON on stdout as each part begins and ends.

speedtest-cli sums up whatever its streams moved and hides those that failed, so its two stream classes are replaced by
ones that remember. Against our own server (Mini layout) its look at speedtest.net is left out: nothing goes there.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import threading
import timeit
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from agent.net.links import Exit, LinkError
from wire.pinning import pinned

MAX_JOB_BYTES: Final = 64 * 1024
PING_FAILED_MS: Final = 600_000.0
USED_UP: Final = "more bytes than the lease allows"
READ_BYTES: Final = 10_240
SIZES: Final[dict[str, list[int]]] = {
    "download": [350, 500, 750, 1000, 1500, 2000, 2500, 3000, 3500, 4000],
    "upload": [524_288, 1_048_576, 7_340_032],
}
"""What speedtest.net's own configuration has had for years."""


class Job(msgspec.Struct, frozen=True):
    """`mini` empty: public servers. `max_s` is of one direction."""

    mini: str
    max_bytes: int
    max_s: float
    interface: str = ""
    source: str = ""
    ca_pem: bytes = b""


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """`name` is ready, download, upload, done or failed; a direction is told with its figures when it is over."""

    name: str
    bps: float = 0.0
    moved: int = 0
    seconds: float = 0.0
    ping_s: float = 0.0
    streams: int = 0
    error: str = ""
    missing: str = ""


@dataclass(slots=True)
class Book:
    """What all streams moved, and what went wrong with any of them."""

    max_bytes: int
    moved: int = 0
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, count: int) -> bool:
        """Count; whether there is any left."""
        with self.lock:
            self.moved += count
            return self.moved < self.max_bytes

    def fail(self, error: object) -> None:
        with self.lock:
            self.wrong.append(f"{type(error).__name__}: {error}" if isinstance(error, Exception) else str(error))


def main() -> None:
    job = msgspec.json.decode(sys.stdin.buffer.read(MAX_JOB_BYTES), type=Job)
    try:
        import speedtest
    except ModuleNotFoundError as error:
        tell(Part("failed", error=str(error), missing=error.name or "speedtest"))
        return
    book = Book(job.max_bytes)
    leave_by(Exit(job.interface, job.source))
    if job.ca_pem:
        # The library makes its connections with Python's default context, and takes no other.
        trusting = pinned(job.ca_pem)
        ssl._create_default_https_context = lambda *_, **__: trusting  # noqa: SLF001
    try:
        measure(job, speedtest, book)
    except (speedtest.SpeedtestException, LinkError, OSError, ValueError) as error:
        tell(Part("failed", moved=book.moved, error=f"{type(error).__name__}: {error}"[:300]))


def measure(job: Job, speedtest: Any, book: Book) -> None:
    """The whole test. What the library raises is raised."""
    remember_failures(speedtest, book)
    test = (mini_class(speedtest) if job.mini else speedtest.Speedtest)(source_address=job.source or None)
    test.get_best_server(test.set_mini_server(job.mini) if job.mini else test.get_servers() and None)
    if test.results.ping >= PING_FAILED_MS:
        tell(Part("failed", error="the server did not answer as Speedtest's do"))
        return
    test.config["length"] = dict.fromkeys(("download", "upload"), job.max_s)
    tell(Part("ready", ping_s=test.results.ping / 1000))
    for name in ("download", "upload"):
        begun, before = timeit.default_timer(), book.moved
        bps = getattr(test, name)()
        seconds, moved = timeit.default_timer() - begun, book.moved - before
        if book.wrong or not moved:
            tell(Part("failed", moved=book.moved, error=f"{len(book.wrong)} streams failed; {book.wrong[:1]}"[:300]))
            return
        tell(Part(name, bps, moved, seconds, streams=test.config["threads"][name]))
    tell(Part("done"))


def tell(part: Part) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(part) + b"\n")
    sys.stdout.buffer.flush()


def leave_by(leave: Exit) -> None:
    """Have every connection of this process leave by one interface or address. LinkError comes when one is made."""
    if leave == Exit():
        return

    def connect(address: tuple[str, int], timeout: float | None = None, *_: object, **__: object) -> socket.socket:
        family = socket.AF_INET6 if ":" in leave.source else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            leave.tie(sock)
            sock.settimeout(timeout)
            sock.connect(socket.getaddrinfo(*address, family, socket.SOCK_STREAM)[0][4])
        except (OSError, LinkError):
            sock.close()
            raise
        return sock

    socket.create_connection = connect  # type: ignore[assignment]  # the library asks for nothing else


def mini_class(speedtest: Any) -> Any:
    """A test that does not ask speedtest.net for its configuration."""

    class Mini(speedtest.Speedtest):  # type: ignore[misc]  # the library has no types
        def get_config(self) -> dict[str, Any]:
            self.config.update({
                "client": {}, "ignore_servers": [], "sizes": SIZES, "counts": {"upload": 17, "download": 4},
                "threads": {"upload": 2, "download": 8}, "length": {"upload": 10, "download": 10}, "upload_max": 51,
            })  # fmt: skip
            found: dict[str, Any] = self.config
            return found

    return Mini


def remember_failures(speedtest: Any, book: Book) -> None:
    """Replace the library's stream classes by ones whose failures are counted."""

    class Downloader(speedtest.HTTPDownloader):  # type: ignore[misc]  # the library has no types
        def run(self) -> None:
            if _is_late(self):
                return  # its turn came when the time was over: as meant
            try:
                with contextlib.closing(self._opener(self.request)) as answer:
                    _read(self, answer, book)
            except Exception as error:  # whatever a stream dies of, the figure dies with it
                book.fail(error)

    class Uploader(speedtest.HTTPUploader):  # type: ignore[misc]  # the library has no types
        def run(self) -> None:
            with contextlib.suppress(speedtest.SpeedtestUploadTimeout):  # its time was over: as meant
                _send(self, book)
            self.result = sum(self.request.data.total)
            if not book.add(self.result):
                book.fail(USED_UP)

    def _send(uploader: Any, book: Book) -> None:
        try:
            if not _is_late(uploader):
                uploader._opener(uploader.request).read(64)  # noqa: SLF001  # the library's own, in its subclass
        except speedtest.SpeedtestUploadTimeout:
            raise
        except Exception as error:
            book.fail(error)

    speedtest.HTTPDownloader, speedtest.HTTPUploader = Downloader, Uploader


def _is_late(stream: Any) -> bool:
    return bool(timeit.default_timer() - stream.starttime > stream.timeout)


def _read(stream: Any, answer: Any, book: Book) -> None:
    """Read one file; what is wrong with it goes into the book."""
    asked, got = urlsplit(stream.request.get_full_url()).netloc, urlsplit(answer.geturl()).netloc
    if asked != got:
        book.fail(f"redirected to {got}")
        return
    while not _is_late(stream):
        count = len(answer.read(READ_BYTES))
        stream.result.append(count)
        if not book.add(count):
            book.fail(USED_UP)
            return
        if not count:
            if answer.length:
                book.fail(f"a file ended {answer.length} bytes too early")
            return


if __name__ == "__main__":
    main()
