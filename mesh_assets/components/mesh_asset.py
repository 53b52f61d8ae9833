"""One thing of the estate as an asset, independent of Dagster."""

from msgspec import field

from mesh_assets.components.names import AssetKind, Key
from mesh_assets.inventory.records import Record


class Column(Record, frozen=True, kw_only=True, array_like=True):
    """A field of the topic's values. `path`: dots into records, as in `analysis/field_walk.py`."""

    path: str
    type: str
    optional: bool
    doc: str | None = None


class MeshAsset(Record, frozen=True, kw_only=True):
    """A topic, connector, consumer group, dataset or function. `cluster` None: one of the last two, which belong to no
    cluster. `upstream`: the keys of what feeds it. `columns` None: no schema is known, or it cannot be read.
    `column_sources`: by column, the key and column that it comes from, as far as known. `usual_gap_seconds`: the longest
    usual time between its records, rounded up (`analysed.py`); None: unknown. `facts`: metadata that rarely
    changes."""

    key: Key
    kind: AssetKind
    cluster: str | None
    name: str
    description: str
    domain: str | None = None
    owner: str | None = None
    kinds: tuple[str, ...] = ()
    upstream: tuple[Key, ...] = ()
    columns: tuple[Column, ...] | None = None
    column_sources: dict[str, tuple[tuple[Key, str], ...]] = field(default_factory=dict)
    usual_gap_seconds: int | None = None
    facts: dict[str, str | int] = field(default_factory=dict)
