"""A message of a queue, apart from the client: whoever only reads messages need not import boto3."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMessage:
    """A message as received. `receipt` is what deletes it, good until it becomes visible again. `receives`:
    how often it was handed out."""

    id: str
    body: str
    receipt: str
    receives: int
