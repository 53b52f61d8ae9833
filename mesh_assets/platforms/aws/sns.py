"""A topic of SNS, written to."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from mesh_assets.platforms.aws.client import aws_client
from mesh_assets.platforms.aws.failures import aws_failure

_SUBJECT_CHARACTERS = 100
"""SNS's own limit; printable ASCII only, on one line."""


class SnsTopic:
    """The topic of one ARN. Raises PlatformError with the action and the topic."""

    def __init__(
        self, arn: str, *, region: str | None = None, endpoint_url: str | None = None, client: Any = None
    ) -> None:
        """`region` None: that in the ARN. Nothing is contacted."""
        self.arn = arn
        self._client = client or aws_client(
            "sns",
            resource=str(self),
            region=region or arn.split(":")[3] or None,
            endpoint_url=endpoint_url,
            read_timeout_seconds=5,
        )

    def __str__(self) -> str:
        return f"topic {self.arn.rpartition(':')[2]}"

    def publish(self, text: str, *, subject: str) -> None:
        plain = "".join(c if " " <= c <= "~" else " " for c in subject)[:_SUBJECT_CHARACTERS].strip()
        try:
            self._client.publish(TopicArn=self.arn, Message=text, **({"Subject": plain} if plain else {}))
        except (BotoCoreError, ClientError) as error:
            raise aws_failure(error, action="sns:Publish", resource=str(self)) from error
