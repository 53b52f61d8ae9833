"""What AWS's services tell, apart from the clients: whoever only reads it need not import boto3."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmInAlarm:
    """An alarm of CloudWatch in ALARM. `since`: when it came to be so, UTC. `reason`: CloudWatch's own
    sentence."""

    name: str
    arn: str
    reason: str
    since: datetime
