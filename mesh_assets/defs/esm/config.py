"""The configs of the jobs, made from the requests' own fields: one name everywhere."""

import typing
from typing import Any, TypeVar

import dagster as dg
from pydantic import Field, create_model

from mesh_assets.errors import MeshError
from mesh_assets.esm.request import CreateRequest, UpdateRequest, read_request
from mesh_assets.esm.request_fields import EsmModel

Request = TypeVar("Request", bound=EsmModel)

WAIT_SECONDS = 300.0


class SourceAccessConfig(dg.Config):
    type: str
    uri: str | None = None


class RegistryAccessConfig(dg.Config):
    type: str
    uri: str | None = None


class SchemaRegistryConfig(dg.Config):
    uri: str
    event_record_format: str = "JSON"
    validate_attributes: list[str] = Field(default=["VALUE"])
    access_configurations: list[RegistryAccessConfig] = Field(default=[])


# Dagster's configs know plain types, lists, maps and configs; these are the fields that are none of them in
# the request.
_TYPES: dict[str, Any] = {
    "source_access_configurations": list[SourceAccessConfig],
    "schema_registry": SchemaRegistryConfig,
    "filter_patterns": list[str],
    "metrics": list[str],
    "kafka_bootstrap_servers": list[str],
    "tags": dict[str, str],
}

_APPLY = Field(default=False, description="False: only the plan. True: carry out the plan of plan_id")
_PLAN_ID = Field(default=None, description="With apply: the plan's id, as the run that showed it says")
_REGION = Field(default=None, description="AWS region; default: AWS_REGION, else the estate's only account")
_REPEATED = Field(
    default=None, description="With apply: the mapping's UUID once more, so that no other is meant by mistake"
)
_WAIT = Field(default=WAIT_SECONDS, description="Seconds to wait for the mapping to settle; 0: not at all")
_ADD = Field(default=True, description="Give the role what it lacks, as one inline policy of its own")
_GO_ON = Field(default=False, description="Go on when the role's rights are not known or cannot be given")

_RIGHTS: dict[str, Any] = {"add_permissions": (bool, _ADD), "continue_without_permissions": (bool, _GO_ON)}
_PLAN: dict[str, Any] = {
    "apply": (bool, _APPLY),
    "plan_id": (str | None, _PLAN_ID),
    "region": (str | None, _REGION),
}
_SETTLES: dict[str, Any] = {"wait_seconds": (float, _WAIT)}


def _fields(kind: type[EsmModel]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        annotation = _TYPES.get(name, _plain(field.annotation))
        if field.is_required():
            fields[name] = (annotation, Field(description=field.description))
        else:
            fields[name] = (annotation | None, Field(default=field.default, description=field.description))
    return fields


def _plain(annotation: Any) -> Any:
    """The one plain type of an annotation like `int | None`; text for times, which have no type of their own
    in a config."""
    for part in (annotation, *typing.get_args(annotation)):
        while typing.get_origin(part) is typing.Annotated:
            part = typing.get_args(part)[0]
        if part in (int, bool):
            return part
    return str


def _config(name: str, **fields: Any) -> Any:
    return create_model(name, __base__=dg.Config, **fields)


CreateConfig = _config("CreateEventSourceMapping", **_fields(CreateRequest), **_RIGHTS, **_PLAN, **_SETTLES)
UpdateConfig = _config(
    "UpdateEventSourceMapping",
    **_fields(UpdateRequest),
    repeat_uuid=(str | None, _REPEATED),
    **_RIGHTS,
    **_PLAN,
    **_SETTLES,
)
DeleteConfig = _config(
    "DeleteEventSourceMapping",
    uuid=(str, Field(description="The mapping's UUID")),
    repeat_uuid=(str | None, _REPEATED),
    **_PLAN,
    **_SETTLES,
)
PermissionsConfig = _config(
    "AddMskPermissions",
    uuid=(str, Field(description="The UUID of the mapping whose function's role gets what it lacks")),
    repeat_uuid=(str | None, _REPEATED),
    **_PLAN,
)


def request_of(kind: type[Request], config: Any) -> Request:
    """The request in a job's config. Raises InvalidRequestError with all findings about its shape."""
    data = {name: _data(getattr(config, name)) for name in kind.model_fields}
    return read_request(kind, {name: value for name, value in data.items() if value is not None})


def plan_to_apply(config: Any, uuid: str | None = None) -> str | None:
    """The id of the plan to carry out; None: only plan. `uuid`: the mapping a changing job is about, which
    its config must repeat.

    Raises MeshError when apply is asked for without the id, or the UUID is not repeated.
    """
    if not config.apply:
        return None
    if uuid is not None and config.repeat_uuid != uuid:
        raise MeshError(
            f"apply needs `repeat_uuid: {uuid}` in the config, so that no other mapping is meant by mistake; nothing was done"
        )
    if not config.plan_id:
        raise MeshError(
            "apply needs `plan_id`: run the job without apply first, look at the plan, and give its id; nothing was done"
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
