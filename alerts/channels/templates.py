"""Templates of the settings, filled in where they can do no harm: sandboxed, bounded, strict about names."""

from __future__ import annotations

from typing import Final

from jinja2 import StrictUndefined, TemplateError
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from alerts.channels.errors import ChannelError
from alerts.channels.fields import FILTERS, Values

MAX_TEXT: Final = 64 * 1024


class _Environment(ImmutableSandboxedEnvironment):
    """A record needs no arithmetic that makes gigabytes of a letter."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        raise SecurityError(f"{operator} may not be used here")


def render(template: str, values: Values) -> str:
    """Fill a template in. Raises ChannelError, permanent, that says what does not go."""
    environment = _Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    environment.globals.clear()
    environment.filters.update(FILTERS)
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "sort_keys": False}
    try:
        text = ""
        for part in environment.from_string(template).generate(dict(values)):
            text += part
            if len(text) > MAX_TEXT:
                raise ChannelError(f"the template makes more than {MAX_TEXT} characters", permanent=True)
    except (TemplateError, TypeError, ValueError, ArithmeticError, SyntaxError, RecursionError) as error:
        raise ChannelError(f"the template: {str(error)[:200]}", permanent=True) from None
    return text
