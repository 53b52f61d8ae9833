"""Data products in Bitol's Open Data Product Standard (ODPS 1.0.0), one document each.

https://bitol-io.github.io/open-data-product-standard/ defines the fields; the output is valid by its JSON schema.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from mesh_assets.answering.mesh import Mesh
from mesh_assets.exports.catalog import bootstrap_servers
from mesh_assets.inventory.records import Schema, Topic
from mesh_assets.products.records import DataProduct, DataProducts, Member

VERSION = "v1.0.0"
_UNVERSIONED = "0"
"""Ports must have a version: the schema's. This is for topics without a schema."""


def odps_documents(products: DataProducts, mesh: Mesh) -> Iterator[tuple[str, dict[str, Any]]]:
    """The id of each product with a topic in these clusters, and its document."""
    schemas = {
        name: {one.subject: one for one in document.schemas} for name, document in mesh.documents.items()
    }
    topics = {name: {one.name: one for one in document.topics} for name, document in mesh.documents.items()}
    for product in products.products:
        if any(cluster in mesh.documents for cluster in product.clusters):
            yield product.id, _document(product, mesh, schemas, topics)


def _document(
    product: DataProduct,
    mesh: Mesh,
    schemas: Mapping[str, Mapping[str, Schema]],
    topics: Mapping[str, Mapping[str, Topic]],
) -> dict[str, Any]:
    ports = []
    for member in product.topics:
        topic = topics.get(member.place.cluster, {}).get(member.place.topic)
        if member.role == "output" and topic is not None:
            port = _port(member, topic, mesh, schemas[member.place.cluster])
            ports.append({**port, "contractId": product.id})
    return {
        "apiVersion": VERSION,
        "kind": "DataProduct",
        "id": product.id,
        "name": product.name,
        "status": "active" if product.status == "accepted" else "proposed",
        **({} if product.domain is None else {"domain": product.domain}),
        **({} if product.description is None else {"description": {"purpose": product.description}}),
        **({"tags": list(product.entities)} if product.entities else {}),
        **({"outputPorts": ports} if ports else {}),
        **({} if product.owner is None else {"team": {"name": product.owner}}),
        "customProperties": list(_properties(product)),
    }


def _port(member: Member, topic: Topic, mesh: Mesh, schemas: Mapping[str, Schema]) -> dict[str, Any]:
    place = member.place
    subjects = (*topic.schema.value_subjects, *topic.schema.record_subjects)
    schema = next((schemas[one] for one in subjects if one in schemas), None)
    servers = bootstrap_servers(mesh.addresses.get(place.cluster, ()), mesh.documents[place.cluster])
    properties: dict[str, Any] = {
        "cluster": place.cluster,
        "bootstrapServers": ",".join(servers) or None,
        "partitions": topic.details.partitions,
        "subjects": list(subjects) or None,
        "schemaFormat": None if schema is None else schema.schema_type,
    }
    return {
        "name": place.topic if len(mesh.documents) == 1 else str(place),
        "description": member.reason,
        "type": "kafka",
        "version": _UNVERSIONED if schema is None else str(schema.version),
        "customProperties": _listed(properties),
    }


def _properties(product: DataProduct) -> Iterator[dict[str, Any]]:
    """What the standard has no field for. Unknown values are left out or described."""
    yield from _listed({"qualityScore": product.score})
    for part in product.parts:
        yield {
            "property": f"quality{part.name.capitalize()}",
            "value": part.value,
            "description": part.reason,
        }
    costs = product.costs
    newest = product.freshness.newest_record_at
    yield from _listed(
        {
            "costShare": None if costs is None else costs.cost_share,
            "newestRecordAt": None if newest is None else newest.isoformat(),
            "connectors": list(product.connectors) or None,
            "applications": list(product.applications) or None,
            "producers": list(product.producers) or None,
            "consumers": list(product.consumers) or None,
            "vanishedTopics": [str(one.place) for one in product.vanished] or None,
        }
    )


def _listed(properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"property": name, "value": value} for name, value in properties.items() if value is not None]
