"""What a probe was given, checked before anything is measured; and the way a run ends before it has a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from wire.outcomes import Result, unknown

if TYPE_CHECKING:
    import msgspec

    from wire.identity import Kind
    from wire.messages import PlanItem, Scalar

S = TypeVar("S", bound="msgspec.Struct")


class Ended(Exception):
    """The run is over without a number: `result` says what is known, `detail` why."""

    def __init__(self, result: Result, **detail: Scalar) -> None:
        super().__init__(result.reason)
        self.result, self.detail = result, detail


def bad_setting(key: str, text: str) -> Ended:
    """The plan cannot be carried out as it is written; `key` is what must be changed in it."""
    return Ended(unknown("bad_settings"), key=key[:200], error=text[:500])


def settings_of(item: PlanItem, struct: type[S]) -> S:
    """The item's settings as `struct`; keys it does not know are a newer plan's and are ignored. Raises Ended."""
    import msgspec

    from wire.readied import readied

    try:
        return msgspec.convert(item.settings, readied(struct))
    except (msgspec.ValidationError, OverflowError) as error:
        text, _, key = str(error).partition(" - at `$.")
        raise bad_setting(key.rstrip("`") or "settings", text) from error


def kind_of(item: PlanItem, kinds: tuple[Kind, ...]) -> Kind:
    """The kind of the item's subject, one of `kinds`. Raises Ended."""
    from wire.identity import IdentityError, parse_subject

    try:
        kind = parse_subject(item.subject).kind
    except IdentityError as error:
        raise bad_setting("subject", str(error)) from error
    if kind not in kinds:
        raise bad_setting("subject", f"probe {item.probe} measures {' or '.join(kinds)}, not {kind}")
    return kind
