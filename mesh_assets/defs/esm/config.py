"""The configs of the jobs, built from the table of request fields, and what a run reads from them."""

from functools import cache
from types import GenericAlias
from typing import Any, TypeVar

import dagster as dg
from pydantic import Field, create_model

from mesh_assets.errors import MeshError
from mesh_assets.esm.errors import AUTHS, Auth
from mesh_assets.esm.proof.validation import METRICS_SECONDS
from mesh_assets.esm.request import (
    CreateRequest,
    NamedMapping,
    PermissionsRequest,
    UpdateRequest,
    read_request,
)
from mesh_assets.esm.request_fields import EsmModel, Kind, fields_of

Request = TypeVar("Request", bound=EsmModel)

WAIT_SECONDS = 300.0

_APPLY = Field(default=False, description="False: only the plan. True: carry out the plan of plan_id")
_PLAN_ID = Field(default=None, description="With apply: the plan's id, from the run that showed it")
_REGION = Field(default=None, description="AWS region; default: AWS_REGION, else the estate's only account")
_REPEATED = Field(default=None, description="With apply: the mapping's UUID again, to rule out a mistake")
_WAIT = Field(default=WAIT_SECONDS, description="Seconds to wait for the mapping to settle; 0: not at all")
_ADD = Field(default=True, description="Grant the role what it lacks, in a separate inline policy")
_GO_ON = Field(default=False, description="Continue when the role's rights are unknown or cannot be granted")

_RIGHTS: dict[str, Any] = {"add_permissions": (bool, _ADD), "continue_without_permissions": (bool, _GO_ON)}
_PLAN: dict[str, Any] = {
    "apply": (bool, _APPLY),
    "plan_id": (str | None, _PLAN_ID),
    "region": (str | None, _REGION),
}
_SETTLES: dict[str, Any] = {"wait_seconds": (float, _WAIT)}
_REPEATS: dict[str, Any] = {"repeat_uuid": (str | None, _REPEATED)}


def _fields(model: type[EsmModel]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for field in fields_of(model):
        type_ = _type(field.kind)
        if field.required:
            fields[field.name] = (type_, Field(description=field.description))
        else:
            default = list(field.default) if isinstance(field.default, tuple) else field.default
            fields[field.name] = (
                type_ | None if field.nullable else type_,
                Field(default=default, description=field.description),
            )
    return fields


def _type(kind: Kind) -> Any:
    """Dagster's configs support plain types, lists, maps and configs."""
    match kind.form:
        case "flag":
            return bool
        case "count":
            return int
        case "text" | "time":
            return str
        case "names" | "patterns":
            return list[str]
        case "tags":
            return dict[str, str]
        case "accesses":
            return GenericAlias(list, (_part(kind.model),))
        case "record":
            return _part(kind.model)


@cache
def _part(model: Any) -> Any:
    """The config for a part of a request; the same class for the same model."""
    return _config(f"{model.__name__}Config", **_fields(model))


def _config(name: str, **fields: Any) -> Any:
    return create_model(name, __base__=dg.Config, **fields)


CreateConfig = _config("CreateEventSourceMapping", **_fields(CreateRequest), **_RIGHTS, **_PLAN, **_SETTLES)
UpdateConfig = _config(
    "UpdateEventSourceMapping", **_fields(UpdateRequest), **_REPEATS, **_RIGHTS, **_PLAN, **_SETTLES
)
DeleteConfig = _config("DeleteEventSourceMapping", **_fields(NamedMapping), **_REPEATS, **_PLAN, **_SETTLES)
PermissionsConfig = _config("AddMskPermissions", **_fields(PermissionsRequest), **_REPEATS, **_PLAN)


class ValidateConfig(dg.Config):
    """The config of the job that proves that a mapping processes."""

    uuid: str = Field(description="The mapping's UUID")
    secret_arn: str | None = Field(
        default=None, description="Credentials for writing the messages; default: the mapping's own"
    )
    auth: str | None = Field(default=None, description="Which login of a secret that has two: iam or sasl")
    messages: int = Field(default=10, description="How many test messages")
    bytes_each: int = Field(default=256, description="Bytes per message")
    key: str | None = Field(default=None, description="Their key; default: none, the partitions take turns")
    deadline_seconds: float | None = Field(
        default=None, description="Default: 30 for a working mapping, 300 for a new one"
    )
    metrics_seconds: float = Field(
        default=METRICS_SECONDS, description="How long to wait for CloudWatch's counts"
    )
    region: str | None = Field(
        default=None, description="AWS region; default: AWS_REGION, else the estate's only account"
    )
    apply: bool = Field(
        default=False, description="False: only the plan. True: write the messages of plan_id and judge"
    )
    plan_id: str | None = Field(
        default=None, description="With apply: the plan's id, from the run that showed it"
    )


def request_of(model: type[Request], config: Any) -> Request:
    """The request in a job's config. Raises InvalidRequestError with everything wrong about its shape."""
    data = {field.name: _data(getattr(config, field.name)) for field in fields_of(model)}
    return read_request(model, {name: value for name, value in data.items() if value is not None})


def auth_of(config: Any) -> Auth | None:
    """Raises MeshError for something that is not a login of any secret."""
    for auth in AUTHS:
        if config.auth == auth:
            return auth
    if config.auth is None:
        return None
    raise MeshError(f"auth: {config.auth} is not a login of a secret; expected {' or '.join(AUTHS)}")


def plan_to_apply(config: Any, uuid: str | None = None) -> str | None:
    """The id of the plan to carry out; None: only plan.

    `uuid`: the mapping to be changed, which the config must repeat. Raises MeshError when `apply` is given
    without the id, or the UUID is not repeated.
    """
    if not config.apply:
        return None
    if uuid is not None and config.repeat_uuid != uuid:
        raise MeshError(
            f"apply needs `repeat_uuid: {uuid}` in the config, to rule out a mistake; nothing was done"
        )
    if not config.plan_id:
        raise MeshError(
            "apply needs `plan_id`: run the job without apply first, check the plan, and give its id; nothing was done"
        )
    plan_id: str = config.plan_id
    return plan_id


def _data(value: Any) -> Any:
    match value:
        case dg.Config():
            return {name: _data(getattr(value, name)) for name in type(value).model_fields}
        case list():
            return [_data(part) for part in value]
        case _:
            return value
