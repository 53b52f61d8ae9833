"""Data products as a DataHub metadata file: proposals that `datahub ingest` reads with its source `file`.

https://docs.datahub.com/docs/generated/ingestion/sources/metadata-file defines the format. Topics are named as DataHub's
own Kafka source names them if its `platform_instance` is the cluster's name in the estate.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from mesh_assets.answering.mesh import Mesh
from mesh_assets.inventory.wording import listed
from mesh_assets.products.records import DataProduct, DataProducts, TopicPlace

_ENVIRONMENT = "PROD"
_ACTOR = "urn:li:corpuser:datahub"
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_.-]+")


def datahub_proposals(products: DataProducts, mesh: Mesh) -> Iterator[dict[str, Any]]:
    """The proposals: each domain once, and each product with a topic in these clusters."""
    chosen = [one for one in products.products if any(name in mesh.documents for name in one.clusters)]
    for domain in dict.fromkeys(one.domain for one in chosen if one.domain is not None):
        yield _proposal("domain", _domain(domain), "domainProperties", {"name": domain})
    for product in chosen:
        yield from _product(product)


def dataset_urn(place: TopicPlace) -> str:
    """Parentheses and commas structure a URN: neither Kafka's names nor those of clusters contain any."""
    name = quote(f"{place.cluster}.{place.topic}", safe="._-")
    return f"urn:li:dataset:(urn:li:dataPlatform:kafka,{name},{_ENVIRONMENT})"


def _product(product: DataProduct) -> Iterator[dict[str, Any]]:
    urn = f"urn:li:dataProduct:{product.id}"
    yield _proposal(
        "dataProduct",
        urn,
        "dataProductProperties",
        {
            "name": product.name,
            **({} if product.description is None else {"description": product.description}),
            "assets": [{"destinationUrn": dataset_urn(one.place)} for one in product.topics],
            "customProperties": dict(_properties(product)),
        },
    )
    if product.domain is not None:
        yield _proposal("dataProduct", urn, "domains", {"domains": [_domain(product.domain)]})
    if product.owner is not None:
        group = f"urn:li:corpGroup:{_NOT_IN_IDS.sub('-', product.owner).strip('-') or 'unnamed'}"
        yield _proposal(
            "dataProduct",
            urn,
            "ownership",
            {
                "owners": [{"owner": group, "type": "BUSINESS_OWNER"}],
                "lastModified": {"time": 0, "actor": _ACTOR},
            },
        )


def _properties(product: DataProduct) -> Iterator[tuple[str, str]]:
    """Only texts, as DataHub requires. Unknown values are left out."""
    yield "status", product.status
    if product.owner is not None:
        yield "owner", product.owner
    if product.score is not None:
        yield "quality_score", f"{product.score:.3f}"
    for part in product.parts:
        if part.value is not None:
            yield f"quality_{part.name}", f"{part.value:.3f}: {part.reason}"
    costs = product.costs
    if costs is not None and costs.cost_share is not None:
        yield "cost_share", f"{costs.cost_share:.4f}"
    for name, values in (
        ("producers", product.producers),
        ("consumers", product.consumers),
        ("entities", product.entities),
        ("vanished_topics", tuple(str(one.place) for one in product.vanished)),
    ):
        if values:
            yield name, listed(values, most=50)


def _domain(name: str) -> str:
    return f"urn:li:domain:{_NOT_IN_IDS.sub('-', name.casefold()).strip('-') or 'unnamed'}"


def _proposal(entity: str, urn: str, aspect: str, value: dict[str, Any]) -> dict[str, Any]:
    return {
        "entityType": entity,
        "entityUrn": urn,
        "changeType": "UPSERT",
        "aspectName": aspect,
        "aspect": {"json": value},
    }
