"""Which tables of a cluster need not be rewritten: their rows would be the same.

`tables/_written/<cluster id>.json` says which document the tables were made from. It is in the same folder,
so removing `tables/` has all of them rebuilt.
"""

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec

from mesh_assets.errors import ConflictError
from mesh_assets.inventory.document import Document, sha256
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.store.layout import safe
from mesh_assets.store.objects import ObjectStore


class WrittenTables(Record, frozen=True, kw_only=True):
    """`document`: the SHA-256 of the document whose rows the tables hold; empty while they are being written.
    `made_by`: the version of the code. `rows`: how many, by table."""

    document: str = ""
    made_by: str = ""
    rows: dict[str, int] = msgspec.field(default_factory=dict)


_decoder = msgspec.json.Decoder(WrittenTables)


class TablesWriting:
    """The tables of a cluster while a discovery writes them. Raises StoreError."""

    def __init__(self, objects: ObjectStore, cluster_id: str) -> None:
        self._objects = objects
        self._key = f"tables/_written/{safe(cluster_id)}.json"
        found = objects.get(self._key)
        self._before = WrittenTables() if found is None else _decoded(found[0])
        # From here until `end`, they belong to no document.
        self._version = objects.put(self._key, msgspec.json.encode(WrittenTables()))

    def kept(self, previous: tuple[str, Document] | None, document: Document) -> dict[str, int]:
        """The rows of the tables that stay as they are. `previous`: the previous document and its SHA-256."""
        if previous is None or (self._before.document, self._before.made_by) != (previous[0], made_by()):
            return {}
        same = unchanged_tables(previous[1], document)
        return {name: rows for name, rows in self._before.rows.items() if name in same}

    def end(self, document: str, rows: Mapping[str, int]) -> None:
        """Marks all tables as those of `document`, unless another discovery has started writing them
        meanwhile: then the next one writes all of them."""
        written = WrittenTables(document=document, made_by=made_by(), rows=dict(rows))
        try:
            self._objects.put_if(self._key, msgspec.json.encode(written), self._version)
        except ConflictError:
            self._objects.delete(self._key)


def unchanged_tables(before: Document, now: Document) -> set[str]:
    """The tables whose rows are the same in both documents, apart from the snapshot that they name."""
    return {name for name, made_of in MADE_OF.items() if made_of(before) == made_of(now)}


@cache
def made_by() -> str:
    """If a file of this package differs, another version wrote the tables."""
    modules = sorted(Path(__file__).parent.glob("*.py"))
    return sha256(b"\0".join(module.read_bytes() for module in modules))


def _decoded(data: bytes) -> WrittenTables:
    try:
        return _decoder.decode(data)
    except UNDECODABLE:  # from another version: all tables are written, and then it is replaced
        return WrittenTables()


def _rates(document: Document, of: str) -> Any:
    return None if document.metrics is None else getattr(document.metrics, of)


def _field(name: str, document: Document) -> Any:
    return getattr(document, name)


MADE_OF: dict[str, Callable[[Document], Any]] = {
    "topics": lambda document: (document.topics, _rates(document, "topics")),
    "partitions": lambda document: [(topic.name, topic.partitions) for topic in document.topics],
    "log_directories": lambda document: document.log_directories,
    "topic_configs": lambda document: [
        (topic.name, topic.config, topic.config_overrides) for topic in document.topics
    ],
    "connectors": lambda document: (document.connectors, _rates(document, "connectors")),
    "schemas": lambda document: document.schemas,
    "consumer_groups": lambda document: (document.consumer_groups, _rates(document, "consumer_groups")),
    "group_topics": lambda document: _rates(document, "group_topics"),
    "committed_offsets": lambda document: [
        (group.group_id, group.offsets) for group in document.consumer_groups
    ],
    **{
        name: partial(_field, field)
        for field, names in {
            "brokers": ("brokers", "broker_configs", "features", "quorum_replicas"),
            "access": ("acls", "client_quotas", "scram_users"),
            "transactions": ("transactional_ids", "open_transactions", "topic_producers"),
            "cluster_links": ("cluster_links", "mirror_topics"),
        }.items()
        for name in names
    },
}
"""The parts of a document that a table's rows are made from."""
