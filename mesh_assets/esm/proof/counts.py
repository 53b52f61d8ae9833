"""What CloudWatch counts of a function and a mapping. Not known is None: no data point can mean zero, or that
none has arrived yet."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from mesh_assets.esm.arns import function_in
from mesh_assets.esm.aws_account import AwsAccess, call
from mesh_assets.esm.mapping import EventSourceMapping

_NAMESPACE = "AWS/Lambda"
_PERIOD_SECONDS = 60
# Metric by the name of its field. The first two are of the function, the others of the mapping, which has
# them only with EventCount.
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
    """`invocations` and `errors`: of the function, whoever calls it. The others are records of this mapping;
    None without EventCount.

    `per_mapping`: whether the mapping counts at all (MetricsConfig EventCount).
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
        """Records of the mapping whose fate is counted."""
        return (self.invoked or 0) + (self.filtered or 0) + (self.dropped or 0) + (self.on_failure or 0)

    def told(self) -> dict[str, int]:
        """What is known, for people."""
        known = {
            name.replace("_", " "): value
            for name, value in msgspec.structs.asdict(self).items()
            if name != "per_mapping"
        }
        return {name: value for name, value in known.items() if value is not None}

    def since(self, earlier: "Counts") -> "Counts":
        """What came on top of `earlier`, which was read over the same window."""
        grown = {
            name: None if value is None else value - (getattr(earlier, name) or 0)
            for name, value in msgspec.structs.asdict(self).items()
            if name != "per_mapping"
        }
        return Counts(per_mapping=self.per_mapping, **grown)


def window_start(moment: datetime) -> datetime:
    """CloudWatch keeps whole minutes."""
    return moment.replace(second=0, microsecond=0)


def read_counts(
    access: AwsAccess,
    mapping: EventSourceMapping,
    *,
    since: datetime,
    now: Callable[[], datetime] | None = None,
) -> Counts:
    """Sums from the minute of `since` on. One request. Raises PlatformError when CloudWatch could not be
    asked."""
    function = function_in(mapping.function_arn)
    name = mapping.function_arn if function is None else function.name
    per_mapping = "EventCount" in mapping.metrics
    wanted = dict.fromkeys(_OF_FUNCTION, ("FunctionName", name))
    if per_mapping:
        wanted |= dict.fromkeys(_OF_MAPPING, ("EventSourceMappingUUID", mapping.uuid))
    moment = (now or (lambda: datetime.now(UTC)))()
    answer = call(
        access.client("cloudwatch").get_metric_data,
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
