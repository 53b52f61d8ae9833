"""All connectors of a Connect cluster: in one request where the worker can, complete or an error, and never
with a secret shown."""

import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from mesh_assets.errors import PlatformError, RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.estate.connections import KafkaConnectEndpoint
from mesh_assets.platforms.connect.connectors import UNKNOWN, ConnectorTask
from mesh_assets.platforms.connect.kafka_connect import KafkaConnectClient, WorkerInfo
from mesh_assets_tests.platforms.connect.a_worker import (
    LIST,
    URL,
    WORKER,
    FakeConnect,
    a_connector,
    connect_of,
    info,
    status,
)
from mesh_assets_tests.platforms.http.fakes import FakeTime


def test_all_connectors_take_one_request() -> None:
    names = [f"c{number:03d}" for number in range(499)]
    connect, worker = connect_of(
        {LIST: {name: {"info": info(name), "status": status(name)} for name in reversed(names)}}
    )
    assert connect.connectors() == tuple(a_connector(name) for name in names)
    assert (worker.requests, connect.requests) == ([LIST], 1)


def test_a_cluster_without_connectors_has_none() -> None:
    connect, _ = connect_of({LIST: {}})
    assert connect.connectors() == ()


def test_a_starting_worker_with_an_empty_list_is_asked_again_once_it_answers_for_one_connector() -> None:
    lists = iter([{}, {"c": {"info": info("c"), "status": status("c")}}])
    connect, worker = connect_of({LIST: lambda: httpx.Response(200, json=next(lists))})
    assert [one.name for one in connect.connectors()] == ["c"]
    assert [request.partition("?")[0] for request in worker.requests] == [
        "/connectors",
        "/connectors/mesh-assets-asks-whether-the-worker-has-started",
        "/connectors",
    ]


def test_an_empty_list_of_a_worker_that_answers_for_no_connector_is_an_error() -> None:
    timed_out = httpx.Response(500, json={"error_code": 500, "message": "Request timed out"})
    path = "/connectors/mesh-assets-asks-whether-the-worker-has-started"
    connect, _ = connect_of({LIST: {}, path: timed_out})
    with pytest.raises(PlatformError, match="Request timed out"):
        connect.connectors()


def test_a_failed_task_keeps_its_trace_while_its_connector_says_running() -> None:
    entry = {
        "info": info("a"),
        "status": status("a", tasks=("FAILED",), trace="DataException: oops\n\tat Cast"),
    }
    connect, _ = connect_of({LIST: {"a": entry}})
    failed = ConnectorTask(id=0, state="FAILED", worker_id=WORKER, trace="DataException: oops\n\tat Cast")
    assert connect.connectors() == (a_connector("a", tasks=(failed,)),)


@pytest.mark.parametrize("state", ["PAUSED", "STOPPED", "UNASSIGNED", "RESTARTING", "HIBERNATING"])
def test_a_state_is_passed_on_as_reported(state: str) -> None:
    connect, _ = connect_of(
        {LIST: {"a": {"info": info("a", tasks=0), "status": status("a", state=state, tasks=())}}}
    )
    assert connect.connectors() == (a_connector("a", state=state, tasks=()),)


def test_a_connector_without_a_status_yet_has_an_unknown_state() -> None:
    connect, worker = connect_of({LIST: {"a": {"info": info("a")}}})
    unknown = ConnectorTask(id=0, state=UNKNOWN, worker_id=None)
    assert connect.connectors() == (a_connector("a", state=UNKNOWN, worker_id=None, tasks=(unknown,)),)
    assert worker.requests == [LIST, "/connectors/a/status"]


def test_a_task_without_a_report_is_unknown_and_not_dropped() -> None:
    connect, _ = connect_of({LIST: {"a": {"info": info("a", tasks=2), "status": status("a")}}})
    tasks = (
        ConnectorTask(id=0, state="RUNNING", worker_id=WORKER),
        ConnectorTask(id=1, state=UNKNOWN, worker_id=None),
    )
    assert connect.connectors() == (a_connector("a", tasks=tasks),)


def test_an_incomplete_entry_is_completed() -> None:
    entries = {"a": {"info": None, "status": status("a")}, "b": {"info": info("b"), "status": None}}
    connect, worker = connect_of(
        {LIST: entries, "/connectors/a": info("a"), "/connectors/b/status": status("b")}
    )
    assert connect.connectors() == (a_connector("a"), a_connector("b"))
    assert sorted(worker.requests) == ["/connectors/a", "/connectors/b/status", LIST]


def test_an_entry_of_a_connector_deleted_meanwhile_is_left_out() -> None:
    connect, _ = connect_of(
        {LIST: {"a": {"info": None, "status": None}, "b": {"info": info("b"), "status": status("b")}}}
    )
    assert connect.connectors() == (a_connector("b"),)


def test_a_worker_without_expand_is_asked_connector_by_connector() -> None:
    names = ["a b", "c/d", "é"]
    paths = {"a b": "a%20b", "c/d": "c%2Fd", "é": "%C3%A9"}
    parts = {f"/connectors/{path}": info(name) for name, path in paths.items()}
    parts |= {f"/connectors/{path}/status": status(name) for name, path in paths.items()}
    connect, _ = connect_of({LIST: names, **parts})
    assert connect.connectors() == tuple(a_connector(name) for name in names)
    assert connect.requests == 1 + 2 * 3


def test_null_fields_are_tolerated() -> None:
    entry = {
        "info": info("a", kind=None, tasks=0, topics=None) | {"tasks": None},
        "status": {
            "name": "a",
            "connector": {"state": "RUNNING", "worker_id": None, "trace": None},
            "tasks": None,
            "type": "SINK",
        },
    }
    connect, _ = connect_of({LIST: {"a": entry}})
    config = {"connector.class": "FileStreamSource", "name": "a", "topics": ""}
    assert connect.connectors() == (a_connector("a", type="sink", worker_id=None, tasks=(), config=config),)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("oops", "with something other than a map of connectors"),
        ([1, 2], "with something other than a map of connectors"),
        (None, "with something other than a map of connectors"),
        ({"a": "oops"}, "with an entry for 'a' that is not an object"),
        ({"a": {"info": [], "status": {}}}, "with a connector 'a' whose info or status is not an object"),
        (
            {"a": {"info": {"config": {}}, "status": {"connector": 3}}},
            "with a connector 'a' whose status is not an object",
        ),
        (
            {"a": {"info": {"config": {}, "tasks": 3}, "status": {"tasks": []}}},
            "with a connector 'a' whose tasks are not a list",
        ),
        (
            {"a": {"info": {"config": {}}, "status": {"tasks": [{"state": "RUNNING"}]}}},
            "with a connector 'a' with a task without a number",
        ),
    ],
)
def test_an_answer_of_another_shape_is_an_error_and_not_an_absence(answer: object, sentence: str) -> None:
    connect, _ = connect_of({LIST: httpx.Response(200, content=b"null") if answer is None else answer})
    with pytest.raises(UnexpectedAnswerError) as raised:
        connect.connectors()
    assert str(raised.value) == f"Kafka Connect at {URL} answered GET /connectors {sentence}"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(401), RefusedError),
        (
            httpx.Response(500, json={"error_code": 500, "message": "Request timed out"}),
            UnexpectedAnswerError,
        ),
        (httpx.Response(503), UnreachableError),
        (httpx.Response(200, html="<html>a proxy's page</html>"), UnexpectedAnswerError),
    ],
)
def test_an_unreadable_list_is_an_error(answer: httpx.Response, kind: type[PlatformError]) -> None:
    connect, _ = connect_of({LIST: answer})
    with pytest.raises(kind):
        connect.connectors()


def test_a_rebalance_is_waited_out() -> None:
    answers = [
        httpx.Response(409, json={"error_code": 409, "message": "rebalance in process"}),
        httpx.Response(200, json={"c": {"info": info("c"), "status": status("c")}}),
    ]
    connect, _ = connect_of({LIST: lambda: answers.pop(0)})
    assert (connect.connectors(), connect.requests) == ((a_connector("c"),), 2)


def test_topics_are_those_that_the_connector_has_used() -> None:
    connect, _ = connect_of({"/connectors/a%2Fb/topics": {"a/b": {"topics": ["z", "y"]}}})
    assert connect.topics("a/b") == ("y", "z")


def test_a_worker_that_does_not_track_topics_says_nothing_about_them() -> None:
    disabled = httpx.Response(403, json={"error_code": 403, "message": "Topic tracking is disabled."})
    connect, _ = connect_of(
        {
            "/connectors/a/topics": disabled,
            "/connectors/c/topics": httpx.Response(405),
            "/connectors/d/topics": httpx.Response(501),
        }
    )
    assert [connect.topics(name) for name in "abcd"] == [None] * 4


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda: httpx.Response(403, json={"message": "User cannot access the resource."}), RefusedError),
        (lambda: {"b": {"topics": []}}, UnexpectedAnswerError),
        (lambda: {"a": {"topics": None}}, UnexpectedAnswerError),
        (list, UnexpectedAnswerError),
    ],
)
def test_unreadable_topics_are_an_error_and_not_an_empty_list(
    answer: Callable[[], object], kind: type[PlatformError]
) -> None:
    connect, _ = connect_of({"/connectors/a/topics": answer})
    with pytest.raises(kind):
        connect.topics("a")


def test_a_worker_describes_itself() -> None:
    connect, _ = connect_of({"/": {"version": "4.3.1", "commit": "abc", "kafka_cluster_id": "xyz"}})
    assert connect.worker_info() == WorkerInfo(version="4.3.1", commit="abc", kafka_cluster_id="xyz")


def test_an_old_worker_leaves_its_cluster_out() -> None:
    connect, _ = connect_of({"/": {"version": "1.0.0", "commit": "abc"}})
    assert connect.worker_info() == WorkerInfo(version="1.0.0", commit="abc", kafka_cluster_id=None)


def test_another_service_at_the_address_does_not_count_as_a_worker() -> None:
    connect, _ = connect_of({"/": ["no", "worker"]})
    with pytest.raises(UnexpectedAnswerError, match=r"is this Kafka Connect\?"):
        connect.worker_info()


def test_a_password_in_a_config_appears_in_no_repr_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    entry = {
        "info": info("a", database_password="hunter2"),
        "status": status("a", trace="jdbc:…password=hunter2"),
    }
    connect, _ = connect_of({LIST: {"a": entry}})
    connectors = connect.connectors()
    assert connectors[0].config["database_password"] == "hunter2"
    assert "hunter2" not in repr(connectors) + repr(connect) + caplog.text


PLUGIN = "/connector-plugins/org.example.Source/config"


@pytest.mark.parametrize(
    ("answer", "keys"),
    [
        ([{"name": "pin", "type": "PASSWORD"}, {"name": "file", "type": "STRING"}], {"pin"}),
        ([], set()),
        (httpx.Response(404, json={"error_code": 404, "message": "Unknown plugin"}), None),
        (httpx.Response(405), None),
        (httpx.Response(500, json={"error_code": 500, "message": "NullPointerException"}), None),
    ],
)
def test_a_plugins_passwords_are_listed_where_the_worker_can_and_otherwise_unknown(
    answer: Any, keys: set[str] | None
) -> None:
    with KafkaConnectClient(
        KafkaConnectEndpoint(kind="kafka_connect", url=URL),
        transport=httpx.MockTransport(FakeConnect({PLUGIN: answer})),
        clock=FakeTime().clock,
    ) as client:
        assert client.password_keys("org.example.Source") == keys


def test_config_definitions_in_another_shape_are_an_error_and_not_an_absence_of_passwords() -> None:
    with (
        KafkaConnectClient(
            KafkaConnectEndpoint(kind="kafka_connect", url=URL),
            transport=httpx.MockTransport(FakeConnect({PLUGIN: {"configs": []}})),
            clock=FakeTime().clock,
        ) as client,
        pytest.raises(UnexpectedAnswerError, match="other than a list of config definitions"),
    ):
        client.password_keys("org.example.Source")


def test_a_connector_requested_by_name_is_here_gone_or_refused() -> None:
    client, _ = connect_of(
        {"/connectors/a": info("a"), "/connectors/b": httpx.Response(403, json={"message": "no"})}
    )
    assert (client.presence("a"), client.presence("b"), client.presence("c")) == ("here", "refused", "gone")
