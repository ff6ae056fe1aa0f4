"""A call that may hang for ever, asked from a thread that is left behind when it does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Hanging(TimeoutError):
    """The call has not come back yet."""


class Asked(Generic[T]):
    """One call under way in a daemon thread. Whoever asks keeps it, so that nothing that hangs is asked twice."""

    def __init__(self, call: Callable[[], T], name: str) -> None:
        self._call = call
        self._answer: T | None = None
        self._error: BaseException | None = None
        self._done = threading.Event()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    @property
    def hangs(self) -> bool:
        """Whether the call is still under way."""
        return not self._done.is_set()

    def answer(self, timeout_s: float) -> T:
        """What the call returned, or raises what it raised; Hanging when that takes longer than `timeout_s`."""
        if not self._done.wait(max(0.0, timeout_s)):
            raise Hanging(f"no answer within {timeout_s:.1f} s")
        if self._error is not None:
            raise self._error
        return self._answer  # type: ignore[return-value]  # T may itself be optional, so None proves nothing

    def _run(self) -> None:
        try:
            self._answer = self._call()
        except Exception as error:
            self._error = error  # handed to whoever waits
        finally:
            self._done.set()
