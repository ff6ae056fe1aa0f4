"""Headers of e-mails in Vietnamese, folded without losing a blank.

The policies of `email` in Python 3.11 drop the blank between two words of a long header where both are encoded, and
"PhườngBắc Giang" arrives (seen with 3.11.7; a test tells). `email.header`, the older way of the same library, does not.
"""

from __future__ import annotations

from email.header import Header
from email.headerregistry import AddressHeader
from email.policy import EmailPolicy
from email.utils import formataddr
from typing import Final


class _Policy(EmailPolicy):
    def fold(self, name: str, value: str) -> str:
        return (
            f"{name}: {folded(name, value, self.linesep)}{self.linesep}"
            if _foreign(value)
            else super().fold(name, value)
        )

    def fold_binary(self, name: str, value: str) -> bytes:
        return self.fold(name, value).encode("ascii", "surrogateescape")


POLICY: Final = _Policy(linesep="\r\n")


def folded(name: str, value: object, linesep: str) -> str:
    """The value of a header that is not plain ASCII, in lines of at most 76 characters as far as it can be."""
    if isinstance(value, AddressHeader):
        return f",{linesep} ".join(formataddr((box.display_name, box.addr_spec)) for box in value.addresses)
    return Header(str(value), "utf-8", header_name=name).encode(linesep=linesep)


def _foreign(value: object) -> bool:
    return not str(value).isascii()
