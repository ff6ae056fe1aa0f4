"""Where a channel posts to: an address in the settings, or in a file where it is a secret itself."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from alerts.channels.errors import ChannelError
from alerts.channels.post import Post

Short = Annotated[str, Meta(max_length=400)]


class Where(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`url`, or `url_file` where whoever knows the address may post to it."""

    url: Short = ""
    url_file: Short = ""

    def __post_init__(self) -> None:
        if bool(self.url) == bool(self.url_file):
            raise ValueError("write url, or url_file where the address itself is a secret")
        if self.url:
            check_url(self.url)


def url_of(where: Where, post: Post) -> str:
    """Raises ChannelError where the file is not fit to be used."""
    if where.url:
        return where.url
    url = post.secret(where.url_file).reveal()
    try:
        check_url(url)
    except ValueError as error:
        raise ChannelError(f"{where.url_file}: {error}", permanent=True) from None
    return url


def check_url(url: str) -> None:
    """Raises ValueError; the text does not hold the address."""
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.port != 0
        plain = sound and parts.username is None and url.isascii() and url.isprintable() and " " not in url
    except ValueError:
        plain = False
    if not plain:
        raise ValueError("an address begins with https:// or http:// and holds no user and no password")
