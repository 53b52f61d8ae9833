"""Where what was given up goes: a queue, a topic of SNS, a bucket or a topic of the same cluster."""

import json
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from mesh_assets.sandbox.kafka_mappings.accounts import Accounts
from mesh_assets.sandbox.kafka_mappings.batches import Read, kafka_event, on_failure
from mesh_assets.sandbox.kafka_mappings.mapping import KafkaMapping

Produce = Callable[[str, Sequence[Read]], None]
"""Writes records to a topic of the mapping's cluster."""


def send_given_up(
    mapping: KafkaMapping,
    batch: Sequence[Read],
    condition: str,
    *,
    accounts: Accounts,
    bootstrap_servers: str,
    produce: Produce,
) -> bool:
    """Whether there is a destination, which then has it."""
    destination = on_failure(mapping)
    if not destination:
        return False
    if destination.startswith("kafka://"):
        produce(destination.removeprefix("kafka://"), batch)
        return True
    service = destination.split(":")[2]
    client = accounts.client(mapping.account, service)
    told = json.dumps(_told(mapping, batch, condition))
    match service:
        case "sqs":
            client.send_message(
                QueueUrl=client.get_queue_url(QueueName=destination.rpartition(":")[2])["QueueUrl"],
                MessageBody=told,
            )
        case "sns":
            client.publish(TopicArn=destination, Message=told)
        case "s3":
            # S3 alone is sent the records themselves as well.
            whole = {
                **json.loads(told),
                "payload": json.dumps(kafka_event(mapping, batch, bootstrap_servers)),
            }
            name = f"aws/lambda/{mapping.uuid}/{datetime.now(UTC):%Y/%m/%d/%H.%M.%S}-{uuid.uuid4()}"
            client.put_object(
                Bucket=destination.rpartition(":")[2], Key=name, Body=json.dumps(whole).encode()
            )
        case _:
            raise ValueError(f"unrecognized destination {destination}")
    return True


def _told(mapping: KafkaMapping, batch: Sequence[Read], condition: str) -> dict[str, Any]:
    ranges = {}
    for place in sorted({read.place for read in batch}):
        reads = [read for read in batch if read.place == place]
        ranges[place] = {
            "startOffset": reads[0].offset,
            "endOffset": reads[-1].offset,
            "batchSize": len(reads),
        }
    return {
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": mapping.function_arn,
            "condition": condition,
        },
        "version": "1.0",
        "timestamp": datetime.fromtimestamp(time.time(), UTC).isoformat(),
        "KafkaBatchInfo": {
            "eventSourceArn": mapping.settings.get("EventSourceArn", ""),
            "batchSize": len(batch),
            "offsets": ranges,
        },
    }
