"""Gives the discovery's Kafka key its rights on the broker, as far as role bindings on Confluent Cloud would."""

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined] # re-exported without saying so
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.kafka_admin import Login, admin_client
from mesh_assets.sandbox.keys import Key

_SECONDS = 60.0
_CLUSTER = "kafka-cluster"
_OWN_TOPICS = ("discovery-events", "discovery-changes")

# Role of Confluent Cloud → what it is in ACLs: (kind, name, operations). Nothing here reads a message of
# another topic.
_RIGHTS: dict[str, tuple[tuple[ResourceType, str, tuple[AclOperation, ...]], ...]] = {
    "Operator": (
        (ResourceType.BROKER, _CLUSTER, (AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS)),
        (ResourceType.TOPIC, "*", (AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS)),
    ),
    "DeveloperRead (group)": ((ResourceType.GROUP, "*", (AclOperation.DESCRIBE,)),),
    "DeveloperWrite and DeveloperRead (own topics)": tuple(
        (ResourceType.TOPIC, topic, (AclOperation.WRITE, AclOperation.READ)) for topic in _OWN_TOPICS
    ),
    # Terraform makes the two topics; here they are made by the first discovery.
    "CREATE (own topics)": tuple(
        (ResourceType.TOPIC, topic, (AclOperation.CREATE,)) for topic in _OWN_TOPICS
    ),
}


def seed_acls(bootstrap_servers: str, *, login: Login, key: Key) -> None:
    """Harmless to repeat: an ACL that is there already stays one."""
    wanted = [
        AclBinding(
            kind, name, ResourcePatternType.LITERAL, f"User:{key.id}", "*", operation, AclPermissionType.ALLOW
        )
        for rights in _RIGHTS.values()
        for kind, name, operations in rights
        for operation in operations
    ]
    # Kept in a name: a client that is collected takes the answers to its requests with it.
    admin = admin_client(bootstrap_servers, login)
    for future in admin.create_acls(wanted, request_timeout=_SECONDS).values():
        try:
            future.result(timeout=_SECONDS)
        except (KafkaException, TimeoutError) as error:
            raise SandboxError(
                f"the rights of the discovery's key could not be given at {bootstrap_servers}: {error}"
            ) from error
