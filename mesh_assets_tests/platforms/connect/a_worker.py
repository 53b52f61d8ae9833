"""A Kafka Connect worker with scripted answers."""

from collections.abc import Mapping
from typing import Any

import httpx

from mesh_assets.estate.connections import KafkaConnectEndpoint
from mesh_assets.platforms.connect.connectors import Connector, ConnectorTask
from mesh_assets.platforms.connect.kafka_connect import KafkaConnectClient
from mesh_assets_tests.platforms.http.fakes import FakeTime

URL = "http://connect.test:8083"
WORKER = "10.0.0.1:8083"
Answers = Mapping[str, Any]


class FakeConnect:
    """A worker that answers paths with JSON values, responses or functions, and everything else with its 404."""

    def __init__(self, answers: Answers) -> None:
        self.requests: list[str] = []
        self._answers = answers

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        self.requests.append(path)
        answer = self._answers.get(
            path, httpx.Response(404, json={"error_code": 404, "message": "HTTP 404 Not Found"})
        )
        if callable(answer):
            answer = answer()
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return httpx.Response(200, json=answer)


LIST = "/connectors?expand=info&expand=status"


def connect_of(answers: Answers) -> tuple[KafkaConnectClient, FakeConnect]:
    worker = FakeConnect(answers)
    endpoint = KafkaConnectEndpoint(kind="kafka_connect", url=URL)
    return KafkaConnectClient(endpoint, transport=httpx.MockTransport(worker), clock=FakeTime().clock), worker


def info(name: str, *, kind: str | None = "source", tasks: int = 1, **config: str | None) -> dict[str, Any]:
    return {
        "name": name,
        "config": {"connector.class": "FileStreamSource", "name": name, **config},
        "tasks": [{"connector": name, "task": number} for number in range(tasks)],
        "type": kind,
    }


def status(
    name: str, *, state: str = "RUNNING", tasks: tuple[str, ...] = ("RUNNING",), trace: str | None = None
) -> dict[str, Any]:
    failure = {} if trace is None else {"trace": trace}
    return {
        "name": name,
        "connector": {"state": state, "worker_id": WORKER},
        "tasks": [
            {"id": number, "state": task, "worker_id": WORKER, **failure} for number, task in enumerate(tasks)
        ],
        "type": "source",
    }


def a_connector(name: str, **more: Any) -> Connector:
    values: dict[str, Any] = {
        "type": "source",
        "connector_class": "FileStreamSource",
        "state": "RUNNING",
        "worker_id": WORKER,
        "config": {"connector.class": "FileStreamSource", "name": name},
        "tasks": (ConnectorTask(id=0, state="RUNNING", worker_id=WORKER),),
    }
    return Connector(name=name, **{**values, **more})
