"""The errors a caller can act on.

What AWS itself refuses stays a PlatformError (RefusedError, UnreachableError …).
"""

from collections.abc import Sequence

from mesh_assets.errors import MeshError
from mesh_assets.esm.violations import Violation


class EsmError(MeshError):
    """Base of the errors about event source mappings."""


class InvalidRequestError(EsmError):
    """The request breaks rules; nothing was called. `violations` holds all of them."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = tuple(violations)
        number = len(self.violations)
        heading = f"the request has {number} {'fault' if number == 1 else 'faults'}; nothing was called"
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
