"""The one door through which channels reach others: HTTP with an end to everything, and secrets that stay secret.

Every request ends within `TIMEOUT_S`, whatever the other side does; redirects are refused, certificates verified, of an
answer at most `MAX_BYTES` are read. No text made here holds more of an address than its host.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from alerts.channels.errors import ChannelError
from wire.clock import Clock, SystemClock

logging.getLogger("httpx").setLevel(logging.WARNING)  # it would write whole addresses into the log, secrets and all

TIMEOUT_S: Final = 15.0
MAX_BYTES: Final = 64 * 1024
MAX_SECRET_BYTES: Final = 8 * 1024
_AGENT: Final = "motcua"


@dataclass(frozen=True, slots=True)
class Secret:
    """Something that must not be shown; only `reveal` gives it away."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        return self._text


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `body` is its beginning, `whole` whether that was all. Header names are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool


class Post:
    """What channels send by. `home` is where files that settings name are looked for."""

    def __init__(
        self, home: Path, clock: Clock | None = None, *, ca_file: Path | None = None, timeout_s: float = TIMEOUT_S
    ) -> None:
        self.home: Final = home
        self.clock: Final[Clock] = clock or SystemClock()
        self.timeout_s: Final = timeout_s
        self._ca_file = ca_file

    def tls(self) -> ssl.SSLContext:
        """Certificates are verified, by the system's authorities and by `ca_file`. Raises ChannelError."""
        context = ssl.create_default_context()
        if self._ca_file is not None:
            try:
                context.load_verify_locations(self._ca_file)
            except (OSError, ssl.SSLError):
                raise ChannelError(f"{self._ca_file}: no certificate can be read there; see ca_file") from None
        return context

    def path(self, name: str) -> Path:
        """Where a file that the settings name is: as it is written, or in the home."""
        return self.home / name

    def secret(self, name: str) -> Secret:
        """What is in a file of the settings. Raises ChannelError where it is not fit to be used."""
        return read_secret(self.path(name))

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> Answer:
        """One request and its answer, whatever its status. Raises ChannelError where there was none."""
        return asyncio.run(self._request(method, url, dict(headers or {}), content))

    async def _request(self, method: str, url: str, headers: dict[str, str], content: bytes) -> Answer:
        host = host_of(url)
        try:
            async with asyncio.timeout(self.timeout_s), self._client() as client:
                request = client.stream(method, url, headers={"user-agent": _AGENT, **headers}, content=content)
                async with request as response:
                    return await _read(response)
        except (TimeoutError, httpx.TimeoutException):
            raise ChannelError(f"{host} did not answer within {self.timeout_s:g} s") from None
        except httpx.ConnectError as error:
            raise ChannelError(f"{host}: {_why(error)}") from None
        except httpx.HTTPError as error:
            raise ChannelError(f"{host}: the exchange broke off ({type(error).__name__})") from None
        except (httpx.InvalidURL, UnicodeError, ValueError):
            raise ChannelError(
                "the address in the settings is none that a request could go to", permanent=True
            ) from None

    def _client(self) -> httpx.AsyncClient:
        # trust_env off: a proxy of the environment would see what is sent, and nobody wrote it into the settings.
        return httpx.AsyncClient(verify=self.tls(), timeout=self.timeout_s, follow_redirects=False, trust_env=False)


def host_of(url: str) -> str:
    """The part of an address that may be shown."""
    try:
        return urlsplit(url).hostname or "the address"
    except ValueError:
        return "the address"


def read_secret(path: Path) -> Secret:
    """The one line in `path`. Raises ChannelError where others could read it, too, or where it is no secret."""
    try:
        mode = path.stat().st_mode
        raw = path.read_bytes() if stat.S_ISREG(mode) and path.stat().st_size <= MAX_SECRET_BYTES else b""
    except OSError as error:
        raise ChannelError(f"{path}: cannot be read: {error.strerror}") from None
    if sys.platform != "win32" and mode & 0o037:
        raise ChannelError(f"{path}: others could read or change this secret; chmod 600 it (640 is fine, too)")
    try:
        text = raw.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        text = ""
    if not text or not text.isprintable():
        raise ChannelError(f"{path}: one line of text is expected, at most {MAX_SECRET_BYTES} bytes")
    return Secret(text)


async def _read(response: httpx.Response) -> Answer:
    body = bytearray()
    async for part in response.aiter_raw(8_192):  # raw: an answer that unpacks to gigabytes stays as small as it came
        body += part
        if len(body) > MAX_BYTES:
            break
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, bytes(body[:MAX_BYTES]), len(body) <= MAX_BYTES)


def _why(error: httpx.ConnectError) -> str:
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "its certificate could not be verified; see ca_file"
    return "TLS was refused" if "SSL" in text else "no connection"
