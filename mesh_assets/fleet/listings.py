"""What clouds list, by the estate's rules. Only reads."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from mesh_assets.errors import EstateError, PlatformError
from mesh_assets.estate.connections import ControlPlaneConnection
from mesh_assets.estate.found import ConfluentCloudRule, FoundCluster, FoundRule, MskRule
from mesh_assets.importing import importing
from mesh_assets.platforms.confluent_cloud.control_plane import (
    CloudEnvironment,
    ControlPlaneClient,
    KafkaCluster,
    SchemaRegistryCluster,
)

if TYPE_CHECKING:
    from mesh_assets.platforms.aws.msk_clusters import MskCluster

_NOT_YET = ("CREATING", "PROVISIONING")
_NO_MORE = ("DELETING", "FAILED")


@dataclass(slots=True)
class Listing:
    """What a rule's listing returned, before the rule's filters. `not_ready`: clusters that cannot be used now, by id, with the
    reason. `failures`: why it is not complete; then a missing cluster means nothing."""

    rule: FoundRule
    clusters: list[FoundCluster] = field(default_factory=list)
    not_ready: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


class ControlPlane(Protocol):
    """The part of ControlPlaneClient that is used here."""

    def environments(self) -> tuple[CloudEnvironment, ...]: ...

    def kafka_clusters(self, environment_id: str) -> tuple[KafkaCluster, ...]: ...

    def schema_registries(self, environment_id: str) -> tuple[SchemaRegistryCluster, ...]: ...


OpenControlPlane = Callable[[ControlPlaneConnection], AbstractContextManager[ControlPlane]]
ListMsk = Callable[[MskRule], Sequence["MskCluster"]]


def list_msk(rule: MskRule) -> "Sequence[MskCluster]":
    """Raises PlatformError, also if the credentials belong to a different account than the rule's."""
    with importing:
        from mesh_assets.platforms.aws.msk_clusters import check_account, list_msk_clusters  # boto3 is heavy

    if rule.account_id is not None:
        check_account(
            rule.account_id, region=rule.region, profile=rule.profile, endpoint_url=rule.endpoint_url
        )
    return list_msk_clusters(rule.region, profile=rule.profile, endpoint_url=rule.endpoint_url)


def listings(
    rules: Sequence[FoundRule],
    *,
    at: datetime,
    msk: ListMsk = list_msk,
    control_plane: OpenControlPlane = ControlPlaneClient,
) -> Iterator[Listing]:
    """One for each rule, in order. Failures are in `failures` and never raised."""
    for rule in rules:
        listing = Listing(rule=rule)
        try:
            if isinstance(rule, MskRule):
                _list_msk(rule, listing, msk, at)
            else:
                _list_confluent(rule, listing, control_plane, at)
        except (PlatformError, EstateError) as error:  # a refused key, a secret that cannot be resolved
            listing.failures.append(str(error))
        yield listing


def _list_msk(rule: MskRule, listing: Listing, msk: ListMsk, at: datetime) -> None:
    for one in msk(rule):
        _, _, _, region, account, _ = one.arn.split(":", 5)
        found = FoundCluster(
            rule=rule.name,
            cluster="",
            id=one.arn,
            name=one.name,
            region=region,
            account=account,
            tags=dict(one.tags),
            found_at=at,
        )
        _add(listing, found, state=one.state)


def _list_confluent(
    rule: ConfluentCloudRule, listing: Listing, open_control_plane: OpenControlPlane, at: datetime
) -> None:
    connection = ControlPlaneConnection(
        kind="confluent_cloud", url=rule.url, username=rule.username, password=rule.password
    )
    with open_control_plane(connection) as cloud:
        for environment in cloud.environments():
            names = (environment.id, environment.name or environment.id)
            if not any(rule.environments.selects(name) for name in names):
                continue
            try:
                clusters = cloud.kafka_clusters(environment.id)
                registry = next(iter(cloud.schema_registries(environment.id)), None) if clusters else None
            except PlatformError as error:  # for one environment: the rest are still worth adding
                listing.failures.append(f"environment {environment.id} ({environment.name}): {error}")
                continue
            for one in clusters:
                found = FoundCluster(
                    rule=rule.name,
                    cluster="",
                    id=one.id,
                    name=one.name or one.id,
                    region=one.region,
                    environment=environment.name,
                    environment_id=environment.id,
                    bootstrap_servers=one.bootstrap_servers,
                    registry_id=None if registry is None else registry.id,
                    registry_url=None if registry is None else registry.url or registry.private_url,
                    found_at=at,
                )
                state = one.phase or ("PROVISIONING" if one.bootstrap_servers is None else "PROVISIONED")
                _add(listing, found, state=state)
                if one.bootstrap_servers is None:
                    listing.not_ready.setdefault(one.id, "it has no bootstrap servers yet")


def _add(listing: Listing, found: FoundCluster, *, state: str) -> None:
    listing.clusters.append(found)
    if state in _NOT_YET:
        listing.not_ready[found.id] = f"it is being created ({state})"
    elif state in _NO_MORE:
        listing.not_ready[found.id] = f"it is {state}"
