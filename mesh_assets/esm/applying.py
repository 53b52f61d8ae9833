"""Carries out a plan, and refuses it if what it was made from has changed."""

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from mesh_assets.errors import MeshError, PlatformError
from mesh_assets.esm.aws_account import AwsAccount, call, error_code, error_message
from mesh_assets.esm.errors import (
    EsmError,
    MappingBusyError,
    MappingNotFoundError,
    PermissionsError,
    PlanOutdatedError,
)
from mesh_assets.esm.execution_role import existing_role
from mesh_assets.esm.lookup import get_mapping, not_found
from mesh_assets.esm.mapping import EventSourceMapping, read_mapping
from mesh_assets.esm.neighbours import conflict
from mesh_assets.esm.plan import Plan, PlannedCall, require_same
from mesh_assets.esm.planning import DEFAULT_OPTIONS, PlanOptions

# A new policy usually reaches the rest of AWS within seconds, and an update of a function ends as quickly.
_LONGEST_WAIT_SECONDS = 60.0
_PAUSE_SECONDS = 3.0
_UUID_IN_CONFLICT = re.compile(r"UUID:?\s+([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})")


class Applied(Struct, frozen=True, kw_only=True):
    """What was done.

    `mapping` is Lambda's answer, if any. `warnings`: what was not done, and what to do about it.
    """

    plan: Plan
    mapping: EventSourceMapping | None
    warnings: tuple[str, ...] = ()


class InvalidForLambdaError(EsmError):
    """Lambda rejected the content of the request."""


def apply_plan(
    account: AwsAccount,
    plan: Plan,
    plan_id: str,
    *,
    options: PlanOptions = DEFAULT_OPTIONS,
    sleep: Callable[[float], None] = time.sleep,
) -> Applied:
    """Carries out a freshly made plan, provided it has this id.

    Raises PlanOutdatedError for another id, PermissionsError when rights are missing or cannot be granted,
    MappingConflictError, MappingNotFoundError, MappingBusyError (also when another operation does not end
    within a minute), InvalidForLambdaError, and PlatformError for any other refusal. When rights were granted
    and the mapping was then refused, the rights stay: the next plan finds them.
    """
    require_same(plan, plan_id)
    if plan.blocked is not None:
        raise PermissionsError(f"nothing was done: {plan.blocked}", statement=_statement(plan))
    mapping: EventSourceMapping | None = None
    warnings: list[str] = []
    rights_granted = False
    for planned in plan.calls:
        if planned.operation == "PutRolePolicy":
            problem = _grant_rights(account, planned, plan, options)
            rights_granted = problem is None
            warnings += [problem] if problem else []
        elif planned.service == "iam":
            _create_role(account, planned)
        else:
            try:
                mapping = _change_mapping(account, planned, plan, patient=rights_granted, sleep=sleep)
            except MeshError as error:
                if rights_granted:  # the reader must not conclude that nothing was done
                    error.args = (
                        f"{error}\nThe role has been granted its rights nevertheless, and keeps them.",
                    )
                raise
    return Applied(plan=plan, mapping=mapping, warnings=tuple(warnings))


def _grant_rights(account: AwsAccount, planned: PlannedCall, plan: Plan, options: PlanOptions) -> str | None:
    """Returns None, or a warning when it failed and the options say to continue."""
    try:
        _send(account, planned)
    except PlatformError as error:
        if options.continue_without_permissions:
            return f"the role was not granted its rights ({error}); hand this policy to an administrator:\n{_statement(plan)}"
        raise PermissionsError(
            f"{_done_before_the_rights(plan)}: the role could not be granted its rights ({error})",
            statement=_statement(plan),
        ) from error
    return None


def _done_before_the_rights(plan: Plan) -> str:
    made = [call.arguments["RoleName"] for call in plan.calls if call.operation == "CreateRole"]
    return f"role {made[0]} exists now, and nothing else was done" if made else "nothing was done"


class _InProgressError(MappingBusyError):
    """Another operation on the function or the mapping has not ended yet, but will."""


def _change_mapping(
    account: AwsAccount,
    planned: PlannedCall,
    plan: Plan,
    *,
    patient: bool,
    sleep: Callable[[float], None],
) -> EventSourceMapping:
    """Sends it, and retries while another operation is in progress.

    `patient`: also retries while Lambda does not know about rights granted a moment ago.
    """
    waited = 0.0
    while True:
        try:
            return read_mapping(
                _send(account, planned, lambda error: _refusal(account, error, planned.arguments))
            )
        except _InProgressError:
            if waited >= _LONGEST_WAIT_SECONDS:
                raise
        except InvalidForLambdaError as error:
            if not patient or "role" not in str(error).lower() or waited >= _LONGEST_WAIT_SECONDS:
                raise
        sleep(_PAUSE_SECONDS)
        waited += _PAUSE_SECONDS
        _require_unchanged(account, planned, plan)


def _require_unchanged(account: AwsAccount, planned: PlannedCall, plan: Plan) -> None:
    """Raises PlanOutdatedError if the operation waited for has changed the mapping."""
    uuid, planned_for = planned.arguments.get("UUID"), plan.observed.get("mapping")
    if uuid is None or planned_for is None:
        return
    mapping = get_mapping(account, uuid)
    if {**mapping.configuration, "State": mapping.state} != planned_for:
        raise PlanOutdatedError(
            f"mapping {uuid} was changed by somebody else while plan {plan.id} was being carried out; this plan did not change it; "
            "make a new plan"
        )


def _send(
    account: AwsAccount,
    planned: PlannedCall,
    translate: Callable[[Exception], Exception | None] | None = None,
) -> Any:
    method = re.sub(r"(?<!^)(?=[A-Z])", "_", planned.operation).lower()
    arguments = planned.arguments
    resource = (
        arguments.get("UUID") or arguments.get("RoleName") or f"function {arguments.get('FunctionName')}"
    )
    return call(
        getattr(account.client(planned.service), method),
        action=f"{planned.service}:{planned.operation}",
        resource=f"role {resource}" if planned.service == "iam" else str(resource),
        translate=translate,
        **arguments,
    )


class _AlreadyExistsError(EsmError):
    pass


def _create_role(account: AwsAccount, planned: PlannedCall) -> None:
    """Creates the role, unless somebody has done so between plan and call.

    Such a role gets its rights only if Lambda may assume it. Raises UntrustingRoleError otherwise.
    """

    def translate(error: Exception) -> MeshError | None:
        return _AlreadyExistsError("") if error_code(error) == "EntityAlreadyExists" else None

    try:
        _send(account, planned, translate)
    except _AlreadyExistsError:
        existing_role(account, planned.arguments["RoleName"])


def _refusal(account: AwsAccount, error: Exception, arguments: Mapping[str, Any]) -> MeshError | None:
    message = error_message(error)
    uuid = arguments.get("UUID")
    match error_code(error):
        case "ResourceConflictException" if "in progress" in message.lower():
            return _InProgressError(
                f"{f'mapping {uuid}' if uuid else 'the function or its mapping'} is busy with another operation ({message}); "
                "the mapping was not changed; wait until that has ended, then plan again"
            )
        case "ResourceConflictException":
            return _conflict(account, message, arguments)
        case "ResourceInUseException":
            return MappingBusyError(
                f"mapping {uuid} is changing now ({message}); wait until it is Enabled or Disabled, then plan again"
            )
        case "ResourceNotFoundException" if uuid:
            return not_found(account, str(uuid))
        case "InvalidParameterValueException" | "ValidationException":
            return InvalidForLambdaError(f"Lambda rejects the request: {message}")
    return None


def _conflict(account: AwsAccount, message: str, arguments: Mapping[str, Any]) -> MeshError:
    match = _UUID_IN_CONFLICT.search(message)
    if match is None:
        return conflict(None, None, dict(arguments))
    try:
        existing = get_mapping(account, match[1])
    except (PlatformError, MappingNotFoundError):  # the conflict matters; the comparison is optional
        return conflict(match[1], None, dict(arguments))
    return conflict(match[1], existing, dict(arguments))


def _statement(plan: Plan) -> str:
    return "" if plan.permissions is None else plan.permissions.statement or ""
