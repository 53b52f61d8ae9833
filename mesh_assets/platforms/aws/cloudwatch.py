"""CloudWatch: metrics and their values, many in one request, and the alarms that are in ALARM.

Source: `ListMetrics`, `GetMetricData` and `DescribeAlarms` of the CloudWatch API. A `GetMetricData` request
takes 500 queries and returns 100,800 points; all three are paged. A thousand metrics cost $0.01, so ask only
for what is needed.
"""

import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from mesh_assets.errors import RefusedError, UnreachableError
from mesh_assets.inventory.wording import counted
from mesh_assets.platforms.aws.client import aws_client, aws_failure, read_pages
from mesh_assets.platforms.aws.records import AlarmInAlarm
from mesh_assets.platforms.in_flight import in_flight

MOST_QUERIES = 500
MOST_POINTS = 100_800
_IN_FLIGHT = 4
_WITHIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricQuery:
    """One series. `statistic`: Average, Maximum, Minimum, Sum or SampleCount of each period."""

    name: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str = "Average"


class CloudWatchClient:
    """Reads the metrics of one namespace in one region. Safe to use from many threads; changes nothing.

    Every method raises PlatformError.
    """

    def __init__(
        self,
        namespace: str,
        *,
        resource: str,
        region: str | None = None,
        endpoint_url: str | None = None,
        client: Any = None,
    ) -> None:
        """Messages name `resource`. Contacts nothing; raises EstateError when no region is known."""
        self._namespace = namespace
        self._resource = resource
        self._client = client or aws_client(
            "cloudwatch", resource=resource, region=region, endpoint_url=endpoint_url
        )
        self._lock = threading.Lock()
        self._requests = 0

    @property
    def requests(self) -> int:
        """Calls made so far, without botocore's own retries."""
        with self._lock:
            return self._requests

    def dimensions(
        self, names: Sequence[str], *, having: Mapping[str, str]
    ) -> dict[str, list[dict[str, str]]]:
        """For each metric, the dimensions of its series that include `having` and had a value in the last
        three hours."""
        found = in_flight(
            lambda name: self._listed(name, having),
            names,
            workers=_IN_FLIGHT,
            within_seconds=_WITHIN_SECONDS,
            what=self._what("ListMetrics"),
        )
        return dict(zip(names, found, strict=True))

    def values(
        self, queries: Sequence[MetricQuery], *, begin: datetime, end: datetime, period_seconds: int
    ) -> list[dict[datetime, float]]:
        """For each query, the value of each period by the period's start; periods without a value are
        missing."""
        periods = max(1, int((end - begin).total_seconds() // period_seconds))
        size = max(1, min(MOST_QUERIES, MOST_POINTS // periods))
        chunks = [queries[start : start + size] for start in range(0, len(queries), size)]
        found = in_flight(
            lambda chunk: self._read(chunk, begin, end, period_seconds),
            chunks,
            workers=_IN_FLIGHT,
            within_seconds=_WITHIN_SECONDS,
            what=self._what("GetMetricData"),
        )
        return [values for chunk in found for values in chunk]

    def _listed(self, name: str, having: Mapping[str, str]) -> list[dict[str, str]]:
        asked: dict[str, Any] = {
            "Namespace": self._namespace,
            "MetricName": name,
            "Dimensions": [{"Name": dimension, "Value": value} for dimension, value in having.items()],
            "RecentlyActive": "PT3H",
        }
        return [
            {dimension["Name"]: dimension["Value"] for dimension in metric.get("Dimensions", ())}
            for answer in self._pages("ListMetrics", "list_metrics", asked)
            for metric in answer.get("Metrics", ())
        ]

    def _read(
        self, queries: Sequence[MetricQuery], begin: datetime, end: datetime, period_seconds: int
    ) -> list[dict[datetime, float]]:
        asked = {
            "MetricDataQueries": [
                self._query(f"q{number}", query, period_seconds) for number, query in enumerate(queries)
            ],
            "StartTime": begin,
            "EndTime": end,
        }
        values: list[dict[datetime, float]] = [{} for _ in queries]
        in_part: set[str] = set()
        for answer in self._pages("GetMetricData", "get_metric_data", asked):
            for result in answer.get("MetricDataResults", ()):
                self._check(result)
                in_part.discard(result["Id"])
                if result.get("StatusCode") == "PartialData":  # normal in between: a later page has the rest
                    in_part.add(result["Id"])
                place = values[int(result["Id"].removeprefix("q"))]
                place.update(zip(result.get("Timestamps", ()), result.get("Values", ()), strict=True))
        if in_part:
            raise UnreachableError(
                f"{self._what('GetMetricData')}: CloudWatch returned only part of {counted(len(in_part), 'metric')}; try later"
            )
        return values

    def _query(self, number: str, query: MetricQuery, period_seconds: int) -> dict[str, Any]:
        metric = {
            "Namespace": self._namespace,
            "MetricName": query.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in query.dimensions],
        }
        return {
            "Id": number,
            "MetricStat": {"Metric": metric, "Period": period_seconds, "Stat": query.statistic},
            "ReturnData": True,
        }

    def _check(self, result: Mapping[str, Any]) -> None:
        match result.get("StatusCode"):
            case "Forbidden":
                raise RefusedError(
                    f"{self._what('GetMetricData')}: access denied; allow cloudwatch:GetMetricData to the role this runs as"
                )
            case "InternalError":
                raise UnreachableError(
                    f"{self._what('GetMetricData')}: CloudWatch could not compute a metric; try later"
                )

    def _pages(self, action: str, method: str, asked: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        def ask(page: Mapping[str, str]) -> Mapping[str, Any]:
            with self._lock:
                self._requests += 1
            try:
                answer: Mapping[str, Any] = getattr(self._client, method)(**asked, **page)
            except (BotoCoreError, ClientError) as error:
                raise aws_failure(error, action=f"cloudwatch:{action}", resource=self._resource) from error
            return answer

        return read_pages(ask, what=self._what(action))

    def _what(self, action: str) -> str:
        return f"cloudwatch:{action} on {self._resource}"


_DESCRIBE_ALARMS = "cloudwatch:DescribeAlarms"
_ALARMS_A_PAGE = 100
# A sensor's tick is short, and the next one follows soon.
_READ_SECONDS, _ATTEMPTS = 5, 2


def alarms_in_alarm(
    *, name_prefix: str, region: str | None, endpoint_url: str | None = None, client: Any = None
) -> tuple[AlarmInAlarm, ...]:
    """The alarms in ALARM, metric and composite, by name; one request for each 100.

    Raises PlatformError when they cannot be read completely, EstateError when no region is known.
    """
    resource = f"alarms {name_prefix}*" if name_prefix else "alarms"
    if client is not None:
        return _read_alarms(client, name_prefix, resource)
    made = aws_client(
        "cloudwatch",
        resource=resource,
        region=region,
        endpoint_url=endpoint_url,
        read_timeout_seconds=_READ_SECONDS,
        attempts=_ATTEMPTS,
    )
    with closing(made):
        return _read_alarms(made, name_prefix, resource)


def _read_alarms(client: Any, name_prefix: str, resource: str) -> tuple[AlarmInAlarm, ...]:
    asked: dict[str, Any] = {
        "StateValue": "ALARM",
        "AlarmTypes": ["MetricAlarm", "CompositeAlarm"],
        "MaxRecords": _ALARMS_A_PAGE,
    }
    if name_prefix:
        asked["AlarmNamePrefix"] = name_prefix

    def ask(page: Mapping[str, str]) -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = client.describe_alarms(**asked, **page)
        except (BotoCoreError, ClientError) as error:
            raise aws_failure(error, action=_DESCRIBE_ALARMS, resource=resource) from error
        return answer

    found = [
        _alarm(entry)
        for answer in read_pages(ask, what=f"{_DESCRIBE_ALARMS} on {resource}")
        for entry in (*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ()))
        # AWS filters by state; a stand-in may not.
        if entry.get("StateValue") == "ALARM"
    ]
    return tuple(sorted(found, key=lambda alarm: alarm.name))


def _alarm(entry: Any) -> AlarmInAlarm:
    return AlarmInAlarm(
        name=entry["AlarmName"],
        arn=entry["AlarmArn"],
        reason=entry.get("StateReason", ""),
        # The other time also moves with the evaluation state, which is not a new alarm.
        since=entry.get("StateTransitionedTimestamp") or entry["StateUpdatedTimestamp"],
    )
