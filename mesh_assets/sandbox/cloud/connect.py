"""Connect v1: the Datagen connectors, listed, read, paused, resumed and deleted; and the file that keeps their states.

The feed reads that file to know which connectors to write for.
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mesh_assets.sandbox.cloud.refusals import Orders, error_answer
from mesh_assets.sandbox.estate.clusters import CLUSTER_ID, DATAGENS, ENVIRONMENT_ID
from mesh_assets.sandbox.folder import Folder, read_json, write_atomically

ConnectorState = Literal["NONE", "PROVISIONING", "RUNNING", "DEGRADED", "FAILED", "PAUSED", "DELETED"]
STATES = get_args(ConnectorState)


@dataclass(frozen=True, slots=True)
class Told:
    """The state a connector was last told to have. `trace`: a failed one's message. `removed`: it no longer exists."""

    state: str = "RUNNING"
    trace: str = ""
    removed: bool = False


class ConnectorStates:
    """The states, in a file with this one writer. Safe to use from several threads."""

    def __init__(self, folder: Folder) -> None:
        self._path = folder.connector_states
        self._lock = threading.Lock()
        known = (read_json(self._path) or {}).get("connectors", {})
        self._told = {name: Told(**one) for name, one in known.items()}

    def get(self, name: str) -> Told:
        with self._lock:
            return self._told.get(name, Told())

    def tell(self, name: str, told: Told) -> None:
        with self._lock:
            if told == Told():
                self._told.pop(name, None)
            else:
                self._told[name] = told
            content = {one: asdict(what) for one, what in self._told.items()}
            write_atomically(self._path, json.dumps({"connectors": content}, indent=2) + "\n")


_MASK = "****************"
_SYNTHETIC = "SyntheticDatagenSource"


class Connect:
    """The connectors of `data-mesh-cluster`. `endpoint`: the brokers' address, as it appears in connectors' configs."""

    def __init__(self, states: ConnectorStates, orders: Orders, *, endpoint: str) -> None:
        self._states = states
        self._orders = orders
        self._endpoint = endpoint
        self._datagens = {datagen.name: datagen for datagen in DATAGENS}

    def connector_ids(self) -> dict[str, str]:
        """Name → id of the real connectors that exist."""
        return {
            name: datagen.id for name, datagen in self._datagens.items() if not self._states.get(name).removed
        }

    def list_connectors(self, request: Request, body: bytes) -> Response:  # noqa: ARG002 - the form of an endpoint
        if (unknown := _unknown_place(request)) is not None:
            return unknown
        shown = self._orders.shown("connectors")
        names = self._names()[:shown]
        expand = request.query_params.get("expand")
        if expand is None:
            return JSONResponse(names)
        wanted = set(expand.split(","))
        return JSONResponse(
            {
                name: {key: part for key, part in self._expanded(name).items() if key in wanted}
                for name in names
            }
        )

    def read(self, request: Request, body: bytes) -> Response:  # noqa: ARG002
        """`/connectors/{name}`, also with `/config`, `/status` or `/tasks`."""
        name = str(request.path_params["name"])
        if (problem := self._problem(request, name)) is not None:
            return problem
        expanded = self._expanded(name)
        tasks = [{"connector": name, "task": task["id"]} for task in expanded["status"]["tasks"]]
        match request.path_params.get("part"):
            case None:
                return JSONResponse(
                    {"name": name, "type": "source", "config": expanded["info"]["config"], "tasks": tasks}
                )
            case "config":
                return JSONResponse(expanded["info"]["config"])
            case "status":
                return JSONResponse(expanded["status"])
            case "tasks":
                return JSONResponse([{"id": task, "config": {}} for task in tasks])
            case _:
                return error_answer("connect", 404, "resource not found")

    def pause(self, request: Request, body: bytes) -> Response:  # noqa: ARG002
        return self._told(request, Told("PAUSED"))

    def resume(self, request: Request, body: bytes) -> Response:  # noqa: ARG002
        return self._told(request, Told())

    def delete(self, request: Request, body: bytes) -> Response:  # noqa: ARG002
        problem = self._problem(request, str(request.path_params["name"]))
        if problem is not None:
            return problem
        self._states.tell(str(request.path_params["name"]), Told("DELETED", removed=True))
        return JSONResponse({"error": None})

    def put_config(self, request: Request, body: bytes) -> Response:
        """Restore a deleted connector. Only the 37 known ones can run here."""
        name = str(request.path_params["name"])
        try:
            config = json.loads(body)
        except json.JSONDecodeError:
            return error_answer("connect", 400, "the body is not JSON")
        if (
            name not in self._datagens
            or not isinstance(config, dict)
            or config.get("connector.class") != "DatagenSource"
        ):
            return error_answer(
                "connect", 400, "this stand-in only runs the Datagen connectors of its topics"
            )
        self._states.tell(name, Told())
        return JSONResponse({"name": name, "type": "source", "config": self._config(name), "tasks": []})

    def _told(self, request: Request, told: Told) -> Response:
        name = str(request.path_params["name"])
        if (problem := self._problem(request, name)) is not None:
            return problem
        if name in self._datagens:
            self._states.tell(name, told)
        return Response(status_code=202)

    def _problem(self, request: Request, name: str) -> Response | None:
        if (unknown := _unknown_place(request)) is not None:
            return unknown
        names = self._names()
        if name not in names:
            return error_answer("connect", 404, "resource not found")
        if name not in names[: self._orders.shown("connectors")]:
            return error_answer("connect", 403, "Forbidden Access")
        return None

    def _names(self) -> list[str]:
        real = list(self.connector_ids())
        return real + list(_synthetic(self._orders.scale.connectors - len(real)))

    def _id(self, name: str) -> str:
        return self._datagens[name].id if name in self._datagens else f"lcc-s{name[-5:]}"

    def all_ids(self) -> set[str]:
        """The ids of all connectors, including made-up ones, which write nothing."""
        return {self._id(name) for name in self._names()}

    def _expanded(self, name: str) -> dict[str, Any]:
        told = self._states.get(name)
        failed = told.state in ("FAILED", "DEGRADED")
        tasks = [] if told.state in ("NONE", "PROVISIONING", "DELETED") else [_task(name, told)]
        return {
            "id": {"id": self._id(name), "id_type": "ID"},
            # Unlike Kafka Connect's, this has no tasks and no type.
            "info": {"name": name, "config": self._config(name)},
            "status": {
                "name": name,
                "connector": {"state": told.state, "worker_id": name, "trace": told.trace if failed else ""},
                "tasks": tasks,
                "type": "source",
            },
        }

    def _config(self, name: str) -> dict[str, str]:
        datagen = self._datagens.get(name)
        written = (
            {
                "kafka.topic": datagen.topic.name,
                "max.interval": str(60_000 // datagen.topic.per_minute),
                "output.data.format": datagen.format,
                "quickstart": datagen.topic.name.upper(),
            }
            if datagen
            else {
                "kafka.topic": "orders",
                "output.data.format": "AVRO",
                "quickstart": "ORDERS",
                "stand.in": "made up, writes nothing",
            }
        )
        return {
            "cloud.environment": "prod",
            "cloud.provider": "aws",
            "connector.class": "DatagenSource",
            "kafka.api.key": _MASK,
            "kafka.api.secret": _MASK,
            "kafka.auth.mode": "KAFKA_API_KEY",
            "kafka.endpoint": self._endpoint,
            "kafka.region": "us-east-2",
            "name": name,
            "tasks.max": "1",
            **written,
        }


def _task(name: str, told: Told) -> dict[str, Any]:
    state = "FAILED" if told.state == "DEGRADED" else told.state
    return {"id": 0, "state": state, "worker_id": name, "msg": told.trace if state == "FAILED" else ""}


def _synthetic(count: int) -> Iterator[str]:
    return (f"{_SYNTHETIC}_{number:05d}" for number in range(max(0, count)))


def _unknown_place(request: Request) -> Response | None:
    if request.path_params["environment"] != ENVIRONMENT_ID:
        return error_answer("connect", 404, "account not found")
    if request.path_params["cluster"] != CLUSTER_ID:
        return error_answer("connect", 404, "kafka cluster not found")
    return None
