"""What a mapping's rights depend on: its cluster, topic, group and function, and everything between them."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from mesh_assets.esm.arns import arn_in, function_in
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.request import CreateRequest
from mesh_assets.esm.validation.source_access import SECRETS, VPC


class Wiring(Struct, frozen=True, kw_only=True):
    """The parts of a mapping that its rights depend on.

    `group` None: AWS will use the mapping's UUID, which is not known yet. `keys`: the customer keys that
    encrypt the secrets. `glue_registry_arn` None: no Glue registry. `iam_enabled` None: the cluster was not
    asked, so IAM is assumed where there is no secret.
    """

    partition: str
    region: str
    account_id: str
    function_name: str
    topic: str
    group: str | None
    cluster_arn: str | None
    secrets: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    uses_vpc: bool = False
    glue_registry_arn: str | None = None
    on_failure_destination: str | None = None
    iam_enabled: bool | None = None

    @property
    def uses_iam_authentication(self) -> bool:
        """Whether Lambda logs in to MSK by IAM: without a secret, unless the cluster has IAM turned off."""
        return self.cluster_arn is not None and not self.secrets and self.iam_enabled is not False


def wiring_of_request(request: CreateRequest, *, partition: str, region: str, account_id: str) -> Wiring:
    """The wiring of a mapping to be created."""
    entries = request.source_access_configurations or ()
    return Wiring(
        partition=partition,
        region=region,
        account_id=account_id,
        function_name=_function_name(request.target),
        topic=request.kafka_topic,
        group=request.kafka_consumer_group_id,
        cluster_arn=request.event_source_arn or None,
        secrets=tuple(dict.fromkeys(entry.uri for entry in entries if entry.type in SECRETS and entry.uri))
        + _registry_secrets(
            tuple(entry.uri for entry in request.schema_registry.access_configurations)
            if request.schema_registry
            else ()
        ),
        uses_vpc=bool(request.event_source_arn) or any(entry.type in VPC for entry in entries),
        glue_registry_arn=_glue(None if request.schema_registry is None else request.schema_registry.uri),
        on_failure_destination=request.on_failure_destination or None,
    )


def wiring_of_mapping(mapping: EventSourceMapping, *, changes: Mapping[str, Any] | None = None) -> Wiring:
    """The wiring of a mapping as it is, or as it will be after an update with these API arguments."""
    after = {**mapping.configuration, **(changes or {})}
    function = function_in(mapping.function_arn)
    arn = arn_in(mapping.function_arn)
    registry: Mapping[str, Any] = next(
        (
            config["SchemaRegistryConfig"]
            for name in ("AmazonManagedKafkaEventSourceConfig", "SelfManagedKafkaEventSourceConfig")
            if (config := after.get(name)) and config.get("SchemaRegistryConfig")
        ),
        {},
    )
    entries = after.get("SourceAccessConfigurations") or ()
    target = (changes or {}).get("FunctionName")
    return Wiring(
        partition=arn.partition if arn else "aws",
        region=arn.region if arn else "",
        account_id=arn.account if arn else "",
        function_name=_function_name(target)
        if target
        else function.name
        if function
        else mapping.function_name,
        topic=mapping.topic or "",
        group=mapping.consumer_group_id,
        cluster_arn=mapping.event_source_arn,
        secrets=tuple(
            dict.fromkeys(entry["URI"] for entry in entries if entry["Type"] in SECRETS and entry.get("URI"))
        )
        + _registry_secrets(tuple(entry.get("URI") for entry in registry.get("AccessConfigs", ()))),
        uses_vpc=mapping.event_source_arn is not None or any(entry["Type"] in VPC for entry in entries),
        glue_registry_arn=_glue(registry.get("SchemaRegistryURI")),
        on_failure_destination=((after.get("DestinationConfig") or {}).get("OnFailure") or {}).get(
            "Destination"
        )
        or None,
    )


def _function_name(target: str) -> str:
    function = function_in(target)
    return target if function is None else function.name


def _registry_secrets(uris: tuple[str | None, ...]) -> tuple[str, ...]:
    return tuple(uri for uri in uris if uri)


def _glue(uri: str | None) -> str | None:
    return uri if uri is not None and uri.startswith("arn:") else None
