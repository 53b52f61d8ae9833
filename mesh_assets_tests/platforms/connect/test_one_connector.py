"""One connector that a worker withholds or whose name it refuses in a path, and the others beside it."""

from urllib.parse import quote

import httpx
import pytest

from mesh_assets.errors import UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.connect.connectors import UNKNOWN
from mesh_assets_tests.platforms.connect.a_worker import LIST, URL, a_connector, connect_of, info, status


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(400, html="<title>Error 400 Ambiguous URI path separator</title>"), "400"),
        (httpx.Response(403, json={"message": "no"}), "refused an anonymous reader (403)"),
        (httpx.Response(500, json={"error_code": 500, "message": "Request timed out"}), "Request timed out"),
        (httpx.Response(200, html="<html>a proxy's page</html>"), "an HTML page"),
    ],
)
def test_one_connector_that_the_worker_withholds_is_unknown_and_the_others_are_read(
    answer: httpx.Response, said: str
) -> None:
    entries = {
        "a": {"info": info("a"), "status": status("a")},
        "b/%": {"info": None, "status": status("b/%")},
    }
    connect, _ = connect_of({LIST: entries, "/connectors/b%2F%25": answer})
    a, b = connect.connectors()
    assert a == a_connector("a")
    assert (b.name, b.state, dict(b.config), b.connector_class) == ("b/%", "RUNNING", {}, None)
    assert said in (b.error or "")


def test_a_connector_with_an_unavailable_status_keeps_its_config() -> None:
    connect, _ = connect_of(
        {LIST: {"a/b": {"info": info("a/b")}}, "/connectors/a%2Fb/status": httpx.Response(400)}
    )
    (read,) = connect.connectors()
    assert (read.state, read.config["name"]) == (UNKNOWN, "a/b")
    assert "GET /connectors/a%2Fb/status" in (read.error or "")


def test_a_connector_with_a_null_config_is_unknown_there_and_the_others_are_read() -> None:
    nothing = {"info": {**info("a"), "config": None}, "status": status("a")}
    connect, _ = connect_of({LIST: {"a": nothing, "b": {"info": info("b"), "status": status("b")}}})
    a, b = connect.connectors()
    assert (a.state, dict(a.config)) == ("RUNNING", {})
    assert a.error == f"Kafka Connect at {URL} answered GET /connectors with a connector 'a' without a config"
    assert b == a_connector("b")


def test_an_entry_of_another_shape_leaves_the_other_connectors() -> None:
    connect, _ = connect_of({LIST: {"a": "oops", "b": {"info": info("b"), "status": status("b")}}})
    a, b = connect.connectors()
    assert (a.name, a.state, a.tasks) == ("a", UNKNOWN, ())
    assert "an entry for 'a' that is not an object" in (a.error or "")
    assert b == a_connector("b")


def test_a_worker_that_goes_away_midway_is_not_blamed_on_one_connector() -> None:
    entries = {"a": {"info": info("a"), "status": status("a")}, "b": {"info": None, "status": None}}
    connect, _ = connect_of({LIST: entries, "/connectors/b": httpx.Response(503)})
    with pytest.raises(UnreachableError):
        connect.connectors()


@pytest.mark.parametrize(("name", "status"), [("a/b", 400), ("a%b", 400), ("a\\b", 400), ("n{b}", 500)])
def test_a_name_that_the_worker_refuses_in_a_path_cannot_be_requested(name: str, status: int) -> None:
    client, worker = connect_of({})
    worker._answers = {f"/connectors/{quote(name, safe='')}": httpx.Response(status, json={"message": "Bad"})}
    assert client.presence(name) == "unaskable"


def test_a_worker_that_fails_for_a_plain_name_says_nothing_about_it() -> None:
    client, _ = connect_of({"/connectors/a": httpx.Response(500, json={"message": "boom"})})
    with pytest.raises(UnexpectedAnswerError, match="boom"):
        client.presence("a")
