"""What components show as assets, kept in the store: discoveries report records in these topics only.

One object per component, `assets/mounted/<key>.json`, written when its state is refreshed; for this project's own
definitions, which keep no state, their sensor writes it. Loading definitions writes nothing. Without any such object, a
discovery reports nothing and spends nothing.
"""

from collections.abc import Iterable

import msgspec
from msgspec import field

from mesh_assets.components.names import CheckName, Key
from mesh_assets.components.selection import Selection
from mesh_assets.errors import StoreError
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.store.layout import safe
from mesh_assets.store.objects import ObjectStore

_FOLDER = "assets/mounted/"


class Mounted(Record, frozen=True, kw_only=True):
    """`renamed`: the keys that the component's translation chose for topics instead of `<cluster>/topics/<name>`, indexed by
    the latter, joined with slashes. `between_discoveries`: also report records that a sensor sees, minutes after they
    arrived. `checks`: the checks of each asset (`components/checks.py`)."""

    component: str
    selection: Selection
    between_discoveries: bool = True
    checks: tuple[CheckName, ...] = ()
    renamed: dict[str, Key] = field(default_factory=dict)

    def key_of(self, key: Key) -> Key:
        return self.renamed.get("/".join(key), key)


_decoder = msgspec.json.Decoder(Mounted)


def own_definitions(clusters: Iterable[str]) -> Mounted:
    """What this project's own definitions show of its estate. Only discoveries report their topics: whoever just looks at
    them needs no event every few minutes."""
    return Mounted(
        component="mesh_assets.definitions",
        selection=Selection(clusters=tuple(clusters)),
        between_discoveries=False,
    )


def keep_mounted(objects: ObjectStore, mounted: Mounted) -> bool:
    """Keeps what the component shows; returns whether that is new. Raises StoreError."""
    key, data = _key(mounted.component), msgspec.json.encode(mounted)
    found = objects.get(key)
    if found is not None and found[0] == data:
        return False
    objects.put(key, data)
    return True


def forget_mounted(objects: ObjectStore, component: str) -> None:
    """For a component that is no longer used. Raises StoreError."""
    objects.delete(_key(component))


def read_mounted(objects: ObjectStore) -> tuple[Mounted, ...]:
    """What every component shows. Raises StoreError, also for an object that says nothing of the kind."""
    found = []
    for entry in objects.list(_FOLDER):
        content = objects.get(entry.key)
        if content is None:
            continue  # forgotten meanwhile
        try:
            found.append(_decoder.decode(content[0]))
        except UNDECODABLE as error:
            raise StoreError(
                f"{objects.location(entry.key)} does not say what a component shows as assets: {error}; remove it, "
                "and refresh the component's state: dg utils refresh-defs-state"
            ) from error
    return tuple(found)


def _key(component: str) -> str:
    return f"{_FOLDER}{safe(component)}.json"
