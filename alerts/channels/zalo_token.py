"""Zalo's pair of tokens: the refresh token may be used once, so one at a time renews it, and what came is on the disk
before it is used.

Access tokens live about a day, refresh tokens about three months; one used twice is answered with -14020, and then only
a new consent helps.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from alerts.channels.answers import accept
from alerts.channels.errors import ChannelError
from alerts.channels.post import Post, host_of, read_secret

EARLY_MS: Final = 60_000
SPENT: Final = -14020
_PATH: Final = "/v4/oa/access_token"
_LOOK_S: Final = 0.05


class Pair(Struct, frozen=True, kw_only=True):
    """`expires_at_ms` 0: nobody knows."""

    access_token: str
    refresh_token: str
    expires_at_ms: int = 0

    def __repr__(self) -> str:
        return f"Pair(expires_at_ms={self.expires_at_ms})"


@dataclass(frozen=True, slots=True)
class App:
    """Who asks for tokens."""

    app_id: str
    secret_file: str
    oauth_url: str


class Tokens:
    """The pair in a file, shared by every process that writes for this account."""

    def __init__(self, app: App, path: Path, post: Post) -> None:
        self._app, self._path, self._post = app, path, post

    def fresh(self) -> Pair:
        """The pair, renewed where its end is near. Raises ChannelError."""
        pair = self._read()
        near = pair.expires_at_ms and pair.expires_at_ms - EARLY_MS <= self._post.clock.wall_ms()
        return self.renewed(pair) if near else pair

    def renewed(self, seen: Pair) -> Pair:
        """A pair other than the one seen: what another process fetched meanwhile, or a new one. Raises ChannelError."""
        with _alone(self._path.with_name(self._path.name + ".lock"), self._post.timeout_s):
            now = self._read()
            if now.access_token != seen.access_token:
                return now
            pair = self._ask(now)
            _replace(self._path, msgspec.json.encode(pair))
            return pair

    def _read(self) -> Pair:
        try:
            return msgspec.json.decode(read_secret(self._path).reveal(), type=Pair)
        except msgspec.MsgspecError:
            text = f'{self._path}: write {{"access_token": "…", "refresh_token": "…"}} of the first consent'
            raise ChannelError(text, permanent=True) from None

    def _ask(self, pair: Pair) -> Pair:
        url = self._app.oauth_url.rstrip("/") + _PATH
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "secret_key": self._post.secret(self._app.secret_file).reveal(),
        }
        fields = {"refresh_token": pair.refresh_token, "app_id": self._app.app_id, "grant_type": "refresh_token"}
        answer = self._post.request("POST", url, headers=headers, content=urlencode(fields).encode())
        accept(answer, host_of(url), now_ms=self._post.clock.wall_ms())
        return _pair_in(answer.body, self._post.clock.wall_ms())


class _Given(Struct):
    access_token: str = ""
    refresh_token: str = ""
    expires_in: int | str = 0
    error: int = 0


def _pair_in(body: bytes, now_ms: int) -> Pair:
    try:
        given = msgspec.json.decode(body, type=_Given)
        lasts_s = int(given.expires_in)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError):
        raise ChannelError("Zalo's answer to the refresh token is not one of its own") from None
    if given.error == SPENT:
        raise ChannelError(
            f"Zalo answered {SPENT}: the refresh token was used before; give consent anew", permanent=True
        )
    if given.error or not given.access_token or not given.refresh_token:
        raise ChannelError(f"Zalo gave no new token (error {given.error})")
    expires_ms = now_ms + min(max(lasts_s, 0), 366 * 86_400) * 1000 if lasts_s else 0
    return Pair(access_token=given.access_token, refresh_token=given.refresh_token, expires_at_ms=expires_ms)


@contextlib.contextmanager
def _alone(path: Path, patience_s: float) -> Iterator[None]:
    """Hold a lock that ends with its process. Raises ChannelError where another holds it for too long."""
    with path.open("ab") as file:
        ends = time.monotonic() + patience_s
        while not _locked(file):
            if time.monotonic() > ends:
                raise ChannelError("another process has been renewing Zalo's token for too long")
            time.sleep(_LOOK_S)
        yield


def _locked(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _replace(path: Path, content: bytes) -> None:
    """The old pair or the new one, whatever happens in between. Raises ChannelError: then the new one is lost."""
    beside = path.with_name(path.name + ".new")
    try:
        beside.unlink(missing_ok=True)
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        if sys.platform != "win32":
            folder = os.open(path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
    except OSError as error:
        raise ChannelError(f"{path}: the new pair could not be kept: {error.strerror}") from None
