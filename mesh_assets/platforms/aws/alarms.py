"""CloudWatch's alarms that are in ALARM now."""

from contextlib import closing
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from mesh_assets.errors import UnexpectedAnswerError
from mesh_assets.platforms.aws.client import aws_client
from mesh_assets.platforms.aws.failures import aws_failure
from mesh_assets.platforms.aws.values import AlarmInAlarm

_ACTION = "cloudwatch:DescribeAlarms"
_PAGE = 100
# A tick is short, and another follows.
_READ_SECONDS, _ATTEMPTS = 5, 2


def alarms_in_alarm(
    *, name_prefix: str, region: str | None, endpoint_url: str | None = None, client: Any = None
) -> tuple[AlarmInAlarm, ...]:
    """Alarms on metrics and composite ones, by name; a request for each 100.

    Raises PlatformError when they cannot be read as a whole, EstateError when no region is known.
    """
    resource = f"alarms {name_prefix}*" if name_prefix else "alarms"
    if client is not None:
        return _read(client, name_prefix, resource)
    made = aws_client(
        "cloudwatch",
        resource=resource,
        region=region,
        endpoint_url=endpoint_url,
        read_timeout_seconds=_READ_SECONDS,
        attempts=_ATTEMPTS,
    )
    with closing(made):
        return _read(made, name_prefix, resource)


def _read(client: Any, name_prefix: str, resource: str) -> tuple[AlarmInAlarm, ...]:
    asked: dict[str, Any] = {
        "StateValue": "ALARM",
        "AlarmTypes": ["MetricAlarm", "CompositeAlarm"],
        "MaxRecords": _PAGE,
    }
    if name_prefix:
        asked["AlarmNamePrefix"] = name_prefix
    found: list[AlarmInAlarm] = []
    while True:
        try:
            answer = client.describe_alarms(**asked)
        except (BotoCoreError, ClientError) as error:
            raise aws_failure(error, action=_ACTION, resource=resource) from error
        entries = (*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ()))
        # AWS has filtered by the state; whoever stands in for it may not have.
        found += [_alarm(entry) for entry in entries if entry.get("StateValue") == "ALARM"]
        following = answer.get("NextToken")
        if not following:
            return tuple(sorted(found, key=lambda alarm: alarm.name))
        if following == asked.get("NextToken"):
            raise UnexpectedAnswerError(
                f"{_ACTION} on {resource} gives the same page again and again; the list is not whole"
            )
        asked["NextToken"] = following


def _alarm(entry: Any) -> AlarmInAlarm:
    return AlarmInAlarm(
        name=entry["AlarmName"],
        arn=entry["AlarmArn"],
        reason=entry.get("StateReason", ""),
        # The other time moves whenever the evaluation's state does, too, which is no new alarm.
        since=entry.get("StateTransitionedTimestamp") or entry["StateUpdatedTimestamp"],
    )
