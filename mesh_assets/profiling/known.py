"""What a cluster's newest document knows about topics, for their profiles: schemas that values need not name,
and cleanup."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Schema, Topic
from mesh_assets.profiling.shapes import Shape, json_shape

_MOST = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTopic:
    """`latest_ids`: of its value subjects; None: the document has none. `json_schema`: the text of the only
    schema, if that is a JSON Schema: producers of plain JSON do not name it. `compacted` None: its cleanup
    policy is not known."""

    latest_ids: frozenset[int] | None = None
    json_schema: str | None = None
    compacted: bool | None = None


def known_topics(document: Document | None) -> Mapping[str, KnownTopic]:
    """By name; empty for a cluster that was never discovered."""
    if document is None:
        return {}
    schemas = {schema.subject: schema for schema in document.schemas}
    return {topic.name: _known(topic, schemas) for topic in document.topics}


def _known(topic: Topic, schemas: Mapping[str, Schema]) -> KnownTopic:
    subjects = (*topic.schema.value_subjects, *topic.schema.record_subjects)
    found = [schemas[subject] for subject in subjects if subject in schemas]
    policy = topic.details.cleanup_policy
    return KnownTopic(
        latest_ids=frozenset(one.id for one in found) or None,
        json_schema=found[0].definition if len(found) == 1 and found[0].schema_type == "JSON" else None,
        compacted=None if policy is None else "compact" in policy,
    )


def shape_of_plain_json(definition: str, values: Sequence[Any]) -> Shape | None:
    """What a topic's JSON Schema declares; None if it describes values other than these, which do not name
    it: fewer than half of its top-level fields are in half of the records. So an envelope around the records
    is not taken for the record."""
    shape = json_shape(definition)
    tops = {path for path in shape.fields if not any(one in path for one in ".[{")}
    records = [one for one in values if isinstance(one, dict)]
    counts = Counter(name for one in records for name in tops & one.keys())
    usual = sum(1 for count in counts.values() if count >= _MOST * len(records))
    return shape if records and tops and usual >= _MOST * len(tops) else None
