"""The user that may log in by SCRAM: Kafka keeps such passwords itself, salted, so that they are given to it
once it runs."""

from collections.abc import Sequence

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # it does not declare them as exported
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.kafka_admin import admin_client

_SECONDS = 30.0
# The least Kafka takes; nothing here is worth more.
_ITERATIONS = 4096


def seed_scram(bootstrap_servers: str, *, username: str, password: str, mechanisms: Sequence[str]) -> None:
    """Each mechanism has a credential of its own, and one request may change a user only once."""
    client = admin_client(bootstrap_servers)
    for mechanism in mechanisms:
        how = ScramCredentialInfo(getattr(ScramMechanism, mechanism.replace("-", "_")), _ITERATIONS)
        [future] = client.alter_user_scram_credentials(
            [UserScramCredentialUpsertion(username, how, password.encode())], request_timeout=_SECONDS
        ).values()
        try:
            future.result(timeout=_SECONDS)
        except KafkaException as error:
            raise SandboxError(
                f"the broker did not take the password of {username}: {error.args[0].str()}"
            ) from error
