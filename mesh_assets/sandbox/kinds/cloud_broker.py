"""The broker of `data-mesh-cluster`: Apache Kafka that lets in who has an API key, as a cluster on Confluent
Cloud does.

Its cluster id is one of Confluent Cloud's form, which Kafka takes as it is. Clients speak SASL/PLAIN without
TLS, since nothing leaves this machine. The authorizer is Kafka's own; a role binding of Confluent Cloud is
here the ACLs that give the same rights.
"""

from collections.abc import Mapping

from mesh_assets.sandbox.estate.cloud import CLUSTER_ID
from mesh_assets.sandbox.kafka_broker import Broker, Listener, broker_server
from mesh_assets.sandbox.keys import cloud_login, sandbox_keys
from mesh_assets.sandbox.progress import Progress
from mesh_assets.sandbox.seeding.acls import seed_acls
from mesh_assets.sandbox.seeding.topics import seed_topics
from mesh_assets.sandbox.server import Setting


def _jaas(setting: Setting) -> str:
    keys = sandbox_keys(setting.folder)
    own = keys.operator_kafka
    users = " ".join(f'user_{key.id}="{key.secret}"' for key in (own, keys.kafka, keys.unprivileged_kafka))
    return f'org.apache.kafka.common.security.plain.PlainLoginModule required username="{own.id}" password="{own.secret}" {users};'


def _listener(name: str, port: str) -> Listener:
    return Listener(
        name=name,
        port=port,
        protocol="SASL_PLAINTEXT",
        properties=lambda setting: {f"listener.name.{name.lower()}.plain.sasl.jaas.config": _jaas(setting)},
    )


def _properties(setting: Setting) -> Mapping[str, str]:
    return {
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{sandbox_keys(setting.folder).operator_kafka.id}",
    }


def _seed(setting: Setting, progress: Progress) -> None:
    bootstrap_servers = setting.state.address("cloud-broker")
    login = cloud_login(setting.folder)
    seed_topics(bootstrap_servers, progress, login=login)
    seed_acls(bootstrap_servers, login=login, key=sandbox_keys(setting.folder).kafka)


CLOUD_BROKER = broker_server(
    Broker(
        name="cloud-broker",
        title="Apache Kafka as data-mesh-cluster",
        listeners=(_listener("CLIENTS", "cloud-broker"),),
        controller=_listener("CONTROLLER", "cloud-controller"),
        cluster_id=lambda state: CLUSTER_ID,  # noqa: ARG005
        properties=_properties,
        login=lambda setting: cloud_login(setting.folder),
        seed=_seed,
        heap_megabytes=256,
    )
)
