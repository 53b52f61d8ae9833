"""OpenLineage's own client reads the export: its classes accept every event and facet completely, and its transport posts the
same to a real HTTP server as ours."""

import importlib
import json
import pkgutil
import threading
import types
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attr
from openlineage.client import OpenLineageClient, event_v2, facet_v2, generated
from openlineage.client.serde import Serde
from openlineage.client.transport.http import HttpConfig, HttpTransport

from mesh_assets.exports.lineage_endpoint import LineageEndpoint
from mesh_assets_tests.exports.a_mesh import a_mesh, events_of

_FACETS = {
    name: one
    for module in pkgutil.iter_modules(generated.__path__)
    for name, one in vars(importlib.import_module(f"{generated.__name__}.{module.name}")).items()
    if isinstance(one, type) and issubclass(one, facet_v2.BaseFacet)
}
"""The client's classes of facets by their names, which are those in the addresses of their schemas."""


def structured(kind: Any, content: Any) -> Any:
    """An object of the client's class, and all within it, with nothing of `content` left out."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if content is None:
        return None
    if origin in (typing.Union, types.UnionType):
        kinds = [one for one in arguments if one is not type(None)]
        return structured(kinds[0], content) if len(kinds) == 1 else _first_that_takes(kinds, content)
    if origin is list:
        return [structured(arguments[0], one) for one in content]
    if origin is dict:
        return {name: structured(arguments[1], one) for name, one in content.items()}
    if not attr.has(kind):
        return content
    if "_schemaURL" in content:  # where the client names only what all facets have in common
        kind = _FACETS[content["_schemaURL"].rpartition("/")[2]]
        assert kind._get_schema() == content["_schemaURL"]
    hints = typing.get_type_hints(kind)
    given = {
        field.alias: structured(hints[field.name], content[field.name])
        for field in attr.fields(kind)
        if field.init and field.name in content
    }
    left = content.keys() - {field.name for field in attr.fields(kind)}
    assert not left, f"{kind.__name__} of the client does not know {sorted(left)}"
    return kind(**given)


def _first_that_takes(kinds: list[Any], content: Any) -> Any:
    for kind in kinds:
        try:
            return structured(kind, content)
        except (AssertionError, TypeError, KeyError):
            continue
    raise AssertionError(f"none of {kinds} takes {content}")


def read(event: dict[str, Any]) -> event_v2.DatasetEvent | event_v2.JobEvent:
    kind = event_v2.DatasetEvent if "dataset" in event else event_v2.JobEvent
    whole: event_v2.DatasetEvent | event_v2.JobEvent = structured(kind, event)
    return whole


def told(content: Any) -> Any:
    """Without the empty lists and objects that the client adds."""
    if isinstance(content, dict):
        return {name: told(one) for name, one in content.items() if one not in ([], {})}
    return [told(one) for one in content] if isinstance(content, list) else content


@contextmanager
def a_receiver() -> Iterator[tuple[str, list[Any]]]:
    """A real server that keeps what is posted to it; its address and the bodies."""
    received: list[Any] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/api/v1/lineage"
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_clients_classes_accept_every_event_and_return_it_unchanged() -> None:
    events = events_of(a_mesh())
    assert told([json.loads(Serde.to_json(read(event))) for event in events]) == told(events)
    assert {type(one).__name__ for one in map(read, events)} == {"DatasetEvent", "JobEvent"}


def test_the_clients_transport_posts_what_our_own_does() -> None:
    events = events_of(a_mesh())
    with a_receiver() as (url, received):
        client = OpenLineageClient(transport=HttpTransport(HttpConfig(url=url)))
        for event in events:
            client.emit(read(event))
        client.close()
        theirs = list(received)
        received.clear()
        endpoint = LineageEndpoint(f"{url}/api/v1/lineage")
        endpoint.post(json.dumps(event).encode() for event in events)
        endpoint.close()
        ours = list(received)

    assert told(theirs) == told(events)
    assert endpoint.accepted == len(events)
    assert sorted(map(json.dumps, ours)) == sorted(map(json.dumps, events))
