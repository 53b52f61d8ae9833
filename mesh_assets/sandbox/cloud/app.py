"""The application: which endpoint answers which path, once faults have been applied and the key has been checked."""

import json
import time
from collections.abc import Callable
from html import escape

import httpx
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from mesh_assets.sandbox.cloud.connect import STATES, Connect, ConnectorStates, Told
from mesh_assets.sandbox.cloud.control_plane import ControlPlane
from mesh_assets.sandbox.cloud.links import Links
from mesh_assets.sandbox.cloud.metrics import MetricsApi
from mesh_assets.sandbox.cloud.refusals import (
    Family,
    Fault,
    OrderError,
    Orders,
    error_answer,
    error_body,
    refusal,
)
from mesh_assets.sandbox.cloud.registry import Registry
from mesh_assets.sandbox.credentials import Keys

STAND_IN = "the sandbox's stand-in for Confluent Cloud, written from its published interfaces"
_HEADERS = {"X-Mesh-Stand-In": STAND_IN}

Endpoint = Callable[[Request, bytes], Response]

_CONNECTORS = "/connect/v1/environments/{environment}/clusters/{cluster}/connectors"
_REGISTRY = "/schema-registry"
_LINKS = "/kafka/v3/clusters/{cluster}/links"


def cloud_app(
    *,
    keys: Keys,
    orders: Orders,
    states: ConnectorStates,
    connect: Connect,
    control_plane: ControlPlane,
    registry: Registry,
    metrics: MetricsApi,
    links: Links,
) -> Starlette:
    """The application on top of these parts."""

    def route(path: str, family: Family, endpoint: Endpoint, *methods: str) -> Route:
        return Route(path, _guarded(family, endpoint, keys, orders), methods=methods or ("GET",))

    def unknown(family: Family) -> Endpoint:
        return lambda request, body: error_answer(  # noqa: ARG005
            family, 404, f"{request.url.path} is not part of this stand-in"
        )

    everything = ("GET", "POST", "PUT", "DELETE")
    return Starlette(
        routes=[
            Route(
                "/_stand-in",
                _plain(lambda request, body: JSONResponse({"title": STAND_IN, "told": orders.told()})),  # noqa: ARG005
            ),
            Route("/_stand-in/connectors/{name}", _plain(_tell_connector(states)), methods=["PUT"]),
            Route("/_stand-in/{what}", _plain(_tell(orders)), methods=["PUT", "DELETE"]),
            route(_CONNECTORS, "connect", connect.list_connectors),
            route(f"{_CONNECTORS}/{{name}}", "connect", connect.read),
            route(f"{_CONNECTORS}/{{name}}", "connect", connect.delete, "DELETE"),
            route(f"{_CONNECTORS}/{{name}}/pause", "connect", connect.pause, "PUT"),
            route(f"{_CONNECTORS}/{{name}}/resume", "connect", connect.resume, "PUT"),
            route(f"{_CONNECTORS}/{{name}}/config", "connect", connect.put_config, "PUT"),
            route(f"{_CONNECTORS}/{{name}}/{{part}}", "connect", connect.read),
            route("/org/v2/organizations", "control_plane", control_plane.organizations),
            route("/org/v2/environments", "control_plane", control_plane.environments),
            route("/org/v2/environments/{id}", "control_plane", control_plane.environments),
            route("/cmk/v2/clusters", "control_plane", control_plane.clusters),
            route("/cmk/v2/clusters/{id}", "control_plane", control_plane.clusters),
            route("/srcm/v3/clusters", "control_plane", control_plane.registries),
            route("/srcm/v3/clusters/{id}", "control_plane", control_plane.registries),
            route("/v2/metrics/cloud/export", "metrics", metrics.export),
            route("/v2/metrics/cloud/query", "metrics", metrics.query, "POST"),
            route("/v2/metrics/cloud/descriptors/metrics", "metrics", metrics.metric_descriptors),
            route(_LINKS, "kafka_rest", links.list_links),
            route(f"{_LINKS}/{{link}}", "kafka_rest", links.read),
            route(f"{_LINKS}/{{link}}/configs", "kafka_rest", links.configs),
            route(f"{_LINKS}/{{link}}/mirrors", "kafka_rest", links.mirrors),
            route("/kafka/{path:path}", "kafka_rest", unknown("kafka_rest"), *everything),
            route(f"{_REGISTRY}/schemas", "registry", registry.schemas),
            route(f"{_REGISTRY}/subjects", "registry", registry.subjects),
            route(f"{_REGISTRY}/contexts", "registry", registry.contexts),
            route(f"{_REGISTRY}/subjects/{{subject}}", "registry", registry.forward, *everything),
            route(
                f"{_REGISTRY}/subjects/{{subject}}/{{rest:path}}", "registry", registry.forward, *everything
            ),
            route(f"{_REGISTRY}/config/{{subject}}", "registry", registry.compatibility, *everything),
            route(f"{_REGISTRY}/mode/{{subject}}", "registry", registry.mode, *everything),
            route(f"{_REGISTRY}/{{path:path}}", "registry", registry.forward, *everything),
            route("/v2/metrics/{path:path}", "metrics", unknown("metrics"), *everything),
            route("/connect/{path:path}", "connect", unknown("connect"), *everything),
            route("/{path:path}", "control_plane", unknown("control_plane"), *everything),
        ]
    )


def _guarded(family: Family, endpoint: Endpoint, keys: Keys, orders: Orders) -> Callable[[Request], object]:
    def answer(request: Request, body: bytes) -> Response:
        fault = orders.take_fault(request.url.path)
        if fault is not None and fault.kind == "slow":
            time.sleep(fault.seconds)
        if fault is not None and fault.kind in ("fail", "throttle"):
            return _spoiled(family, fault)
        refused = refusal(keys, family, request.headers.get("authorization"))
        if refused is not None:
            return error_answer(family, refused.status, refused.message)
        try:
            response = endpoint(request, body)
        except httpx.HTTPError as error:
            return error_answer(
                family, 502, f"the server behind this stand-in does not answer: {type(error).__name__}"
            )
        return _cut(response) if fault is not None and fault.kind == "truncate" else response

    return _plain(answer)


def _plain(answer: Endpoint) -> Callable[[Request], object]:
    async def respond(request: Request) -> Response:
        response = await run_in_threadpool(answer, request, await request.body())
        response.headers.update(_HEADERS)
        return response

    return respond


def _spoiled(family: Family, fault: Fault) -> Response:
    status = 429 if fault.kind == "throttle" else fault.status
    sentence = "Too Many Requests" if status == 429 else "as it was told to"
    # Control plane and Connect name Retry-After, the Metrics API rateLimit-reset, in seconds from now.
    waits = {
        "Retry-After": f"{fault.seconds:.0f}",
        "rateLimit-reset": f"{fault.seconds:.0f}",
        "X-RateLimit-Reset": f"{fault.seconds:.0f}",
    }
    headers = waits if fault.kind == "throttle" else {}
    if fault.html:
        page = f"<html><head><title>{status} {escape(sentence)}</title></head><body><h1>{status}</h1></body></html>"
        return HTMLResponse(page, status_code=status, headers=headers)
    return JSONResponse(error_body(family, status, sentence), status_code=status, headers=headers)


def _cut(response: Response) -> Response:
    """Half of the body under the length of the whole: the connection ends halfway."""
    whole = bytes(response.body)
    response.body = whole[: len(whole) // 2]
    return response


def _tell(orders: Orders) -> Endpoint:
    def tell(request: Request, body: bytes) -> Response:
        orders_by_name = {
            "faults": orders.tell_faults,
            "shown": orders.tell_shown,
            "scale": orders.tell_scale,
            "links": orders.tell_links,
        }
        what = str(request.path_params["what"])
        if request.method == "DELETE":
            orders.forget()
            return Response(status_code=204)
        if what not in orders_by_name:
            return JSONResponse({"error": f"expected one of {', '.join(orders_by_name)}"}, status_code=404)
        try:
            orders_by_name[what](json.loads(body))
        except (OrderError, ValueError, TypeError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse(orders.told())

    return tell


def _tell_connector(states: ConnectorStates) -> Endpoint:
    def tell(request: Request, body: bytes) -> Response:
        given = json.loads(body)
        if given.get("state") not in STATES:
            return JSONResponse({"error": f"expected a state of {', '.join(STATES)}"}, status_code=400)
        states.tell(str(request.path_params["name"]), Told(given["state"], str(given.get("trace", ""))))
        return Response(status_code=204)

    return tell
