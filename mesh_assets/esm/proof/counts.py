"""CloudWatch's counts of a function and a mapping.

Unknown is None: a missing data point may mean zero, or not yet arrived.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from mesh_assets.esm.arns import function_in
from mesh_assets.esm.aws_account import AwsAccount, call
from mesh_assets.esm.mapping import EventSourceMapping

_NAMESPACE = "AWS/Lambda"
_PERIOD_SECONDS = 60
# Field → metric, of the function and of the mapping, which has its own only with EventCount.
_OF_FUNCTION = {"invocations": "Invocations", "errors": "Errors"}
_OF_MAPPING = {
    "polled": "PolledEventCount",
    "filtered": "FilteredOutEventCount",
    "invoked": "InvokedEventCount",
    "failed_invokes": "FailedInvokeEventCount",
    "dropped": "DroppedEventCount",
    "on_failure": "OnFailureDestinationDeliveredEventCount",
}


class Counts(Struct, frozen=True, kw_only=True):
    """`invocations` and `errors` are the function's, whoever calls it. The others are this mapping's records.

    `per_mapping`: whether the mapping counts its own at all (MetricsConfig EventCount); without it they are
    None.
    """

    per_mapping: bool
    invocations: int | None = None
    errors: int | None = None
    polled: int | None = None
    filtered: int | None = None
    invoked: int | None = None
    failed_invokes: int | None = None
    dropped: int | None = None
    on_failure: int | None = None

    @property
    def seen(self) -> int:
        """The mapping's records whose fate is counted."""
        return (self.invoked or 0) + (self.filtered or 0) + (self.dropped or 0) + (self.on_failure or 0)

    def known(self) -> dict[str, int]:
        """The counts that are known, by name, for people."""
        counts = {
            name.replace("_", " "): value
            for name, value in msgspec.structs.asdict(self).items()
            if name != "per_mapping"
        }
        return {name: value for name, value in counts.items() if value is not None}

    def since(self, earlier: "Counts") -> "Counts":
        """What was added since `earlier`, which was read over the same window."""
        grown = {
            name: None if value is None else value - (getattr(earlier, name) or 0)
            for name, value in msgspec.structs.asdict(self).items()
            if name != "per_mapping"
        }
        return Counts(per_mapping=self.per_mapping, **grown)


def window_start(moment: datetime) -> datetime:
    """The whole minute of `moment`: CloudWatch keeps no less."""
    return moment.replace(second=0, microsecond=0)


def read_counts(
    account: AwsAccount,
    mapping: EventSourceMapping,
    *,
    since: datetime,
    now: Callable[[], datetime] | None = None,
) -> Counts:
    """Sums since the minute of `since`, in one request.

    Raises PlatformError when CloudWatch refuses or does not answer.
    """
    function = function_in(mapping.function_arn)
    name = mapping.function_arn if function is None else function.name
    per_mapping = "EventCount" in mapping.metrics
    wanted = dict.fromkeys(_OF_FUNCTION, ("FunctionName", name))
    if per_mapping:
        wanted |= dict.fromkeys(_OF_MAPPING, ("EventSourceMappingUUID", mapping.uuid))
    moment = (now or (lambda: datetime.now(UTC)))()
    answer = call(
        account.client("cloudwatch").get_metric_data,
        action="cloudwatch:GetMetricData",
        resource=f"the metrics of function {name}",
        MetricDataQueries=[_query(field, dimension) for field, dimension in wanted.items()],
        StartTime=window_start(since),
        EndTime=window_start(moment) + timedelta(seconds=2 * _PERIOD_SECONDS),
    )
    sums: dict[str, int | None] = dict.fromkeys(wanted)
    for result in answer.get("MetricDataResults", ()):
        if result.get("Values"):
            sums[result["Id"]] = round(sum(result["Values"]))
    return Counts(per_mapping=per_mapping, **sums)


def _query(field: str, dimension: tuple[str, str]) -> dict[str, Any]:
    metric = {
        "Namespace": _NAMESPACE,
        "MetricName": (_OF_FUNCTION | _OF_MAPPING)[field],
        "Dimensions": [{"Name": dimension[0], "Value": dimension[1]}],
    }
    return {
        "Id": field,
        "MetricStat": {"Metric": metric, "Period": _PERIOD_SECONDS, "Stat": "Sum"},
        "ReturnData": True,
    }
