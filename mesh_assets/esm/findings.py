"""What is wrong, or worth knowing, about a request: the field, its value, the rule, what to do."""

from typing import Any, Literal

from msgspec import Struct

Severity = Literal["fault", "warning"]
_SHOWN = 120


class Finding(Struct, frozen=True, kw_only=True):
    """`value` is shown as text, cut, and None where showing it could show a secret or there is none.

    A fault stops the request; a warning goes on the plan.
    """

    field: str
    value: str | None
    rule: str
    action: str
    severity: Severity = "fault"

    def __str__(self) -> str:
        value = "" if self.value is None else f" = {self.value}"
        return f"{self.field}{value}: {self.rule}; {self.action}"


def fault(field: str, value: Any, rule: str, action: str) -> Finding:
    return Finding(field=field, value=shown(value), rule=rule, action=action)


def warning(field: str, value: Any, rule: str, action: str) -> Finding:
    return Finding(field=field, value=shown(value), rule=rule, action=action, severity="warning")


def shown(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else repr(value)
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
