"""`mesh-assets esm create`, `update`, `delete`, `permissions` and `role`: a plan first, applied by its id."""

from pathlib import Path
from typing import Any

import click

from mesh_assets.esm.planning import PlanOptions
from mesh_assets.esm.request import (
    CreateRequest,
    NamedMapping,
    PermissionsRequest,
    UpdateRequest,
    read_request,
)
from mesh_assets.mapping_commands.mappings import named_by, naming_options
from mesh_assets.mapping_commands.plans import (
    mapping_service,
    plan_options,
    region_option,
    rights_options,
    show,
    show_applied,
    wait,
    wait_option,
)
from mesh_assets.mapping_commands.request_options import request_from, request_options


@click.command(short_help="Wire a topic to a function.")
@request_options(CreateRequest)
@rights_options
@region_option
@wait_option
@plan_options
def create(
    request_file: Path | None,
    no_permissions: bool,
    continue_without_permissions: bool,
    region: str | None,
    wait_seconds: float,
    plan_id: str | None,
    as_json: bool,
    **parameters: Any,
) -> None:
    """Wire a Kafka topic to a Lambda function: show what would be done, or do it with --apply.

    Checks everything first: the parameters, the function, its role, the secrets, the topic. The plan has the
    exact request and what the role lacks. With --apply the role is granted that in one inline policy, and the
    mapping is created and waited for.
    """
    request = request_from(CreateRequest, parameters, request_file)
    options = PlanOptions(
        add_permissions=not no_permissions, continue_without_permissions=continue_without_permissions
    )
    service = mapping_service(region)
    if plan_id is None:
        show(service.plan_create(request, options), as_json=as_json)
        return
    applied = service.create(request, plan_id, options)
    show_applied(applied, as_json=as_json)
    if applied.mapping is not None:
        wait(
            service,
            applied.mapping.uuid,
            "Enabled" if request.enabled is not False else "Disabled",
            wait_seconds,
        )


@click.command(short_help="Change a mapping.")
@click.argument("uuid", required=False)
@request_options(UpdateRequest, without=("uuid",))
@rights_options
@region_option
@wait_option
@plan_options
def update(
    uuid: str | None,
    request_file: Path | None,
    no_permissions: bool,
    continue_without_permissions: bool,
    region: str | None,
    wait_seconds: float,
    plan_id: str | None,
    as_json: bool,
    **parameters: Any,
) -> None:
    """Change a mapping: show what would change, or change it with --apply.

    Name it by UUID (then --target is the function to call from now on), or by --target, --kafka-topic and its
    source.
    """
    request = request_from(UpdateRequest, {"uuid": uuid, **parameters}, request_file)
    options = PlanOptions(
        add_permissions=not no_permissions, continue_without_permissions=continue_without_permissions
    )
    service = mapping_service(region)
    if plan_id is None:
        show(service.plan_update(request, options), as_json=as_json)
        return
    applied = service.update(request, plan_id, options)
    show_applied(applied, as_json=as_json)
    if applied.mapping is not None:
        enabled = (
            request.enabled
            if request.enabled is not None
            else applied.plan.observed["mapping"]["State"] != "Disabled"
        )
        wait(service, applied.mapping.uuid, "Enabled" if enabled else "Disabled", wait_seconds)


@click.command(short_help="Delete a mapping.")
@naming_options
@region_option
@wait_option
@plan_options
def delete(
    uuid: str | None,
    function: str | None,
    source: str | None,
    topic: str | None,
    region: str | None,
    wait_seconds: float,
    plan_id: str | None,
    as_json: bool,
) -> None:
    """Delete a mapping, by UUID or by function, cluster and topic: show it, or delete it with --apply. When
    several match, they are listed and none is chosen. The function, its role and the topic stay."""
    named = read_request(NamedMapping, named_by(uuid, function, source, topic))
    service = mapping_service(region)
    if plan_id is None:
        show(service.plan_delete(named), as_json=as_json)
        return
    applied = service.delete(named, plan_id)
    show_applied(applied, as_json=as_json)
    if applied.mapping is not None:
        wait(service, applied.mapping.uuid, "deleted", wait_seconds)


@click.command(short_help="Grant a mapping's role the rights it lacks.")
@naming_options
@request_options(PermissionsRequest, without=tuple(NamedMapping.model_fields))
@region_option
@plan_options
def permissions(
    uuid: str | None,
    function: str | None,
    source: str | None,
    topic: str | None,
    request_file: Path | None,
    region: str | None,
    plan_id: str | None,
    as_json: bool,
    **parameters: Any,
) -> None:
    """Grant the role of a mapping's function what it lacks, in one inline policy. No other policy is touched.

    Name the mapping by UUID or by function, cluster and topic. It need not exist yet: the other options say how
    it will be.
    """
    named = named_by(uuid, function, source, topic)
    request = request_from(PermissionsRequest, {**named, **parameters}, request_file)
    service = mapping_service(region)
    if plan_id is None:
        show(service.plan_permissions(request), as_json=as_json)
    else:
        show_applied(service.add_permissions(request, plan_id), as_json=as_json)


@click.command(short_help="Create an execution role for a mapping's function.")
@click.argument("name")
@request_options(CreateRequest)
@region_option
@plan_options
def role(
    name: str,
    request_file: Path | None,
    region: str | None,
    plan_id: str | None,
    as_json: bool,
    **parameters: Any,
) -> None:
    """Create the execution role NAME: trusted by Lambda, with the rights of the mapping that the options
    describe, and no more.

    An existing role of that name that trusts Lambda is kept and granted what it lacks. The function need not
    exist yet.
    """
    request = request_from(CreateRequest, parameters, request_file)
    service = mapping_service(region)
    if plan_id is None:
        show(service.plan_execution_role(name, request), as_json=as_json)
    else:
        show_applied(service.create_execution_role(name, request, plan_id), as_json=as_json)
