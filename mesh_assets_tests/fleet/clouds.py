"""Clouds in memory that list clusters, and an estate whose rules find them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from mesh_assets.errors import UnreachableError
from mesh_assets.estate.connections import ControlPlaneConnection
from mesh_assets.estate.found import MskRule
from mesh_assets.platforms.aws.msk_clusters import MskCluster
from mesh_assets.platforms.confluent_cloud.control_plane import (
    CloudEnvironment,
    KafkaCluster,
    SchemaRegistryCluster,
)

ESTATE = """
defaults:
  sensors: {quiet_minutes: 3}
clusters:
  central: {cluster_id: lkc-central, kafka: {bootstrap_servers: "c:1"}}
found:
  rules:
    - kind: msk
      name: eu
      region: eu-west-1
      names: {exclude: ["test-*"]}
      tags: {team: "data*"}
      cluster_name: "msk-{name}"
      cluster:
        kafka: {security_protocol: SASL_SSL, sasl_mechanism: AWS_MSK_IAM}
        metrics: {kind: cloudwatch}
    - kind: confluent_cloud
      name: cc
      username: "${CLOUD_KEY}"
      password: "${CLOUD_SECRET}"
      environments: {include: [prod, env-2]}
      cluster:
        kafka: {username: "ssm:/kafka/{id}/key", password: "${KAFKA_{CLUSTER}}"}
        schema_registry: {username: "${SR_KEY}", password: "${SR_SECRET}"}
"""


def msk(name: str, *, state: str = "ACTIVE", **tags: str) -> MskCluster:
    arn = f"arn:aws:kafka:eu-west-1:123456789012:cluster/{name}/0f1c9f2e-6f0e-4b0a-9d1c-0c9a8d9b7f66-2"
    return MskCluster(arn=arn, name=name, state=state, kind="PROVISIONED", tags=tags or {"team": "data-eu"})


def lkc(
    id_: str, name: str, *, servers: str | None = "pkc-1:9092", phase: str = "PROVISIONED"
) -> KafkaCluster:
    return KafkaCluster(
        id=id_,
        name=name,
        environment_id="",
        kind="DEDICATED",
        availability=None,
        cloud="AWS",
        region="eu-west-1",
        bootstrap_servers=servers,
        http_endpoint=None,
        crn=None,
        phase=phase,
    )


REGISTRY = SchemaRegistryCluster(
    id="lsrc-1",
    name=None,
    environment_id="env-1",
    package=None,
    cloud=None,
    region=None,
    url="https://psrc-1.example",
    private_url=None,
    crn=None,
    phase=None,
)


@dataclass
class Clouds:
    """`failing`: what cannot be listed: `msk`, `environments`, or an environment's id."""

    msk: list[MskCluster] = field(default_factory=list)
    environments_: dict[str, tuple[str, list[KafkaCluster]]] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)

    def list_msk(self, rule: MskRule) -> Sequence[MskCluster]:
        assert rule.region == "eu-west-1"
        self._fail("msk")
        return self.msk

    @contextmanager
    def control_plane(self, connection: ControlPlaneConnection) -> Iterator["Clouds"]:
        assert connection.username == "${CLOUD_KEY}"
        yield self

    def environments(self) -> tuple[CloudEnvironment, ...]:
        self._fail("environments")
        return tuple(
            CloudEnvironment(id=one, name=name, crn=None) for one, (name, _) in self.environments_.items()
        )

    def kafka_clusters(self, environment_id: str) -> tuple[KafkaCluster, ...]:
        self._fail(environment_id)
        return tuple(self.environments_[environment_id][1])

    def schema_registries(self, environment_id: str) -> tuple[SchemaRegistryCluster, ...]:
        return (REGISTRY,) if environment_id == "env-1" else ()

    def _fail(self, what: str) -> None:
        if what in self.failing:
            raise UnreachableError(f"{what} does not answer")
