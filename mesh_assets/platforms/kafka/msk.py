"""What a connection to Amazon MSK adds to librdkafka's configuration: brokers by ARN, and tokens of IAM.
boto3 is imported here."""

from typing import Any

from mesh_assets.estate.kafka import KafkaConnection
from mesh_assets.platforms.aws.msk import Login, bootstrap_brokers
from mesh_assets.platforms.aws.msk_iam import MskIamToken, signing_region


def brokers_by_arn(connection: KafkaConnection) -> str:
    """The brokers of `connection.cluster_arn` for its way to log in. Raises PlatformError, EstateError."""
    return bootstrap_brokers(
        str(connection.cluster_arn), login=_login(connection), network=connection.msk_network
    )


def iam_properties(connection: KafkaConnection, bootstrap_servers: str) -> dict[str, Any]:
    """How librdkafka logs in as an AWS identity. Raises EstateError without a region, RefusedError without
    credentials."""
    region = signing_region(
        given=connection.region, cluster_arn=connection.cluster_arn, bootstrap_servers=bootstrap_servers
    )
    token = MskIamToken(region, resource=connection.address)
    # What goes wrong is said here: inside librdkafka's callback the reason is lost, and a client takes 10 s
    # to give up.
    token()
    return {"sasl.mechanism": "OAUTHBEARER", "oauth_cb": token}


def _login(connection: KafkaConnection) -> Login:
    match connection.security_protocol:
        case "PLAINTEXT":
            return "plaintext"
        case "SSL":
            return "tls"
        case _:
            return "iam" if connection.sasl_mechanism == "AWS_MSK_IAM" else "scram"
