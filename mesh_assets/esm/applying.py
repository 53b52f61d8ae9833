"""Plans carried out: made anew first, and refused when the world has moved."""

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from mesh_assets.errors import MeshError, PlatformError
from mesh_assets.esm.aws_account import AwsAccess, call, error_code, error_message
from mesh_assets.esm.errors import EsmError, MappingBusyError, MappingNotFoundError, PermissionsError
from mesh_assets.esm.lookup import get_mapping, not_found
from mesh_assets.esm.mapping import EventSourceMapping, read_mapping
from mesh_assets.esm.plan import Plan, PlannedCall, require_same
from mesh_assets.esm.planning import DEFAULT_OPTIONS, PlanOptions, conflict

# IAM tells the rest of AWS of a new policy within seconds, as a rule.
_RIGHTS_ARRIVE_SECONDS = 60.0
_RIGHTS_PAUSE_SECONDS = 3.0
_UUID_IN_CONFLICT = re.compile(r"UUID:?\s+([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})")


class Applied(Struct, frozen=True, kw_only=True):
    """What was done. `mapping` as Lambda answered it; None where there is none. `warnings`: what was not
    done, and what to do about it."""

    plan: Plan
    mapping: EventSourceMapping | None
    warnings: tuple[str, ...] = ()


class InvalidForLambdaError(EsmError):
    """Lambda refused the request for its content."""


def apply_plan(
    access: AwsAccess,
    plan: Plan,
    plan_id: str,
    *,
    options: PlanOptions = DEFAULT_OPTIONS,
    sleep: Callable[[float], None] = time.sleep,
) -> Applied:
    """Carries out a plan that was made just now, when it is the one with the id.

    Raises PlanOutdatedError, PermissionsError, MappingConflictError, MappingBusyError, PlatformError. When
    rights were given and the mapping was refused, the rights stay: the plan that is made next finds them.
    """
    require_same(plan, plan_id)
    if plan.blocked is not None:
        raise PermissionsError(f"nothing was done: {plan.blocked}", statement=_statement(plan))
    mapping: EventSourceMapping | None = None
    warnings: list[str] = []
    rights_given = False
    for planned in plan.calls:
        if planned.operation == "PutRolePolicy":
            problem = _give_rights(access, planned, plan, options)
            rights_given = problem is None
            warnings += [problem] if problem else []
        elif planned.service == "iam":
            _send(access, planned, _already_there if planned.operation == "CreateRole" else None)
        else:
            mapping = _change_mapping(access, planned, patient=rights_given, sleep=sleep)
    return Applied(plan=plan, mapping=mapping, warnings=tuple(warnings))


def _give_rights(access: AwsAccess, planned: PlannedCall, plan: Plan, options: PlanOptions) -> str | None:
    """None, or the warning where it failed and going on was asked for."""
    try:
        _send(access, planned)
    except PlatformError as error:
        if options.continue_without_permissions:
            return f"the role was not given its rights ({error}); hand this policy to an administrator:\n{_statement(plan)}"
        raise PermissionsError(
            f"nothing was made: the role could not be given its rights ({error})", statement=_statement(plan)
        ) from error
    return None


def _change_mapping(
    access: AwsAccess, planned: PlannedCall, *, patient: bool, sleep: Callable[[float], None]
) -> EventSourceMapping:
    """Sends it; `patient`: repeats while Lambda does not know of rights that were given just now."""
    waited = 0.0
    while True:
        try:
            return read_mapping(
                _send(access, planned, lambda error: _refusal(access, error, planned.arguments))
            )
        except InvalidForLambdaError as error:
            if not patient or "role" not in str(error).lower() or waited >= _RIGHTS_ARRIVE_SECONDS:
                raise
            sleep(_RIGHTS_PAUSE_SECONDS)
            waited += _RIGHTS_PAUSE_SECONDS


def _send(
    access: AwsAccess, planned: PlannedCall, tell: Callable[[Exception], Exception | None] | None = None
) -> Any:
    method = re.sub(r"(?<!^)(?=[A-Z])", "_", planned.operation).lower()
    arguments = planned.arguments
    resource = (
        arguments.get("UUID") or arguments.get("RoleName") or f"function {arguments.get('FunctionName')}"
    )
    try:
        return call(
            getattr(access.client(planned.service), method),
            action=f"{planned.service}:{planned.operation}",
            resource=f"role {resource}" if planned.service == "iam" else str(resource),
            tell=tell,
            **arguments,
        )
    except _AlreadyThereError:
        return {}


class _AlreadyThereError(EsmError):
    pass


def _already_there(error: Exception) -> MeshError | None:
    """Another made the role between plan and call: what the plan wanted is there; its rights are the next
    call's."""
    return _AlreadyThereError("") if error_code(error) == "EntityAlreadyExists" else None


def _refusal(access: AwsAccess, error: Exception, arguments: Mapping[str, Any]) -> MeshError | None:
    message = error_message(error)
    uuid = arguments.get("UUID")
    match error_code(error):
        case "ResourceConflictException":
            return _conflict(access, message, arguments)
        case "ResourceInUseException":
            return MappingBusyError(
                f"mapping {uuid} is changing now ({message}); wait until it is Enabled or Disabled, and plan anew"
            )
        case "ResourceNotFoundException" if uuid:
            return not_found(access, str(uuid))
        case "InvalidParameterValueException" | "ValidationException":
            return InvalidForLambdaError(f"Lambda does not take the request: {message}")
    return None


def _conflict(access: AwsAccess, message: str, arguments: Mapping[str, Any]) -> MeshError:
    match = _UUID_IN_CONFLICT.search(message)
    if match is None:
        return conflict(None, None, dict(arguments))
    try:
        existing = get_mapping(access, match[1])
    except (
        PlatformError,
        MappingNotFoundError,
    ):  # the conflict is what matters; the comparison is a courtesy
        return conflict(match[1], None, dict(arguments))
    return conflict(match[1], existing, dict(arguments))


def _statement(plan: Plan) -> str:
    return "" if plan.permissions is None else plan.permissions.statement or ""
