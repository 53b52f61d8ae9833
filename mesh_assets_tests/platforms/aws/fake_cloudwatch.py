"""CloudWatch as boto3 shows it, with made-up series; requests and answers are checked against botocore's model."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from botocore.validate import ParamValidator

from mesh_assets.platforms.aws.client import new_session

Series = tuple[str, tuple[tuple[str, str], ...]]


@cache
def _model() -> Any:
    client = new_session().create_client(
        "cloudwatch", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    return client.meta.service_model


def checked(operation: str, value: Mapping[str, Any], *, answer: bool = False) -> None:
    model = _model().operation_model(operation)
    report = ParamValidator().validate(dict(value), model.output_shape if answer else model.input_shape)
    assert not report.has_errors(), report.generate_report()


@dataclass
class FakeCloudWatch:
    """`series`: metric and dimensions → value of every period. `page`: how many a page of an answer has.
    `status`: of each result."""

    series: dict[Series, float]
    page: int = 500
    status: str = "Complete"
    queries: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def list_metrics(self, **asked: Any) -> dict[str, Any]:
        checked("ListMetrics", asked)
        having = {(one["Name"], one["Value"]) for one in asked["Dimensions"]}
        found = [
            {
                "Namespace": asked["Namespace"],
                "MetricName": name,
                "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions],
            }
            for name, dimensions in self.series
            if name == asked["MetricName"] and having <= set(dimensions)
        ]
        start = int(asked.get("NextToken", "0"))
        answer: dict[str, Any] = {"Metrics": found[start : start + self.page]}
        if start + self.page < len(found):
            answer["NextToken"] = str(start + self.page)
        checked("ListMetrics", answer, answer=True)
        return answer

    def get_metric_data(self, **asked: Any) -> dict[str, Any]:
        checked("GetMetricData", asked)
        queries = asked["MetricDataQueries"]
        assert len(queries) <= 500
        with self.lock:
            self.queries.append(len(queries))
        begin, end = asked["StartTime"], asked["EndTime"]
        start = int(asked.get("NextToken", "0"))
        answer: dict[str, Any] = {
            "MetricDataResults": [
                self._result(query, begin, end) for query in queries[start : start + self.page]
            ]
        }
        if start + self.page < len(queries):
            answer["NextToken"] = str(start + self.page)
        checked("GetMetricData", answer, answer=True)
        return answer

    def _result(self, query: dict[str, Any], begin: datetime, end: datetime) -> dict[str, Any]:
        metric, period = query["MetricStat"]["Metric"], query["MetricStat"]["Period"]
        series = (metric["MetricName"], tuple((one["Name"], one["Value"]) for one in metric["Dimensions"]))
        value = self.series.get(series)
        steps = 0 if value is None else int((end - begin).total_seconds() // period)
        moments = [datetime.fromtimestamp(begin.timestamp() + n * period, begin.tzinfo) for n in range(steps)]
        return {
            "Id": query["Id"],
            "Label": "x",
            "StatusCode": self.status,
            "Timestamps": moments,
            "Values": [value] * steps,
        }
