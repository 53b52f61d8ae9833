"""Rules that a request breaks, and warnings about it: the field, its value, the rule, what to do."""

from typing import Any, Literal

from msgspec import Struct

Severity = Literal["fault", "warning"]
_SHOWN_CHARACTERS = 120


class Violation(Struct, frozen=True, kw_only=True):
    """A fault stops the request; a warning goes on the plan.

    `value` is shortened text. It is None where there is none, or where showing it could reveal a secret.
    """

    field: str
    value: str | None
    rule: str
    action: str
    severity: Severity = "fault"

    def __str__(self) -> str:
        value = "" if self.value is None else f" = {self.value}"
        return f"{self.field}{value}: {self.rule}; {self.action}"


def fault(field: str, value: Any, rule: str, action: str) -> Violation:
    """A violation that stops the request."""
    return Violation(field=field, value=shown(value), rule=rule, action=action)


def warning(field: str, value: Any, rule: str, action: str) -> Violation:
    """A violation that goes on the plan."""
    return Violation(field=field, value=shown(value), rule=rule, action=action, severity="warning")


def shown(value: Any) -> str | None:
    """The value as printable text, shortened."""
    if value is None:
        return None
    text = value if isinstance(value, str) else repr(value)
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
