"""Data products as entities of Backstage's software catalog, for a `catalog-info.yaml`.

https://backstage.io/docs/features/software-catalog/descriptor-format defines the format: a product is a System in a Domain,
its topics are Resources, those that others may read are APIs, and connectors and applications that serve only it are
Components.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mesh_assets.answering.mesh import Mesh
from mesh_assets.inventory.records import Schema
from mesh_assets.inventory.wording import counted, one_line
from mesh_assets.products.records import DataProduct, DataProducts, Member, TopicPlace

_API_VERSION = "backstage.io/v1alpha1"
_MOST = 63
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")
_NOT_IN_TAGS = re.compile(r"[^a-z0-9:+#]+")
_NO_OWNER = "unknown"
"""Backstage requires an owner. It shows one without an entity as such."""
_FORMATS = {"AVRO": "avro", "JSON": "json-schema", "PROTOBUF": "protobuf"}


def backstage_entities(products: DataProducts, mesh: Mesh) -> Iterator[dict[str, Any]]:
    """The entities of products with a topic in these clusters: domains first, then each product with its parts."""
    names = _Names()
    schemas = {
        name: {one.subject: one for one in document.schemas} for name, document in mesh.documents.items()
    }
    subjects = {
        TopicPlace(cluster=name, topic=topic.name): (
            *topic.schema.value_subjects,
            *topic.schema.record_subjects,
        )
        for name, document in mesh.documents.items()
        for topic in document.topics
    }
    chosen = [one for one in products.products if any(name in mesh.documents for name in one.clusters)]
    for domain in dict.fromkeys(one.domain for one in chosen if one.domain is not None):
        owners = {one.owner for one in chosen if one.domain == domain}
        owner = owners.pop() if len(owners) == 1 else None
        yield _entity("Domain", names.of("Domain", domain), domain, {"owner": _owner(owner)}, owner=owner)
    for product in chosen:
        yield from _product(product, names, schemas, subjects)


def _product(
    product: DataProduct,
    names: "_Names",
    schemas: Mapping[str, Mapping[str, Schema]],
    subjects: Mapping[TopicPlace, tuple[str, ...]],
) -> Iterator[dict[str, Any]]:
    system = names.of("System", product.id)
    shared = {"owner": _owner(product.owner), "system": system}
    yield _entity(
        "System",
        system,
        product.name,
        {
            "owner": shared["owner"],
            **({} if product.domain is None else {"domain": names.of("Domain", product.domain)}),
        },
        owner=product.owner,
        description=product.description or f"{counted(len(product.topics), 'Kafka topic')}, {product.status}",
        tags=product.entities,
        annotations={
            "mesh-assets/product": product.id,
            "mesh-assets/status": product.status,
            **({} if product.score is None else {"mesh-assets/quality-score": f"{product.score:.3f}"}),
        },
    )
    lifecycle = "production" if product.status == "accepted" else "experimental"
    provided = []
    for member in product.topics:
        place = member.place
        yield _entity(
            "Resource",
            names.of("Resource", str(place)),
            place.topic,
            {"type": "kafka-topic", **shared},
            owner=product.owner,
            description=member.reason,
            annotations={"mesh-assets/cluster": place.cluster, "mesh-assets/role": member.role},
        )
        if member.role == "output":
            provided.append(names.of("API", str(place)))
            yield _api(provided[-1], member, lifecycle, shared, product, schemas, subjects)
    for kind, members in (("kafka-connector", product.connectors), ("service", product.applications)):
        for name in members:
            yield _entity(
                "Component",
                names.of("Component", f"{product.id}/{name}"),
                name,
                {"type": kind, "lifecycle": lifecycle, **shared, "providesApis": provided},
                owner=product.owner,
            )


def _api(
    name: str,
    member: Member,
    lifecycle: str,
    shared: Mapping[str, str],
    product: DataProduct,
    schemas: Mapping[str, Mapping[str, Schema]],
    subjects: Mapping[TopicPlace, tuple[str, ...]],
) -> dict[str, Any]:
    """The topic as an interface; its definition is the schema, else a sentence saying that there is none."""
    place = member.place
    known = schemas.get(place.cluster, {})
    schema = next((known[one] for one in subjects.get(place, ()) if one in known), None)
    return _entity(
        "API",
        name,
        place.topic,
        {
            "type": "kafka-topic" if schema is None else _FORMATS.get(schema.schema_type, "kafka-topic"),
            "lifecycle": lifecycle,
            **shared,
            "definition": f"topic {place.topic} of cluster {place.cluster}: the registry has no schema for its values"
            if schema is None
            else schema.definition or "the schema in the registry is empty",
        },
        owner=product.owner,
        annotations={
            "mesh-assets/cluster": place.cluster,
            **(
                {}
                if schema is None
                else {"mesh-assets/subject": f"{schema.subject} version {schema.version}"}
            ),
        },
    )


def _entity(
    kind: str,
    name: str,
    title: str,
    spec: Mapping[str, Any],
    *,
    owner: str | None,
    description: str | None = None,
    tags: tuple[str, ...] = (),
    annotations: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """An owner whose name is not valid in Backstage is added unchanged."""
    said = {
        **(annotations or {}),
        **({} if owner is None or _owner(owner) == owner else {"mesh-assets/owner": owner}),
    }
    labels = list(dict.fromkeys(tag for one in tags if (tag := _tag(one))))
    return {
        "apiVersion": _API_VERSION,
        "kind": kind,
        "metadata": {
            "name": name,
            "title": one_line(title) or name,
            **({} if description is None else {"description": one_line(description)}),
            **({"annotations": said} if said else {}),
            **({"tags": labels} if labels else {}),
        },
        "spec": dict(spec),
    }


def _owner(owner: str | None) -> str:
    return _NO_OWNER if owner is None else _name(owner)


def _name(text: str) -> str:
    """A name that Backstage allows: letters, digits, `-`, `_`, `.`, with a letter or digit at both ends, at most 63."""
    made = _NOT_IN_NAMES.sub("-", text).strip("-_.")
    if made and len(made) <= _MOST:
        return made
    return f"{made[: _MOST - 9].rstrip('-_.') or 'x'}-{_mark(text)[:8]}"


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _tag(text: str) -> str:
    return _NOT_IN_TAGS.sub("-", text.casefold())[:_MOST].strip("-")


class _Names:
    """The names of entities, one per thing. Backstage treats names that differ only in case as the same."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], str] = {}
        self._taken: set[tuple[str, str]] = set()

    def of(self, kind: str, text: str) -> str:
        known = self._of.get((kind, text))
        if known is None:
            known = _name(text)
            if (kind, known.casefold()) in self._taken:
                known = f"{known[: _MOST - 17].rstrip('-_.')}-{_mark(text)}"
            self._of[kind, text] = known
            self._taken.add((kind, known.casefold()))
        return known
