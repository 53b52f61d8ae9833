"""Bases that no packed document differs from any more, and documents that are packed twice.

A base that `packing.json` names may be in use by a discovery that has not written its difference yet. So it
is first removed from that file, in the version read before the listing: a process that builds on the base
meanwhile also writes the file, and one of the two has to start over.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from contextlib import suppress

from msgspec.structs import replace

from mesh_assets.errors import ConflictError, StoreError
from mesh_assets.store import layout
from mesh_assets.store.objects import ObjectStore, StoredObject
from mesh_assets.store.packed import PackedDocuments, form_bytes

_TRIES = 5


def unused(
    objects: ObjectStore, cluster_id: str, forms: Collection[str], bases: Iterable[StoredObject]
) -> list[StoredObject]:
    """The bases that no document differs from, except the newest, which is in use. Raises StoreError."""
    packing, _ = PackedDocuments(objects, cluster_id).packing()
    in_use = {layout.base_of(key) for key in forms}
    if packing.bases:
        in_use.add(packing.bases[-1].id)
    return [one for one in bases if layout.base_of(one.key) not in in_use]


def drop_unused(objects: ObjectStore, cluster_id: str) -> list[StoredObject]:
    """Removes them, and the second difference of any document that two processes packed; returns what is
    gone.

    Raises StoreError, also when other processes keep packing.
    """
    packed = PackedDocuments(objects, cluster_id)
    for _ in range(_TRIES):
        packing, version = packed.packing(to_write=True)
        listed = objects.list(layout.cluster_folder(cluster_id))
        known = {base.id for base in packing.bases}
        twice = _packed_twice(objects, listed, known)
        forms = [
            one.key
            for one in listed
            if layout.document_moment(one.key) is not None and one.key not in {two.key for two in twice}
        ]
        bases = [one for one in listed if one.key.rpartition("/")[2].startswith("base-")]
        going = unused(objects, cluster_id, forms, bases)
        if not going and not twice:
            return []
        ids = {layout.base_of(one.key) for one in going}
        # `turn` moves also if the file names none of them: a base that is being written is not in it yet.
        left = tuple(base for base in packing.bases if base.id not in ids)
        with suppress(ConflictError):
            packed.put_packing(replace(packing, turn=packing.turn + 1, bases=left), version)
            for one in (*twice, *going):
                objects.delete(one.key)
            return [*twice, *going]
    raise StoreError(
        f"{objects.location(layout.cluster_folder(cluster_id))} is constantly being packed by other processes; try again"
    )


def _packed_twice(
    objects: ObjectStore, listed: Iterable[StoredObject], known: set[str]
) -> list[StoredObject]:
    """All but one difference of each document whose plain form is gone. The one that stays has a known base
    and can be read."""
    by_document = defaultdict(list)
    for one in listed:
        if layout.document_moment(one.key) is not None:
            by_document[layout.plain_key(one.key)].append(one)
    found = []
    for key, forms in by_document.items():
        if len(forms) < 2 or any(one.key == key for one in forms):
            continue
        for staying in forms:
            if layout.base_of(staying.key) in known:
                with suppress(StoreError):
                    if form_bytes(objects, staying.key) is not None:
                        found += [one for one in forms if one is not staying]
                        break
    return found
