"""What the account's other mappings mean for a planned one: it already exists, shares a group, or has no room."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mesh_assets.esm.api_request import (
    UNCHANGEABLE,
    differences,
    effective_pollers,
    provisioned_mode_asked,
)
from mesh_assets.esm.arns import names_function
from mesh_assets.esm.aws_account import AwsAccount
from mesh_assets.esm.errors import MappingConflictError, Violation, fault
from mesh_assets.esm.lookup import get_mapping, same_source
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.request import CreateRequest, UpdateRequest
from mesh_assets.esm.validation.polling import MOST_MAX_POLLERS

_MOST_IN_A_POLLER_GROUP = 100


def require_no_twin(
    account: AwsAccount,
    others: Sequence[EventSourceMapping],
    *,
    function: str,
    source: str,
    topic: str,
    arguments: Mapping[str, Any],
) -> None:
    """Raises MappingConflictError for a mapping of this topic to this function: Lambda does not accept a second one,
    whatever its group.
    """
    for mapping in others:
        if (
            mapping.topic == topic
            and same_source(mapping, source)
            and names_function(function, mapping.function_arn)
        ):
            # The list does not contain encrypted filters.
            raise conflict(mapping.uuid, get_mapping(account, mapping.uuid), arguments)


def conflict(
    uuid: str | None, existing: EventSourceMapping | None, arguments: Mapping[str, Any]
) -> MappingConflictError:
    """The error for a mapping that already exists: how it differs from the request, and what can be done."""
    found = {} if existing is None else differences(arguments, existing)
    name = "such a mapping" if uuid is None else f"mapping {uuid} of this topic to this function"
    if existing is None:
        different = ""
    elif found:
        different = f"; it differs from the request: {'; '.join(found.values())}"
    else:
        different = "; it is as requested"
    kept = [name for name in UNCHANGEABLE if name in found]
    action = "update it (`mesh-assets esm update`) or delete it first"
    if kept:
        action = (
            f"{' and '.join(kept)} cannot be updated: keep {'it' if len(kept) == 1 else 'them'} and update the rest "
            "(`mesh-assets esm update`), delete the mapping first, or feed another function or alias"
        )
    if existing is not None and not found:
        action = "there is nothing to do"
    if existing is not None and existing.state == "Deleting":
        action = "it is being deleted: plan again once it is gone"
    return MappingConflictError(
        f"{name} already exists{different}; {action}",
        existing_uuid=uuid,
        differences=tuple(found.values()),
    )


def group_violations(others: Sequence[EventSourceMapping], group: str | None) -> Iterator[Violation]:
    """A consumer group belongs to one Kafka mapping of the account and region, whatever topic it reads."""
    for mapping in others:
        if group is not None and mapping.consumer_group_id == group:
            yield fault(
                "kafka_consumer_group_id",
                group,
                f"mapping {mapping.uuid} of topic {mapping.topic} to {mapping.function_name} has it, and a group must be unique "
                "among all Kafka mappings of the account and region",
                "choose another, or delete that mapping first",
            )


def poller_group_violations(
    others: Sequence[EventSourceMapping],
    request: CreateRequest | UpdateRequest,
    existing: EventSourceMapping | None,
) -> Iterator[Violation]:
    """A poller group has limited room for mappings and pollers."""
    group = poller_group_asked(request, existing)
    if group is None:
        return
    members = [
        mapping
        for mapping in others
        if mapping.poller_group == group and (existing is None or mapping.uuid != existing.uuid)
    ]
    pollers = sum(mapping.max_pollers or 0 for mapping in members) + effective_pollers(request, existing)[1]
    if len(members) >= _MOST_IN_A_POLLER_GROUP:
        yield fault(
            "poller_group",
            group,
            f"has {len(members)} mappings; the most is {_MOST_IN_A_POLLER_GROUP}",
            "use another group",
        )
    if pollers > MOST_MAX_POLLERS:
        yield fault(
            "poller_group",
            group,
            f"would have {pollers} pollers; the most is {MOST_MAX_POLLERS}",
            "lower max_pollers",
        )


def poller_group_asked(
    request: CreateRequest | UpdateRequest, existing: EventSourceMapping | None
) -> str | None:
    """The poller group whose room the request changes; None: none."""
    if not (request.poller_group or provisioned_mode_asked(request)):
        return None
    if request.poller_group is None and existing is not None:
        return existing.poller_group
    return request.poller_group or None
