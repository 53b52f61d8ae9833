"""The control plane: organizations, environments, Kafka clusters and registries, in pages."""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mesh_assets.sandbox.cloud.refusals import Orders, error_answer
from mesh_assets.sandbox.estate.clusters import (
    CLUSTER,
    CLUSTER_ID,
    ENVIRONMENT,
    ENVIRONMENT_ID,
    ORGANIZATION_ID,
    REGISTRY_ID,
)

_MADE = "2026-01-05T08:00:00.000000+00:00"
_DEFAULT_PAGE = 10
_LARGEST_PAGE = 100
_PLACE = {"cloud": "AWS", "region": "us-east-2"}
_CRN = f"crn://confluent.cloud/organization={ORGANIZATION_ID}"
_ENVIRONMENT_CRN = f"{_CRN}/environment={ENVIRONMENT_ID}"


class ControlPlane:
    """The endpoints. `url`: this stand-in's own, for links. `bootstrap`: the brokers, as `PROTOCOL://host:port`."""

    def __init__(self, orders: Orders, *, url: str, bootstrap: str, registry_url: str) -> None:
        self._orders = orders
        self._url = url
        self._bootstrap = bootstrap
        self._registry_url = registry_url

    def organizations(self, request: Request, body: bytes) -> Response:  # noqa: ARG002 - the form of an endpoint
        crn = {"resource_name": _CRN}
        return self._page(
            request,
            "org/v2",
            "Organization",
            "organizations",
            [{"id": ORGANIZATION_ID, "display_name": "Sandbox", **crn}],
        )

    def environments(self, request: Request, body: bytes) -> Response:  # noqa: ARG002
        known = [(ENVIRONMENT_ID, ENVIRONMENT), ("env-0empty", "nothing-yet")]
        resources = [
            {
                "id": number,
                "display_name": name,
                "stream_governance_config": {"package": "ESSENTIALS"},
                "resource_name": f"{_CRN}/environment={number}",
            }
            for number, name in known
        ]
        return self._page(request, "org/v2", "Environment", "environments", resources)

    def clusters(self, request: Request, body: bytes) -> Response:  # noqa: ARG002
        return self._in_environment(request, "cmk/v2", self._kafka_clusters)

    def registries(self, request: Request, body: bytes) -> Response:  # noqa: ARG002
        return self._in_environment(request, "srcm/v3", self._registry_clusters)

    def _in_environment(
        self, request: Request, api: str, resources: Callable[[], list[dict[str, Any]]]
    ) -> Response:
        environment = request.query_params.get("environment")
        if environment is None:
            return error_answer("control_plane", 400, "The parameter 'environment' is required")
        return self._page(
            request, api, "Cluster", "clusters", resources() if environment == ENVIRONMENT_ID else []
        )

    def _kafka_clusters(self) -> list[dict[str, Any]]:
        real = self._kafka_cluster(CLUSTER_ID, CLUSTER, self._bootstrap)
        others = [
            # For paging only: nothing listens on port 1.
            self._kafka_cluster(f"lkc-s{number:05d}", f"synthetic-{number:05d}", "SASL_SSL://127.0.0.1:1")
            for number in range(1, self._orders.scale.clusters)
        ]
        return [real, *others][: self._orders.shown("clusters")]

    def _kafka_cluster(self, number: str, name: str, bootstrap: str) -> dict[str, Any]:
        return {
            "id": number,
            "resource_name": f"{_ENVIRONMENT_CRN}/cloud-cluster={number}",
            "spec": {
                "display_name": name,
                "availability": "SINGLE_ZONE",
                **_PLACE,
                "config": {"kind": "Standard"},
                "kafka_bootstrap_endpoint": bootstrap,
                # This stand-in has no Kafka REST: the address answers 404.
                "http_endpoint": self._url,
                "environment": self._environment_reference(),
            },
            "status": {"phase": "PROVISIONED"},
        }

    def _registry_clusters(self) -> list[dict[str, Any]]:
        return [
            {
                "id": REGISTRY_ID,
                "resource_name": f"{_ENVIRONMENT_CRN}/schema-registry={REGISTRY_ID}",
                "spec": {
                    "display_name": "Stream Governance Package",
                    "package": "ESSENTIALS",
                    "http_endpoint": self._registry_url,
                    **_PLACE,
                    "environment": self._environment_reference(),
                },
                "status": {"phase": "PROVISIONED"},
            }
        ]

    def _environment_reference(self) -> dict[str, str]:
        related = f"{self._url}/org/v2/environments/{ENVIRONMENT_ID}"
        return {"id": ENVIRONMENT_ID, "related": related, "resource_name": _ENVIRONMENT_CRN}

    def _page(
        self, request: Request, api: str, kind: str, path: str, resources: list[dict[str, Any]]
    ) -> Response:
        base = f"{self._url}/{api}/{path}"
        if (number := request.path_params.get("id")) is not None:
            found = next((resource for resource in resources if resource["id"] == number), None)
            if found is None:
                return error_answer("control_plane", 404, f"{kind} {number} does not exist")
            return JSONResponse(_object(found, api, kind, base))
        try:
            size = int(request.query_params.get("page_size", _DEFAULT_PAGE))
            start = page_start(request.query_params.get("page_token", ""))
        except ValueError:
            return error_answer("control_plane", 400, "page_size or page_token is not one of mine")
        if not 1 <= size <= _LARGEST_PAGE:
            return error_answer("control_plane", 400, f"page_size must be between 1 and {_LARGEST_PAGE}")
        size = min(size, self._orders.scale.page_size)
        metadata: dict[str, Any] = {"first": base, "total_size": len(resources)}
        if start + size < len(resources):
            query = "".join(
                f"&{name}={value}" for name, value in request.query_params.items() if name != "page_token"
            )
            metadata["next"] = f"{base}?page_token={token_of_page(start + size)}{query}"
        data = [_object(resource, api, kind, base) for resource in resources[start : start + size]]
        return JSONResponse({"api_version": api, "kind": f"{kind}List", "metadata": metadata, "data": data})


def _object(resource: dict[str, Any], api: str, kind: str, base: str) -> dict[str, Any]:
    metadata = {
        "self": f"{base}/{resource['id']}",
        "resource_name": resource["resource_name"],
        "created_at": _MADE,
        "updated_at": _MADE,
    }
    rest = {key: value for key, value in resource.items() if key != "resource_name"}
    return {"api_version": api, "kind": kind, "metadata": metadata, **rest}


def token_of_page(position: int) -> str:
    """The opaque token of the page that starts there."""
    return base64.urlsafe_b64encode(f"from {position}".encode()).decode().rstrip("=")


def page_start(token: str) -> int:
    """Where the token's page starts. Raises `ValueError` for a token that is not one of ours."""
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode().removeprefix("from "))
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError(token) from error
