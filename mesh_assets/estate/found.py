"""Clusters that are found rather than named: the estate's rules, what a listing says about a cluster, and the entry made
from both.

`fleet/` finds them; loading an estate asks no cloud (docs/estate.md).
"""

import re
from collections.abc import Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from mesh_assets.estate.fields import EstateModel, NamePatterns, SecretReference, only_fields
from mesh_assets.estate.including import merged, with_name

NAME_FIELDS = ("name", "id", "region", "account", "environment")
CONFLUENT_URL = "https://api.confluent.cloud"

_ClusterName = Annotated[str, Field(min_length=1), AfterValidator(only_fields(NAME_FIELDS))]
_RuleName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]


class _Rule(EstateModel):
    """`name`: of the rule. `names`: which clusters, by their names in the cloud. `cluster_name`: their names in the estate, from
    `{name}`, `{id}`, `{region}`, `{account}` and `{environment}`. `cluster`: fields of a cluster, which win over what was found
    and over the defaults; `{cluster}`, `{CLUSTER}` and `{id}` in them are the cluster's."""

    name: _RuleName
    names: NamePatterns = NamePatterns()
    cluster_name: _ClusterName = "{name}"
    cluster: dict[str, Any] = Field(default_factory=dict)


class MskRule(_Rule):
    """Clusters of Amazon MSK in one account and region. Credentials are boto3's own.

    `account_id` None: the account of the credentials; if given, credentials of another account find nothing and an error
    says so. `tags`: tag → shell pattern of its value; a cluster must have them all. `endpoint_url`: for a stand-in or a VPC
    endpoint.
    """

    kind: Literal["msk"]
    region: str = Field(pattern=r"^[a-z]{2,4}(-[a-z]+)+-\d$")
    account_id: str | None = Field(default=None, pattern=r"^\d{12}$")
    profile: str | None = Field(default=None, min_length=1)
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://")
    tags: dict[str, str] = Field(default_factory=dict)


class ConfluentCloudRule(_Rule):
    """Clusters of Confluent Cloud that a Cloud key may see. `username`, `password`: that key, which found clusters also use for
    connectors, metrics and the control plane. `environments`: which ones, by name or id. Its cluster lists have no tags.
    """

    kind: Literal["confluent_cloud"]
    url: str = Field(default=CONFLUENT_URL, pattern=r"^(https?://|\$\{)")
    username: str
    password: SecretReference
    environments: NamePatterns = NamePatterns()


FoundRule: TypeAlias = Annotated[MskRule | ConfluentCloudRule, Field(discriminator="kind")]


class FoundSettings(EstateModel):
    """The rules that find clusters: the first that matches a cluster counts."""

    rules: tuple[FoundRule, ...] = ()

    @model_validator(mode="after")
    def _distinct(self) -> "FoundSettings":
        seen: set[str] = set()
        for rule in self.rules:
            if rule.name in seen:
                raise ValueError(f"has two rules called {rule.name!r}; give each its own name")
            seen.add(rule.name)
        return self


class FoundCluster(EstateModel):
    """What a listing says about a cluster. `cluster`: its name in the estate, which stays. `id`: MSK's ARN, or `lkc-…`.
    `missing_since`: since when no complete listing has it, and `missing_because`, why, in words."""

    rule: str
    cluster: str
    id: str
    name: str
    region: str | None = None
    account: str | None = None
    environment: str | None = None
    environment_id: str | None = None
    bootstrap_servers: str | None = None
    registry_id: str | None = None
    registry_url: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    found_at: datetime
    missing_since: datetime | None = None
    missing_because: str | None = None


def cluster_name(name: str | None, cluster_id: str) -> str:
    """A name the estate accepts: letters, digits, `-`, `_` and `.`; the id if nothing remains of the name."""
    return re.sub(r"[^\w.-]+", "-", name or "", flags=re.ASCII).strip("-.") or cluster_id


def name_by_rule(rule: FoundRule, found: FoundCluster) -> str:
    """The rule's name for a cluster in the estate."""
    fields = {name: getattr(found, name) or "" for name in NAME_FIELDS}
    plain = found.id.rpartition("/")[2]  # from an ARN
    return cluster_name(rule.cluster_name.format(**{**fields, "id": plain}), plain)


def why_not(rule: FoundRule, found: FoundCluster) -> str | None:
    """Why the rule does not match the cluster; None if it does."""
    if not rule.names.selects(found.name):
        return f"its name {found.name!r} is not among the rule's names"
    if isinstance(rule, MskRule):
        for tag, pattern in rule.tags.items():
            value = found.tags.get(tag)
            if value is None:
                return f"it has no tag {tag}"
            if not fnmatchcase(value, pattern):
                return f"its tag {tag} is {value!r}, not {pattern!r}"
    return None


def entry_of(rule: FoundRule, found: FoundCluster, defaults: Mapping[Any, Any]) -> dict[Any, Any]:
    """The cluster's entry, as an estate file would have it."""
    named = with_name(defaults, found.cluster)
    said = with_name(rule.cluster, found.cluster, id=found.id.rpartition("/")[2])
    entry = merged(merged(named, _told(rule, found)), said)
    if entry.get("schema_registry") is not None and "url" not in entry["schema_registry"]:
        del entry["schema_registry"]  # the key is there, and the environment has no registry
    return {**entry, "name": found.cluster}


def _told(rule: FoundRule, found: FoundCluster) -> dict[str, Any]:
    if isinstance(rule, MskRule):
        return {"kafka": {"cluster_arn": found.id}}
    key = {
        "kind": "confluent_cloud",
        **({} if rule.url == CONFLUENT_URL else {"url": rule.url}),
        "username": rule.username,
        "password": rule.password,
    }
    # A control plane without TLS is a stand-in on this machine, and so are its brokers.
    protocol = "SASL_PLAINTEXT" if rule.url.startswith("http://") else "SASL_SSL"
    environment = {"id": found.environment_id, "name": found.environment}
    told: dict[str, Any] = {
        "cluster_id": found.id,
        "environment": {name: value for name, value in environment.items() if value is not None},
        "kafka": {
            "bootstrap_servers": found.bootstrap_servers,
            "security_protocol": protocol,
            "sasl_mechanism": "PLAIN",
        },
        "connect": [key],
        "control_plane": key,
        "metrics": key,
    }
    if found.registry_url is not None and rule.cluster.get("schema_registry") is not None:
        told["schema_registry"] = {"id": found.registry_id, "url": found.registry_url}
    return told


def sample(rule: FoundRule, at: datetime) -> FoundCluster:
    """A cluster such as the rule could find, to check the entry that it would give."""
    any_cluster = FoundCluster(rule=rule.name, cluster=rule.name, id="lkc-00000", name=rule.name, found_at=at)
    if isinstance(rule, MskRule):
        account = rule.account_id or "123456789012"
        arn = f"arn:aws:kafka:{rule.region}:{account}:cluster/{rule.name}/0f1c9f2e-6f0e-4b0a-9d1c-0c9a8d9b7f66-2"
        return any_cluster.model_copy(update={"id": arn, "region": rule.region, "account": account})
    return any_cluster.model_copy(
        update={
            "environment_id": "env-00000",
            "environment": "sample",
            "bootstrap_servers": "sample.confluent.cloud:9092",
            "registry_id": "lsrc-00000",
            "registry_url": "https://sample.confluent.cloud",
        }
    )
