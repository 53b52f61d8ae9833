"""The two brokers, and what each is filled with: topics, users and rights."""

import time
from collections.abc import Mapping, Sequence

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # re-exported without saying so
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.credentials import Key, WarehouseAccess, cloud_login, sandbox_keys, warehouse_access
from mesh_assets.sandbox.estate.clusters import CLUSTER_ID
from mesh_assets.sandbox.estate.topic import PARTITIONS
from mesh_assets.sandbox.estate.topics import TOPICS
from mesh_assets.sandbox.kafka_admin import Login, admin_client, quiet_settings
from mesh_assets.sandbox.kinds.kafka_broker import Broker, Listener, broker_server
from mesh_assets.sandbox.progress import Progress
from mesh_assets.sandbox.server import Setting

_SECONDS = 180.0


def seed_topics(bootstrap_servers: str, progress: Progress, *, login: Login | None = None) -> None:
    """Make the missing topics, all in one request. Raises `SandboxError` when the broker refuses."""
    with admin_client(bootstrap_servers, login) as admin:
        try:
            existing = admin.list_topics(timeout=_SECONDS).topics
            missing = [t for t in TOPICS if t.name not in existing]
            if not missing:
                return
            progress.say(f"creating {len(missing)} topics of {PARTITIONS} partitions at {bootstrap_servers}")
            made = admin.create_topics(
                [
                    NewTopic(t.name, num_partitions=PARTITIONS, replication_factor=1, config=dict(t.config))
                    for t in missing
                ],
                operation_timeout=_SECONDS,
                request_timeout=_SECONDS,
            )
        except KafkaException as error:
            raise SandboxError(
                f"the broker at {bootstrap_servers} could not be asked for its topics: {error.args[0].str()}"
            ) from error
        for name, future in made.items():
            try:
                future.result(timeout=_SECONDS)
            except TimeoutError as error:
                raise SandboxError(
                    f"topic {name} was not created at {bootstrap_servers} within {_SECONDS:.0f} s"
                ) from error
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise SandboxError(f"topic {name} could not be created: {error.args[0].str()}") from error


_CLUSTER = "kafka-cluster"
_OWN_TOPICS = ("discovery-events", "discovery-changes")

# Confluent Cloud's role → the same rights as ACLs: (kind, name, operations). None allows reading another topic's records.
_RIGHTS: dict[str, tuple[tuple[ResourceType, str, tuple[AclOperation, ...]], ...]] = {
    "Operator": (
        (ResourceType.BROKER, _CLUSTER, (AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS)),
        (ResourceType.TOPIC, "*", (AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS)),
    ),
    "DeveloperRead (group)": ((ResourceType.GROUP, "*", (AclOperation.DESCRIBE,)),),
    "DeveloperWrite and DeveloperRead (own topics)": tuple(
        (ResourceType.TOPIC, topic, (AclOperation.WRITE, AclOperation.READ)) for topic in _OWN_TOPICS
    ),
    "DeveloperWrite (transactional ids)": (
        (ResourceType.TRANSACTIONAL_ID, "mesh-assets-*", (AclOperation.WRITE,)),
    ),
    # Elsewhere Terraform makes the two topics; here the first discovery does.
    "CREATE (own topics)": tuple(
        (ResourceType.TOPIC, topic, (AclOperation.CREATE,)) for topic in _OWN_TOPICS
    ),
}


def seed_acls(bootstrap_servers: str, *, login: Login, key: Key) -> None:
    """Give the discovery's Kafka key the rights that role bindings would give it on Confluent Cloud.

    Harmless to repeat: an existing ACL is not added twice. Raises `SandboxError` when the broker refuses.
    """
    wanted = [
        AclBinding(
            kind,
            name if name == "*" else name.removesuffix("*"),
            ResourcePatternType.PREFIXED
            if name != "*" and name.endswith("*")
            else ResourcePatternType.LITERAL,
            f"User:{key.id}",
            "*",
            operation,
            AclPermissionType.ALLOW,
        )
        for rights in _RIGHTS.values()
        for kind, name, operations in rights
        for operation in operations
    ]
    with admin_client(bootstrap_servers, login) as admin:
        for future in admin.create_acls(wanted, request_timeout=_SECONDS).values():
            try:
                future.result(timeout=_SECONDS)
            except (KafkaException, TimeoutError) as error:
                raise SandboxError(
                    f"could not grant the rights of the discovery's key at {bootstrap_servers}: {error}"
                ) from error


# On a machine whose load is thirty times its cores, a login over TLS takes ten seconds or more.
_SCRAM_SECONDS = 180.0
_FIRST_LOGIN_SECONDS = 2.0
# The fewest that Kafka accepts.
_ITERATIONS = 4096


def seed_scram(bootstrap_servers: str, *, username: str, password: str, mechanisms: Sequence[str]) -> None:
    """Let a user log in by SCRAM. Kafka keeps these salted passwords itself, so it must be running.

    Each mechanism has its own credential, and one request may change a user only once. Raises `SandboxError`
    when the broker refuses.
    """
    with admin_client(bootstrap_servers) as client:
        for mechanism in mechanisms:
            how = ScramCredentialInfo(getattr(ScramMechanism, mechanism.replace("-", "_")), _ITERATIONS)
            [future] = client.alter_user_scram_credentials(
                [UserScramCredentialUpsertion(username, how, password.encode())],
                request_timeout=_SCRAM_SECONDS,
            ).values()
            try:
                future.result(timeout=_SCRAM_SECONDS)
            except (KafkaException, TimeoutError) as error:
                raise SandboxError(
                    f"the broker at {bootstrap_servers} did not accept {username} as a user: {error}"
                ) from error


# The broker of the cluster `warehouse`: Apache Kafka as run at home, open to whoever reaches it. The estate uses that
# listener; next to it there is one for each way to authenticate, for trying out clients.

_SCRAM = ("SCRAM-SHA-256", "SCRAM-SHA-512")


def _tls(name: str, setting: Setting, *, client_auth: str = "none") -> dict[str, str]:
    access = warehouse_access(setting.folder)
    own = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(access.broker),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(access.authority),
        "ssl.client.auth": client_auth,
    }
    return {f"listener.name.{name}.{key}": value for key, value in own.items()}


def _sasl(setting: Setting) -> Mapping[str, str]:
    access = warehouse_access(setting.folder)
    modules = "org.apache.kafka.common.security"
    own = {
        "sasl.enabled.mechanisms": ",".join(("PLAIN", *_SCRAM)),
        "plain.sasl.jaas.config": f'{modules}.plain.PlainLoginModule required user_{access.username}="{access.password}";',
        **{
            f"{mechanism.lower()}.sasl.jaas.config": f"{modules}.scram.ScramLoginModule required;"
            for mechanism in _SCRAM
        },
    }
    return _tls("sasl_tls", setting) | {f"listener.name.sasl_tls.{key}": value for key, value in own.items()}


def _seed_warehouse(setting: Setting, progress: Progress) -> None:
    seed_topics(setting.state.bootstrap_servers, progress)
    access = warehouse_access(setting.folder)
    seed_scram(
        setting.state.bootstrap_servers, username=access.username, password=access.password, mechanisms=_SCRAM
    )
    servers = setting.state.known_address("broker-sasl")
    if servers is not None:
        for mechanism in _SCRAM:
            _await_login(servers, access, mechanism)


def _await_login(bootstrap_servers: str, access: WarehouseAccess, mechanism: str) -> None:
    """Returns when the broker lets the user in: it confirms a password a moment before its listeners know it. Each
    attempt has twice the time of the one before, since a busy machine may need it.

    Raises `SandboxError` when it still refuses after `_SCRAM_SECONDS`.
    """
    settings = {
        **quiet_settings(bootstrap_servers),
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": mechanism,
        "sasl.username": access.username,
        "sasl.password": access.password,
        "ssl.ca.location": str(access.authority),
    }
    deadline = time.monotonic() + _SCRAM_SECONDS
    seconds = _FIRST_LOGIN_SECONDS
    while True:
        try:
            with AdminClient(settings) as client:  # closed here, not whenever the garbage collector finds it
                client.list_topics(timeout=seconds)
            return
        except KafkaException as error:
            if time.monotonic() > deadline:
                raise SandboxError(
                    f"the broker does not let {access.username} in with {mechanism}: {error.args[0].str()}"
                ) from error
            seconds *= 2


WAREHOUSE = Broker(
    name="broker",
    title="Apache Kafka",
    listeners=(
        Listener(name="PLAINTEXT", port="broker"),
        Listener(
            name="TLS", port="broker-tls", protocol="SSL", properties=lambda setting: _tls("tls", setting)
        ),
        Listener(
            name="MTLS",
            port="broker-mtls",
            protocol="SSL",
            properties=lambda setting: _tls("mtls", setting, client_auth="required"),
        ),
        Listener(name="SASL_TLS", port="broker-sasl", protocol="SASL_SSL", properties=_sasl),
    ),
    controller=Listener(name="CONTROLLER", port="controller"),
    cluster_id=lambda state: state.kafka_cluster_id,
    seed=_seed_warehouse,
)

BROKER = broker_server(WAREHOUSE)


# The broker of `data-mesh-cluster`: Apache Kafka that requires an API key, as a cluster on Confluent Cloud does. Kafka
# accepts a cluster id of Confluent Cloud's form as it is. Clients use SASL/PLAIN without TLS, since nothing leaves this
# machine. The authorizer is Kafka's own: ACLs take the place of Confluent Cloud's role bindings.


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


def _seed_cloud(setting: Setting, progress: Progress) -> None:
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
        seed=_seed_cloud,
        heap_megabytes=256,
    )
)
