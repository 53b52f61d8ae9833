"""Reads everything in the store, and says what is damaged or unreadable, what lacks something it needs, and how to
repair it."""

import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import msgspec

from mesh_assets.errors import ConflictError, DamagedError, NewerFormatError, StoreError
from mesh_assets.inventory.document import sha256
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.store import layout
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.objects import ObjectStore, StoredObject, keep_aside
from mesh_assets.store.packed import PackedDocuments, form_bytes, whole_base
from mesh_assets.store.pointers import (
    decode_adoption,
    decode_known_cluster,
    decode_packing,
    decode_pending,
    decode_pointer,
    decode_store_identity,
    decode_tickets,
)
from mesh_assets.upkeep.census import Census, cluster_of, take_census

T = TypeVar("T")
_PARQUET = b"PAR1"
_MAKE_READABLE = "let this process read it, or restore it from a backup; then verify again"
_MAKE_BASE_READABLE = "it is read once its base can be"
_SNAPSHOT_REPAIR = "mesh-assets snapshot repair --cluster NAME, which knows the consequences for the cluster"


class Damage(Record, frozen=True, kw_only=True):
    """`version`: of the object as found; None if it is missing or not taken out here. `problem`, `then`:
    sentences, the latter about what a repair does or, if this cannot repair it, what can."""

    key: str
    version: str | None
    problem: str
    then: str


def find_damage(
    store: InventoryStore, *, progress: Callable[[str], None] = lambda _: None
) -> Iterator[Damage]:
    """Reads every object once, packed documents with their bases. Only reads. What the store lists but cannot give is
    among the damage, at the end. Raises StoreError if the store as a whole fails, or holds nothing: a wrong address must not
    pass for a sound store."""
    census = take_census(store.objects)
    total = sum(len(found) for found in census.objects.values())
    if not total:
        raise StoreError("the store holds nothing, so nothing was verified; see whether MESH_STORE is right")
    progress(f"reads {total:,} objects")
    reader = _Reader(store.objects)
    yield from _bases(reader, census)
    yield from _documents(reader, census)
    yield from _state(reader, census)
    # Not the inbox: reading it replaces any trigger that cannot be read.
    checks: tuple[tuple[str, Callable[[str, bytes], str | None], str], ...] = (
        (
            "tables",
            _table_fault,
            "it is taken out, and the tables of its cluster are written again by the next discovery",
        ),
        (
            "changes",
            _table_fault,
            "it is taken out; these changes are then in no table, but still follow from the documents",
        ),
        ("readings", _readings_fault, "it is taken out: the readings of that time are lost"),
        ("results", _result_fault, "it is taken out; the next run of its analysis recreates it"),
    )
    for kind, fault_of, then in checks:
        for one in census.objects[kind]:  # type: ignore[index]
            found = reader.get(one.key)
            problem = None if found is None else fault_of(one.key, found[0])
            if found is not None and problem is not None:
                yield _damage(store.objects, one.key, found[1], problem, then)
    for key, problem in reader.unreadable.items():
        yield Damage(key=key, version=None, problem=problem, then=_MAKE_READABLE)


def repair_damage(store: InventoryStore, damage: Damage) -> str | None:
    """Takes the damaged object out, keeping a copy under `quarantine/`; returns where that is. None: it is
    not repaired here. Raises ConflictError if it has changed meanwhile, StoreError if the store fails."""
    if damage.version is None:
        return None
    found = store.objects.get(damage.key)
    if found is None or found[1] != damage.version:
        raise ConflictError(f"{store.objects.location(damage.key)} has changed meanwhile; look again")
    kept = keep_aside(store.objects, damage.key, found[0])
    if damage.key.startswith("tables/"):  # the file that says the tables need not be rewritten
        store.objects.delete(f"tables/_written/{layout.safe(cluster_of(damage.key))}.json")
    store.objects.delete_if(damage.key, found[1])
    return kept


class _Reader:
    """Reads on when the store cannot give single objects. `unreadable`: why, by key; none is asked for twice."""

    def __init__(self, objects: ObjectStore) -> None:
        self.objects = objects
        self.unreadable: dict[str, str] = {}

    def get(self, key: str) -> tuple[bytes, str] | None:
        """None if there is no such object, or it is unreadable."""
        return self.ask(key, lambda: self.objects.get(key))

    def ask(self, key: str, read: Callable[[], T]) -> T | None:
        """What `read`, which needs that object, returns. Raises DamagedError and NewerFormatError as it does, and
        StoreError if the store cannot even list the object."""
        if key in self.unreadable:
            return None
        try:
            return read()
        except (DamagedError, NewerFormatError):
            raise
        except StoreError as error:
            self.objects.list(key)
            self.unreadable[key] = str(error)
            return None


def _bases(reader: _Reader, census: Census) -> Iterator[Damage]:
    for cluster_id, found in census.of_cluster("bases").items():
        packed = PackedDocuments(reader.objects, cluster_id)
        packing = reader.ask(f"{layout.cluster_folder(cluster_id)}packing.json", packed.packing)
        expected = {} if packing is None else {base.id: base.sha256 for base in packing[0].bases}
        forms = census.of_cluster("documents").get(cluster_id, [])
        for one in found:
            stored, base_id = reader.get(one.key), layout.base_of(one.key) or ""
            if stored is None:
                continue
            whole = whole_base(stored[0])
            if whole is None or sha256(whole) != expected.get(base_id, sha256(whole)):
                users = sum(layout.base_of(form.key) == base_id for form in forms)
                then = f"it is taken out, and so are the {users} that differ from it; restoring it from a backup saves them"
                yield _damage(reader.objects, one.key, stored[1], "is damaged", then)


def _documents(reader: _Reader, census: Census) -> Iterator[Damage]:
    objects = reader.objects
    named = _pointed_at(reader, census)
    for one in census.objects["documents"]:
        plain = layout.plain_key(one.key)
        base_id = layout.base_of(one.key)
        base = None if base_id is None else layout.base_key(layout.cluster_of(one.key), base_id)
        if base in reader.unreadable:
            problem = f"{objects.location(one.key)} cannot be read without its base-{base_id}.zst"
            yield Damage(key=one.key, version=None, problem=problem, then=_MAKE_BASE_READABLE)
            continue
        try:
            data = reader.ask(one.key, partial(form_bytes, objects, one.key))
        except DamagedError as error:
            problem = str(error).partition("; restore")[0]
            yield _of_document(reader, census, one, plain in named, problem)
            continue
        if data is None:
            continue  # packed or pruned since it was listed, or unreadable
        expected = named.get(plain)
        if expected is not None and sha256(data) != expected:
            problem = f"{objects.location(one.key)} is not what was written there (its SHA-256 differs)"
            yield _of_document(reader, census, one, True, problem)
        elif not (data.startswith(b"{") and data.rstrip().endswith(b"}")):
            problem = f"{objects.location(one.key)} is not a document: it is not JSON from beginning to end"
            yield _of_document(reader, census, one, plain in named, problem)
    there = {layout.plain_key(one.key) for one in census.objects["documents"]}
    for key in named.keys() - there:
        if reader.get(key) is None and key not in reader.unreadable:
            yield Damage(
                key=key,
                version=None,
                problem=f"{objects.location(key)} is missing though latest.json refers to it",
                then=_SNAPSHOT_REPAIR,
            )


def _of_document(reader: _Reader, census: Census, one: StoredObject, is_latest: bool, problem: str) -> Damage:
    plain = layout.plain_key(one.key)
    others = [two.key for two in census.objects["documents"] if layout.plain_key(two.key) == plain]
    if is_latest:
        return Damage(key=one.key, version=None, problem=problem, then=_SNAPSHOT_REPAIR)
    found = reader.get(one.key)
    then = "it is taken out; the document also exists in another form"
    if len(others) == 1:
        then = "it is taken out: that moment of the cluster's history is lost, unless a backup has the object"
    return Damage(key=one.key, version=None if found is None else found[1], problem=problem, then=then)


def _pointed_at(reader: _Reader, census: Census) -> dict[str, str]:
    """The SHA-256 of the documents that pointers name, by key. Damaged pointers are reported elsewhere."""
    found = {}
    for one in census.objects["state"]:
        if one.key.endswith("/latest.json") and one.key.startswith("inventories/"):
            data = reader.get(one.key)
            try:
                if data is not None:
                    document = decode_pointer(data[0], source=reader.objects.location(one.key)).document
                    found[document.key] = document.sha256
            except DamagedError:
                continue
    return found


def _state(reader: _Reader, census: Census) -> Iterator[Damage]:
    decoders = {
        "latest.json": decode_pointer,
        "pending.json": decode_pending,
        "adopted.json": decode_adoption,
        "tickets.json": decode_tickets,
        "packing.json": decode_packing,
    }
    for one in census.objects["state"]:
        top, _, name = one.key.partition("/")
        decode: Callable[..., object] | None = None
        if top == "inventories":
            decode = decoders.get(name.rpartition("/")[2])
        elif top == "clusters":
            decode = decode_known_cluster
        elif one.key == layout.store_key():
            decode = decode_store_identity
        found = None if decode is None else reader.get(one.key)
        if decode is not None and found is not None:
            try:
                decode(found[0], source=reader.objects.location(one.key))
            except DamagedError as error:
                problem = str(error).partition(". See what")[0]
                if decode is decode_packing:
                    then = "it is taken out; documents name their bases themselves, and the next one is packed on a new base"
                    yield Damage(key=one.key, version=found[1], problem=problem, then=then)
                else:
                    yield Damage(key=one.key, version=None, problem=problem, then=_SNAPSHOT_REPAIR)


def _damage(objects: ObjectStore, key: str, version: str, problem: str, then: str) -> Damage:
    return Damage(key=key, version=version, problem=f"{objects.location(key)} {problem}", then=then)


def _table_fault(key: str, data: bytes) -> str | None:
    if not key.endswith(".parquet"):
        return (
            None
            if key.startswith("tables/_written/")
            else "is not a table: its name does not end in .parquet"
        )
    whole = len(data) > 2 * len(_PARQUET) and data.startswith(_PARQUET) and data.endswith(_PARQUET)
    return None if whole else "is not a Parquet file from beginning to end"


def _readings_fault(key: str, data: bytes) -> str | None:
    if not key.endswith(".bin"):
        return None
    try:
        zlib.decompress(data)
    except zlib.error as error:
        return f"is not a chunk of readings: {error}"
    return None


def _result_fault(key: str, data: bytes) -> str | None:
    return _json_fault(key, data) if key.endswith(".json") else None


def _json_fault(_: str, data: bytes) -> str | None:
    try:
        msgspec.json.decode(data)
    except UNDECODABLE as error:
        return f"is no JSON: {error}"
    return None
