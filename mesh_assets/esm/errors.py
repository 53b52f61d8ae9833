"""What can be wrong with a request, and the errors that report it."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

from msgspec import Struct

from mesh_assets.errors import EstateError, MeshError

# Rules that a request breaks, and warnings about it: the field, its value, the rule, what to do.

Severity = Literal["fault", "warning"]
_SHOWN_CHARACTERS = 120


_EMPTY = "''"


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
        value = "" if self.value is None else f" = {self.value or _EMPTY}"
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


# The errors a caller can act on.
#
# What AWS itself refuses stays a PlatformError (RefusedError, UnreachableError …).


class EsmError(MeshError):
    """Base of the errors about event source mappings."""


Auth = Literal["iam", "sasl"]
"""The logins that one secret may have at once."""

AUTHS: tuple[Auth, ...] = get_args(Auth)


class TwoLoginsError(EstateError):
    """A secret has an IAM login and a SASL login, and nothing says which is meant."""


class InvalidRequestError(EsmError):
    """The request breaks rules; nothing was done. `violations` holds all of them."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = tuple(violations)
        number = len(self.violations)
        heading = f"the request has {number} {'fault' if number == 1 else 'faults'}; nothing was done"
        super().__init__("\n".join([heading, *(f"  {violation}" for violation in self.violations)]))


class MappingNotFoundError(EsmError):
    """This account and region have no such mapping."""


class AmbiguousMappingError(EsmError):
    """More than one mapping matches. `candidates` are their UUIDs."""

    def __init__(self, message: str, candidates: Sequence[str]) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates)


class MappingConflictError(EsmError):
    """The mapping already exists.

    `existing_uuid` None: AWS did not say which. `differences`: where it differs from the request.
    """

    def __init__(self, message: str, *, existing_uuid: str | None, differences: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.existing_uuid = existing_uuid
        self.differences = tuple(differences)


class MappingBusyError(EsmError):
    """The mapping is in a state that allows no change now (Creating, Updating, Deleting …).

    Trying later helps.
    """


class PlanOutdatedError(EsmError):
    """What the plan was made from has changed since, or the id belongs to another plan.

    Look at the new plan first.
    """


class PermissionsError(EsmError):
    """The role lacks rights that could not be granted.

    `statement` is the policy for an administrator, as JSON.
    """

    def __init__(self, message: str, *, statement: str) -> None:
        super().__init__(f"{message}\nHand this policy to an administrator of the role:\n{statement}")
        self.statement = statement


class WaitTimeoutError(EsmError):
    """The mapping did not reach the state in time. Nothing was undone."""
