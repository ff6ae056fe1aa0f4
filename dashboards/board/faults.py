"""What the board refuses.

BoardError
└── Refused    an answer with a status and, in the catalogue's `problem` group, a sentence and its remedy
"""

from __future__ import annotations


class BoardError(Exception):
    """Root of what the board raises itself."""


class Refused(BoardError):
    """`code` names the sentence `problem.<code>` and the remedy `problem.<code>_remedy`."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
