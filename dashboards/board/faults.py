"""What the board refuses.

BoardError
└── Refused    an answer with a status and, in the catalogue's `problem` group, a sentence and its remedy
"""

from __future__ import annotations


class BoardError(Exception):
    """Root of what the board raises itself."""


class Refused(BoardError):
    """`code` names the sentence `problem.<code>` and the remedy `problem.<code>_remedy`, into which `told` goes.

    `wait_ms`: how long it makes no sense to ask again; 0 where nobody can say.
    """

    def __init__(self, status: int, code: str, *, wait_ms: int = 0, **told: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.wait_ms = wait_ms
        self.told = told
