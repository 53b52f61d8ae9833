"""An AWS of fake client objects, at the seam where boto3's would be: it keeps mappings, records every call, and refuses what botocore's
model does not allow. What it answers is of that model too.
"""

import uuid as uuids
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from mesh_assets.esm.access import AwsAccess
from mesh_assets.estate.esm import AwsAccount
from mesh_assets_tests.esm.botocore_model import answer_problems, request_problems

ACCOUNT = "123456789012"
REGION = "eu-central-1"
CLUSTER_ARN = f"arn:aws:kafka:{REGION}:{ACCOUNT}:cluster/orders/0f6d1c2e-8a41-4a7e-9f10-1f6f2f0d1b3a-7"
SECRET_ARN = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:AmazonMSK_orders-AbCdEf"
WHEN = datetime(2026, 11, 26, 8, 30, tzinfo=UTC)

READING = ("get_", "list_", "describe_", "simulate_", "head_")


def refusal(code: str, message: str = "", status: int = 400) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Operation")


def function_arn(name: str) -> str:
    return name if name.startswith("arn:") else f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


class FakeAws:
    """`calls` holds every call: service, method, arguments. `failing` has an answer's stead: an error by `service.method`."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.failing: dict[str, list[Exception]] = {}
        self.mappings: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, Callable[..., dict[str, Any]]] = {
            "sts.get_caller_identity": lambda: {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:user/engineer", "UserId": "AIDA"},
            "lambda.get_event_source_mapping": lambda UUID: self._mapping(UUID),  # noqa: N803 - AWS' names
            "lambda.list_event_source_mappings": self._list,
        }

    def access(self, **account: Any) -> AwsAccess:
        return AwsAccess(AwsAccount(**{"region": REGION, **account}), make_client=lambda service, _: _Client(self, service))

    def mutations(self) -> list[str]:
        return [f"{service}.{method}" for service, method, _ in self.calls if not method.startswith(READING)]

    def asked(self, name: str) -> list[dict[str, Any]]:
        return [arguments for service, method, arguments in self.calls if f"{service}.{method}" == name]

    def add_mapping(self, function: str = "orders-handler", topic: str = "orders", **answer: Any) -> str:
        """A mapping as Lambda would answer it; its UUID."""
        uuid = answer.pop("UUID", None) or str(uuids.uuid4())
        source = {} if "SelfManagedEventSource" in answer else {"EventSourceArn": CLUSTER_ARN}
        self.mappings[uuid] = {
            "UUID": uuid,
            "FunctionArn": function_arn(function),
            "Topics": [topic],
            "BatchSize": 100,
            "State": "Enabled",
            "StateTransitionReason": "USER_INITIATED",
            "LastProcessingResult": "OK",
            "LastModified": WHEN,
            "StartingPosition": "LATEST",
            **source,
            **answer,
        }
        return uuid

    def _mapping(self, uuid: str) -> dict[str, Any]:
        if uuid not in self.mappings:
            raise refusal("ResourceNotFoundException", "The resource you requested does not exist.", 404)
        return self.mappings[uuid]

    def _list(self, **arguments: Any) -> dict[str, Any]:
        fitting = [m for m in self.mappings.values() if arguments.get("EventSourceArn") in (None, m.get("EventSourceArn"))]
        start, size = int(arguments.get("Marker", 0)), arguments["MaxItems"]
        page: dict[str, Any] = {"EventSourceMappings": fitting[start : start + size]}
        return {**page, "NextMarker": str(start + size)} if start + size < len(fitting) else page


class _Client:
    def __init__(self, aws: FakeAws, service: str) -> None:
        self._aws = aws
        self._service = service

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        name = f"{self._service}.{method}"

        def called(**arguments: Any) -> dict[str, Any]:
            operation = "".join(word.capitalize() for word in method.split("_"))
            problems = request_problems(self._service, operation, arguments)
            assert problems == [], f"{name} would not be a request of {operation}: {problems}"
            self._aws.calls.append((self._service, method, arguments))
            if self._aws.failing.get(name):
                raise self._aws.failing[name].pop(0)
            answer = self._aws.answers[name](**arguments)
            problems = answer_problems(self._service, operation, answer)
            assert problems == [], f"the fake's {name} answers what {operation} does not: {problems}"
            return answer

        return called
