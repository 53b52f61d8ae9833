"""The estate's entries for clusters on Confluent Cloud, from Terraform's outputs or the control plane."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mesh_assets.configuration.terraform_outputs import TerraformOutputs
from mesh_assets.estate.found import CONFLUENT_URL
from mesh_assets.platforms.confluent_cloud.control_plane import (
    CloudEnvironment,
    KafkaCluster,
    SchemaRegistryCluster,
)

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReferences:
    """References to the id and the secret of each of the three keys: `${NAME}` or `ssm:/path`."""

    cloud: tuple[str, str]
    kafka: tuple[str, str]
    schema_registry: tuple[str, str]


def in_variables(*, suffix: str = "", kafka_suffix: str = "") -> KeyReferences:
    """`suffix` distinguishes all keys of a cluster from another's, `kafka_suffix` only the Kafka keys, for clusters
    that share the rest."""

    def variables(key: str, end: str) -> tuple[str, str]:
        return f"${{{key}_API_KEY{end}}}", f"${{{key}_API_SECRET{end}}}"

    return KeyReferences(
        cloud=variables("CONFLUENT_CLOUD", _end(suffix)),
        kafka=variables("KAFKA", _end(suffix) + _end(kafka_suffix)),
        schema_registry=variables("SCHEMA_REGISTRY", _end(suffix)),
    )


def in_parameters(path: str) -> KeyReferences:
    """Named as in terraform/parameters.tf."""
    return KeyReferences(
        cloud=(f"ssm:{path}/cloud-api-key", f"ssm:{path}/cloud-api-secret"),
        kafka=(f"ssm:{path}/cluster-api-key", f"ssm:{path}/cluster-api-secret"),
        schema_registry=(f"ssm:{path}/sr-api-key", f"ssm:{path}/sr-api-secret"),
    )


def variable_suffix(name: str) -> str:
    """A cluster's name as a suffix of variable names."""
    return re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")


def entry_from_terraform(outputs: TerraformOutputs, keys: KeyReferences) -> Entry:
    return _entry(
        cluster_id=outputs.kafka_cluster_id,
        environment=(outputs.environment_id, outputs.environment_name),
        bootstrap_servers=outputs.kafka_bootstrap_endpoint,
        registry=(outputs.schema_registry_id, outputs.schema_registry_rest_endpoint),
        keys=keys,
        url=CONFLUENT_URL,
    )


def entry_from_control_plane(
    cluster: KafkaCluster,
    environment: CloudEnvironment,
    registry: SchemaRegistryCluster | None,
    keys: KeyReferences,
    *,
    url: str,
) -> Entry:
    """`cluster` must have bootstrap servers. `url`: the control plane's."""
    where = None if registry is None else registry.url or registry.private_url
    return _entry(
        cluster_id=cluster.id,
        environment=(environment.id, environment.name),
        bootstrap_servers=cluster.bootstrap_servers or "",
        registry=None if registry is None or where is None else (registry.id, where),
        keys=keys,
        url=url,
    )


def triggers_from_terraform(outputs: TerraformOutputs) -> Entry | None:
    """The estate's `triggers`; None where Terraform created no queue."""
    if outputs.trigger_queue_url is None:
        return None
    dead_letters = outputs.trigger_dead_letter_queue_url
    return {
        "queue_url": outputs.trigger_queue_url,
        **({} if dead_letters is None else {"dead_letter_queue_url": dead_letters}),
    }


def variables_from_terraform(outputs: TerraformOutputs, *, suffix: str = "") -> dict[str, str]:
    """What `.env` holds: the keys that `in_variables` refers to, and facts about the cluster for other
    programs."""
    values = {
        "CONFLUENT_CLOUD_API_KEY": outputs.discovery_agent_cloud_api_key,
        "CONFLUENT_CLOUD_API_SECRET": outputs.discovery_agent_cloud_api_secret,
        "CONFLUENT_ENVIRONMENT_ID": outputs.environment_id,
        "CONFLUENT_KAFKA_CLUSTER_ID": outputs.kafka_cluster_id,
        "CONFLUENT_SCHEMA_REGISTRY_ID": outputs.schema_registry_id,
        "KAFKA_BOOTSTRAP_ENDPOINT": without_protocol(outputs.kafka_bootstrap_endpoint),
        "KAFKA_API_KEY": outputs.discovery_agent_cluster_api_key,
        "KAFKA_API_SECRET": outputs.discovery_agent_cluster_api_secret,
        "SCHEMA_REGISTRY_ENDPOINT": outputs.schema_registry_rest_endpoint,
        "SCHEMA_REGISTRY_API_KEY": outputs.discovery_agent_sr_api_key,
        "SCHEMA_REGISTRY_API_SECRET": outputs.discovery_agent_sr_api_secret,
    }
    return {name + _end(suffix): value for name, value in values.items()}


def is_secret(variable: str) -> bool:
    """Whether a variable holds part of a key; the id counts as well, being half of a login."""
    return "_API_KEY" in variable or "_API_SECRET" in variable


def without_protocol(endpoint: str) -> str:
    """Terraform's provider and older answers put SASL_SSL:// before host and port, which Kafka's clients
    reject; before each where there are several, joined by commas."""
    return ",".join(one.strip().rpartition("://")[2] for one in endpoint.split(",") if one.strip())


def referred_variables(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """The environment variables that the entries refer to, each once, in order of appearance."""
    found: dict[str, None] = {}

    def look(value: Any) -> None:
        if isinstance(value, Mapping):
            for item in value.values():
                look(item)
        elif isinstance(value, list):
            for item in value:
                look(item)
        elif isinstance(value, str):
            found.update(dict.fromkeys(re.findall(r"\$\{(\w+)\}", value)))

    look(list(entries))
    return list(found)


def _entry(
    *,
    cluster_id: str,
    environment: tuple[str, str | None],
    bootstrap_servers: str,
    registry: tuple[str, str] | None,
    keys: KeyReferences,
    url: str,
) -> Entry:
    environment_id, name = environment
    # A control plane without TLS is a stand-in on this machine, and so are its brokers.
    protocol: Literal["SASL_SSL", "SASL_PLAINTEXT"] = (
        "SASL_PLAINTEXT" if url.startswith("http://") else "SASL_SSL"
    )
    cloud = {
        "kind": "confluent_cloud",
        **({} if url == CONFLUENT_URL else {"url": url}),
        **_login(keys.cloud),
    }
    entry: Entry = {
        "cluster_id": cluster_id,
        "environment": {"id": environment_id, **({} if name is None else {"name": name})},
        "kafka": {
            "bootstrap_servers": without_protocol(bootstrap_servers),
            "security_protocol": protocol,
            "sasl_mechanism": "PLAIN",
            **_login(keys.kafka),
        },
    }
    if registry is not None:
        entry["schema_registry"] = {"id": registry[0], "url": registry[1], **_login(keys.schema_registry)}
    entry["connect"] = [cloud]
    entry["control_plane"] = dict(cloud)
    entry["metrics"] = dict(cloud)
    return entry


def _end(suffix: str) -> str:
    return f"_{suffix}" if suffix else ""


def _login(key: tuple[str, str]) -> dict[str, str]:
    return {"username": key[0], "password": key[1]}
