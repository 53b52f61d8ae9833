"""Kafka REST: the cluster's links and mirror topics. None until it is given some: the broker behind this
stand-in has none.

PUT /_stand-in/links   [{"name": "from-warehouse", "source": "<cluster id>", "config": {"bootstrap.servers": "…"},
                         "state": "ACTIVE", "error": "", "mirrors": [{"topic": "orders", "status": "ACTIVE", "lags": [0, 3]}]}]
"""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mesh_assets.sandbox.cloud.refusals import Orders, error_answer
from mesh_assets.sandbox.estate.clusters import CLUSTER_ID

_SINCE_MS = 1_767_225_600_000
_SECRETS = ("sasl.jaas.config", "ssl.keystore.password")


class Links:
    """The endpoints. `url`: this stand-in's own, for links."""

    def __init__(self, orders: Orders, *, url: str) -> None:
        self._orders = orders
        self._url = url

    def list_links(self, request: Request, body: bytes) -> Response:  # noqa: ARG002 - the form of an endpoint
        return self._list(request, "KafkaLinkDataList", [self._link(one) for one in self._orders.links])

    def read(self, request: Request, body: bytes) -> Response:  # noqa: ARG002
        found = self._named(request)
        return _not_found() if found is None else JSONResponse(self._link(found))

    def configs(self, request: Request, body: bytes) -> Response:  # noqa: ARG002
        found = self._named(request)
        if found is None:
            return _not_found()
        config = {"link.mode": "DESTINATION", **found.get("config", {})}
        items = [
            {
                "kind": "KafkaLinkConfigData",
                "metadata": {"self": f"{self._self(found)}/configs/{name}", "resource_name": None},
                "cluster_id": CLUSTER_ID,
                "name": name,
                "value": "" if name in _SECRETS else value,
                "read_only": False,
                "sensitive": name in _SECRETS,
                "source": "DYNAMIC_CLUSTER_LINK_CONFIG",
                "synonyms": [],
                "link_name": found["name"],
            }
            for name, value in config.items()
        ]
        return self._list(request, "KafkaLinkConfigDataList", items)

    def mirrors(self, request: Request, body: bytes) -> Response:  # noqa: ARG002
        """For all links, under the name `-`."""
        name, status = request.path_params["link"], request.query_params.get("mirror_status")
        links = [one for one in self._orders.links if name in ("-", one["name"])]
        if name != "-" and not links:
            return _not_found()
        found = [self._mirror(link, one) for link in links for one in link.get("mirrors", ())]
        shown = [one for one in found if status in (None, one["mirror_status"])]
        return self._list(request, "KafkaMirrorDataList", shown)

    def _named(self, request: Request) -> Mapping[str, Any] | None:
        return next((one for one in self._orders.links if one["name"] == request.path_params["link"]), None)

    def _list(self, request: Request, kind: str, items: list[dict[str, Any]]) -> Response:
        if request.path_params["cluster"] != CLUSTER_ID:
            return _not_found()
        metadata = {"self": f"{self._url}{request.url.path}", "next": None}
        return JSONResponse({"kind": kind, "metadata": metadata, "data": items})

    def _self(self, link: Mapping[str, Any]) -> str:
        return f"{self._url}/kafka/v3/clusters/{CLUSTER_ID}/links/{link['name']}"

    def _link(self, link: Mapping[str, Any]) -> dict[str, Any]:
        error = {"link_error": link["error"]} if link.get("error") else {}
        return {
            "kind": "KafkaLinkData",
            "metadata": {"self": self._self(link), "resource_name": None},
            "source_cluster_id": link["source"],
            "destination_cluster_id": None,
            "link_name": link["name"],
            "link_id": f"id-of-{link['name']}",
            "cluster_link_id": f"id-of-{link['name']}",
            "topic_names": [one["topic"] for one in link.get("mirrors", ())],
            "link_state": link.get("state", "ACTIVE"),
            **error,
        }

    def _mirror(self, link: Mapping[str, Any], mirror: Mapping[str, Any]) -> dict[str, Any]:
        lags = mirror.get("lags", [0])
        return {
            "kind": "KafkaMirrorData",
            "metadata": {"self": f"{self._self(link)}/mirrors/{mirror['topic']}", "resource_name": None},
            "link_name": link["name"],
            "mirror_topic_name": mirror["topic"],
            "source_topic_name": mirror.get("source_topic", mirror["topic"]),
            "num_partitions": len(lags),
            "mirror_lags": [
                {"partition": number, "lag": lag, "last_source_fetch_offset": 0}
                for number, lag in enumerate(lags)
            ],
            "mirror_status": mirror.get("status", "ACTIVE"),
            "state_time_ms": _SINCE_MS,
        }


def _not_found() -> Response:
    return error_answer("kafka_rest", 404, "HTTP 404 Not Found")
