"""Amazon MSK for Kafka clients: the brokers behind a cluster's ARN, and IAM tokens to log in with.

A token is a signed request for `kafka-cluster:Connect`, valid for 15 minutes. librdkafka asks for one in a
thread of its own when a client is created, and again before it expires (confluent-kafka 2.13 and later; older
versions had to be polled). A client is not ready before its first token.
"""

import logging
import re
from contextlib import closing
from typing import Any

from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
from botocore.credentials import CredentialProvider, Credentials
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from mesh_assets.errors import EstateError, PlatformError
from mesh_assets.estate.connections import KafkaConnection
from mesh_assets.platforms.aws.client import aws_client, aws_failure, new_session
from mesh_assets.platforms.aws.records import MskBrokers, MskLogin, MskNetwork, read_msk_brokers

_LOGGER = logging.getLogger("mesh_assets.kafka")
_BROKER_REGION = re.compile(r"\.kafka(?:-serverless)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?(?::|$)")
_CONNECT = "kafka-cluster:Connect"


class MskIamToken:
    """Makes tokens for the clusters of one region: librdkafka's `oauth_cb`. Safe to share between clients.

    boto3 finds the credentials of `profile`, else the default ones, when the object is created, and renews
    them. Raises RefusedError when there are none.
    """

    def __init__(self, region: str, *, resource: str, profile: str | None = None) -> None:
        self._region = region
        self._resource = resource
        try:
            self._credentials: Any = new_session(profile).get_credentials()
        except (BotoCoreError, ClientError) as error:
            raise self._failure(error) from error
        if self._credentials is None:
            raise self._failure(NoCredentialsError())

    def __repr__(self) -> str:
        return f"MskIamToken({self._region!r})"

    def __call__(self, _config: str = "") -> tuple[str, float]:
        """A token and its expiry in seconds since 1970. Raises PlatformError when the credentials cannot be
        renewed."""
        try:
            frozen = self._credentials.get_frozen_credentials()
            token, ends_ms = MSKAuthTokenProvider.generate_auth_token_from_credentials_provider(
                self._region, _These(frozen)
            )
        except (BotoCoreError, ClientError) as error:
            failure = self._failure(error)
            # librdkafka reports that its callback raised, but not what.
            _LOGGER.warning("%s", failure)
            raise failure from error
        return token, ends_ms / 1000

    def _failure(self, error: Exception) -> PlatformError:
        return aws_failure(error, action=_CONNECT, resource=self._resource)


class _These(CredentialProvider):  # type: ignore[misc] # botocore ships no types
    """Gives the signer its credentials: by itself, it looks for new ones each time and fails with an obscure
    error without any."""

    def __init__(self, frozen: Any) -> None:
        super().__init__()
        self._frozen = frozen

    def load(self) -> Credentials:
        return Credentials(self._frozen.access_key, self._frozen.secret_key, self._frozen.token)


def region_of_brokers(bootstrap_servers: str) -> str | None:
    """The region in the names of MSK's brokers; None when they have other names (a custom domain, a tunnel)."""
    match = _BROKER_REGION.search(bootstrap_servers.split(",")[0])
    return None if match is None else match[1]


def region_of_cluster(connection: KafkaConnection) -> str | None:
    """The region from the estate, else from the ARN, else from the brokers' names; None if none has it."""
    of_arn = None if connection.cluster_arn is None else connection.cluster_arn.split(":")[3]
    return connection.region or of_arn or region_of_brokers(connection.bootstrap_servers or "")


def signing_region(*, given: str | None, cluster_arn: str | None, bootstrap_servers: str) -> str:
    """The region to sign for. Raises EstateError when none is known."""
    of_arn = None if cluster_arn is None else cluster_arn.split(":")[3]
    region = (
        given or of_arn or region_of_brokers(bootstrap_servers) or new_session().get_config_variable("region")
    )
    if not region:
        raise EstateError(
            f"kafka: the region of {bootstrap_servers}, which AWS_MSK_IAM signs for, is not known; write `region:` next to it"
        )
    return str(region)


_GET_BROKERS = "kafka:GetBootstrapBrokers"


def bootstrap_brokers(
    arn: str, *, login: MskLogin, network: MskNetwork = "private", client: Any = None
) -> str:
    """The brokers of a provisioned or serverless cluster for one way to log in; one request.

    Raises RefusedError when there is no such cluster, when the request is not allowed, or when the cluster
    has no such brokers (the message lists those it has); UnreachableError when AWS does not answer.
    """
    if client is not None:
        return _brokers(client, arn).servers(login, network=network)
    with closing(
        aws_client("kafka", resource=arn, region=arn.split(":")[3], endpoint_url=None, read_timeout_seconds=5)
    ) as made:
        return _brokers(made, arn).servers(login, network=network)


def _brokers(client: Any, arn: str) -> MskBrokers:
    try:
        answer = client.get_bootstrap_brokers(ClusterArn=arn)
    except (BotoCoreError, ClientError) as error:
        raise aws_failure(error, action=_GET_BROKERS, resource=arn) from error
    return read_msk_brokers(arn, answer)


def brokers_by_arn(connection: KafkaConnection) -> str:
    """The brokers of `connection.cluster_arn` for its way to log in. Raises PlatformError or EstateError."""
    return bootstrap_brokers(
        str(connection.cluster_arn), login=_login(connection), network=connection.msk_network
    )


def iam_properties(connection: KafkaConnection, bootstrap_servers: str) -> dict[str, Any]:
    """librdkafka's settings to log in as an AWS identity.

    Raises EstateError when no region is known, RefusedError without credentials.
    """
    region = signing_region(
        given=connection.region, cluster_arn=connection.cluster_arn, bootstrap_servers=bootstrap_servers
    )
    token = MskIamToken(region, resource=connection.address)
    # Fail here: inside librdkafka's callback, the reason would be lost, and a client takes 10 s to give up.
    token()
    return {"sasl.mechanism": "OAUTHBEARER", "oauth_cb": token}


def _login(connection: KafkaConnection) -> MskLogin:
    match connection.security_protocol:
        case "PLAINTEXT":
            return "plaintext"
        case "SSL":
            return "tls"
        case _:
            return "iam" if connection.sasl_mechanism == "AWS_MSK_IAM" else "scram"
