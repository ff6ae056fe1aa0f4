"""What a channel may raise: one error, that says whether trying again makes sense and when."""

from __future__ import annotations


class ChannelError(Exception):
    """A letter that did not go. The text is for people and holds no secret.

    `permanent`: the same letter will not go later either. `retry_after_s`: the other side asked for so much patience.
    """

    def __init__(self, text: str, *, permanent: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.permanent = permanent
        self.retry_after_s = retry_after_s
