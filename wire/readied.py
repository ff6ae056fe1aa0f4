"""What msgspec must know of a struct is worked out by one thread, once.

It is worked out at the first use, through Python's own typing: two threads that are first together crash the process
(msgspec 0.20, seen when several loops of a collector read the policy at its start).
"""

from __future__ import annotations

import threading
from typing import Final, TypeVar

import msgspec

S = TypeVar("S", bound=msgspec.Struct)

_lock: Final = threading.Lock()
_known: Final[set[type[msgspec.Struct]]] = set()


def readied(struct: type[S]) -> type[S]:
    """The same struct, fit to be used by several threads."""
    if struct not in _known:
        with _lock:
            msgspec.json.Decoder(struct)
            _known.add(struct)
    return struct
