"""SQS queues, which we read from and write to, and SNS topics, which we publish to."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from mesh_assets.platforms.aws.client import aws_client, aws_failure
from mesh_assets.platforms.aws.records import QueueMessage

MOST_MESSAGES = 10
"""SQS's own limit for one receive and one batch."""

LONGEST_WAIT_SECONDS = 20

_REGION = re.compile(r"^https?://(?:sqs\.([a-z]{2}-[a-z0-9-]+)|([a-z]{2}-[a-z0-9-]+)\.queue)\.amazonaws\.com")


class SqsQueue:
    """The queue at one address. Every method raises PlatformError with the action and the queue."""

    def __init__(
        self, url: str, *, region: str | None = None, endpoint_url: str | None = None, client: Any = None
    ) -> None:
        """`region` None: the one in the address, else boto3's. Contacts nothing; raises EstateError when none
        is known."""
        self.url = url
        self.name = url.rstrip("/").rpartition("/")[2]
        self._client = client or aws_client(
            "sqs",
            resource=f"queue {self.name}",
            region=region or region_of(url),
            endpoint_url=endpoint_url,
            # A long poll is silent for its whole wait.
            read_timeout_seconds=LONGEST_WAIT_SECONDS + 5,
            # A sensor's tick is short, and the next one follows soon.
            attempts=2,
        )

    def __str__(self) -> str:
        return f"queue {self.name}"

    def receive(self, *, wait_seconds: int) -> tuple[QueueMessage, ...]:
        """Up to ten messages; waits up to `wait_seconds` (at most 20) while there are none."""
        answer = self._call(
            "ReceiveMessage",
            "receive_message",
            MaxNumberOfMessages=MOST_MESSAGES,
            WaitTimeSeconds=min(wait_seconds, LONGEST_WAIT_SECONDS),
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        return tuple(
            QueueMessage(
                id=message["MessageId"],
                body=message["Body"],
                receipt=message["ReceiptHandle"],
                receives=int(message.get("Attributes", {}).get("ApproximateReceiveCount", 1)),
            )
            for message in answer.get("Messages", ())
        )

    def delete(self, messages: Sequence[QueueMessage]) -> tuple[str, ...]:
        """Deletes at most ten messages and returns the ids of those that SQS could not delete and will
        deliver again."""
        if not messages:
            return ()
        entries = [
            {"Id": str(number), "ReceiptHandle": message.receipt} for number, message in enumerate(messages)
        ]
        answer = self._call("DeleteMessage", "delete_message_batch", Entries=entries)
        return tuple(messages[int(failed["Id"])].id for failed in answer.get("Failed", ()))

    def send(self, body: str, *, attributes: Mapping[str, str], deduplication_id: str) -> None:
        """Sends a message with text attributes. `deduplication_id` is for FIFO queues."""
        fifo = (
            {"MessageGroupId": "mesh-assets", "MessageDeduplicationId": deduplication_id}
            if self.name.endswith(".fifo")
            else {}
        )
        self._call(
            "SendMessage",
            "send_message",
            MessageBody=body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
            **fifo,
        )

    def _call(self, action: str, method: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client, method)(QueueUrl=self.url, **arguments)
        except (BotoCoreError, ClientError) as error:
            raise aws_failure(error, action=f"sqs:{action}", resource=str(self)) from error


def region_of(url: str) -> str | None:
    """The region in a queue's address; None when it has none (a stand-in, a VPC endpoint)."""
    match = _REGION.match(url)
    return None if match is None else match[1] or match[2]


_SUBJECT_CHARACTERS = 100
"""SNS's own limit; the subject must be one line of printable ASCII."""


class SnsTopic:
    """The topic of one ARN. Raises PlatformError with the action and the topic."""

    def __init__(
        self, arn: str, *, region: str | None = None, endpoint_url: str | None = None, client: Any = None
    ) -> None:
        """`region` None: the one in the ARN. Contacts nothing."""
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
