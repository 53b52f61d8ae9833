"""What AWS's services return, apart from their clients: code that only reads these records does not import boto3."""

from dataclasses import dataclass
from datetime import datetime

# A message of a queue, apart from the client: whoever only reads messages need not import boto3.


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMessage:
    """A message as received. `receipt` is what deletes it, good until it becomes visible again. `receives`:
    how often it was handed out."""

    id: str
    body: str
    receipt: str
    receives: int


# What AWS's services tell, apart from the clients: whoever only reads it need not import boto3.


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmInAlarm:
    """An alarm of CloudWatch in ALARM. `since`: when it came to be so, UTC. `reason`: CloudWatch's own
    sentence."""

    name: str
    arn: str
    reason: str
    since: datetime
