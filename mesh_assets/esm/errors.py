"""What is wrong, or worth knowing, about a request, and the errors a caller can decide on.

What AWS itself refuses stays a PlatformError (RefusedError, UnreachableError …).
"""

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct

from mesh_assets.errors import MeshError

# What is wrong, or worth knowing, about a request: the field, its value, the rule, what to do.

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


# What a caller of the mappings' part can decide on. What AWS itself refuses stays a PlatformError
# (RefusedError, UnreachableError …).


class EsmError(MeshError):
    """Base of the errors about event source mappings."""


class InvalidRequestError(EsmError):
    """The request breaks rules; nothing was called. `findings` holds every one of them."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        number = len(self.findings)
        heading = f"the request has {number} {'fault' if number == 1 else 'faults'}; nothing was called"
        super().__init__("\n".join([heading, *(f"  {finding}" for finding in self.findings)]))


class MappingNotFoundError(EsmError):
    """There is no such mapping in this account and region."""


class AmbiguousMappingError(EsmError):
    """More than one mapping fits what was asked for. `candidates` are their UUIDs."""

    def __init__(self, message: str, candidates: Sequence[str]) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates)


class MappingConflictError(EsmError):
    """The mapping exists already. `existing_uuid` None: AWS did not say which; `differences`: where it is not
    what was asked for."""

    def __init__(self, message: str, *, existing_uuid: str | None, differences: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.existing_uuid = existing_uuid
        self.differences = tuple(differences)


class MappingBusyError(EsmError):
    """The mapping is in a state that allows no change now (Creating, Updating, Deleting …). Trying later
    helps."""


class PlanOutdatedError(EsmError):
    """What the plan was made from is not so any more, or the id is of another plan. Look at the new plan
    first."""


class PermissionsError(EsmError):
    """The role lacks rights and they could not be given. `statement` is the policy to hand to an
    administrator, as JSON."""

    def __init__(self, message: str, *, statement: str) -> None:
        super().__init__(f"{message}\nHand this policy to an administrator of the role:\n{statement}")
        self.statement = statement


class WaitTimeoutError(EsmError):
    """The mapping did not reach the state within the time. Nothing was undone."""
