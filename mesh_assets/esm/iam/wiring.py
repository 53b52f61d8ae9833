"""What a mapping's rights depend on: its cluster, topic, group and function, and everything between them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from msgspec import Struct

from mesh_assets.esm.api_request import create_arguments
from mesh_assets.esm.arns import MskCluster, arn_in, function_in, msk_cluster_in
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.request import CreateRequest
from mesh_assets.esm.validation.source_access import (
    IAM,
    IAM_OAUTH,
    MSK_TYPES,
    OAUTH_AUDIENCE,
    SECRETS,
    VPC,
)


class Wiring(Struct, frozen=True, kw_only=True):
    """The parts of a mapping that its rights depend on.

    `group` None: AWS will use the mapping's UUID, which is not known yet. `secrets`: those of the brokers and
    of the registry. `access`: the types of the source's access configurations. `glue_registry_arn` None: no
    Glue registry. `exists`: it belongs to an existing mapping, whose source cannot change. `filter_key`: the key that
    encrypts the filters; the role needs no right to it, since Lambda itself decrypts them.

    Known only from AWS: `keys`, the customer keys that encrypt the secrets; `destination_key`, the
    one of the destination; `iam_enabled` None: the cluster was not asked, so IAM is assumed where there is no
    secret; `target_cluster_arn`: the cluster behind a VPC connection; `log_group` None: Lambda's default.
    """

    partition: str
    region: str
    account_id: str
    function_name: str
    topic: str
    group: str | None
    cluster_arn: str | None
    secrets: tuple[str, ...] = ()
    access: tuple[str, ...] = ()
    token_audience: str | None = None
    uses_vpc: bool = False
    glue_registry_arn: str | None = None
    exists: bool = False
    filter_key: str | None = None
    on_failure_destination: str | None = None
    keys: tuple[str, ...] = ()
    destination_key: str | None = None
    iam_enabled: bool | None = None
    target_cluster_arn: str | None = None
    log_group: str | None = None

    @property
    def uses_iam_authentication(self) -> bool:
        """Whether Lambda logs in as the function's role.

        MSK: without a secret for the brokers, unless the cluster has IAM turned off; a registry's secret says
        nothing about the brokers. Self-managed: where that was asked for.
        """
        if self.cluster_arn is None:
            return IAM in self.access
        return not set(self.access) & set(MSK_TYPES) and self.iam_enabled is not False

    @property
    def web_identity_audience(self) -> str | None:
        """For whom Lambda requests a web identity token of the function's role; None: it requests none."""
        return self.token_audience if IAM_OAUTH in self.access else None

    @property
    def cluster(self) -> MskCluster | None:
        """The MSK cluster, as the ARNs of its topics and groups name it.

        None: a self-managed cluster without IAM login. With IAM login, it is unknown which MSK cluster is behind
        the bootstrap servers, and the ARN of a VPC connection has its own UUID: `*` replaces what is not
        known.
        """
        if self.cluster_arn is None:
            if IAM not in self.access:
                return None
            return MskCluster(
                partition=self.partition,
                region=self.region,
                account=self.account_id,
                owner=self.account_id,
                name="*",
                uuid="*",
                by_vpc_connection=False,
            )
        cluster = msk_cluster_in(self.target_cluster_arn or self.cluster_arn)
        if cluster is not None and cluster.by_vpc_connection:
            return replace(cluster, uuid="*")
        return cluster


def wiring_of_request(request: CreateRequest, *, partition: str, region: str, account_id: str) -> Wiring:
    """The wiring of a mapping to be created."""
    return _wiring(
        create_arguments(request),
        partition=partition,
        region=region,
        account_id=account_id,
        function_name=_function_name(request.target),
        topic=request.kafka_topic,
        group=request.kafka_consumer_group_id,
        cluster_arn=request.event_source_arn or None,
    )


def wiring_of_mapping(mapping: EventSourceMapping, *, changes: Mapping[str, Any] | None = None) -> Wiring:
    """The wiring of a mapping as it is, or as it will be after an update with these API arguments."""
    arn = arn_in(mapping.function_arn)
    return _wiring(
        {**mapping.configuration, **(changes or {})},
        partition=arn.partition if arn else "aws",
        region=arn.region if arn else "",
        account_id=arn.account if arn else "",
        function_name=_function_name((changes or {}).get("FunctionName") or mapping.function_arn),
        topic=mapping.topic or "",
        group=mapping.consumer_group_id,
        cluster_arn=mapping.event_source_arn,
        exists=True,
    )


def _wiring(
    arguments: Mapping[str, Any],
    *,
    partition: str,
    region: str,
    account_id: str,
    function_name: str,
    topic: str,
    group: str | None,
    cluster_arn: str | None,
    exists: bool = False,
) -> Wiring:
    entries = arguments.get("SourceAccessConfigurations") or ()
    access = {entry["Type"]: entry.get("URI") for entry in entries}
    configs = [
        arguments.get(f"{kind}KafkaEventSourceConfig") or {} for kind in ("AmazonManaged", "SelfManaged")
    ]
    registry: Mapping[str, Any] = next(
        (found for config in configs if (found := config.get("SchemaRegistryConfig"))), {}
    )
    secrets = [entry.get("URI") for entry in entries if entry["Type"] in SECRETS]
    secrets += [entry.get("URI") for entry in registry.get("AccessConfigs") or ()]
    address = registry.get("SchemaRegistryURI") or ""
    destination = ((arguments.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    return Wiring(
        partition=partition,
        region=region,
        account_id=account_id,
        function_name=function_name,
        topic=topic,
        group=group,
        cluster_arn=cluster_arn,
        exists=exists,
        filter_key=arguments.get("KMSKeyArn") or None,
        secrets=tuple(dict.fromkeys(uri for uri in secrets if uri)),
        access=tuple(access),
        token_audience=access.get(OAUTH_AUDIENCE),
        uses_vpc=cluster_arn is not None or not access.keys().isdisjoint(VPC),
        glue_registry_arn=address if address.startswith("arn:") else None,
        on_failure_destination=destination or None,
    )


def _function_name(target: str) -> str:
    function = function_in(target)
    return target if function is None else function.name
