"""Documents that are no longer the latest, kept as differences from a base: a whole document of the same day.

`base-<id>.zst` is whole; `inventory-<time>.json.<id>.<attempt>.diff` are differences from it (`differences.py`);
`zstd --patch-from` made those of earlier versions, `….zst`. Every document is one step from its base, so that
one damaged object costs one document, and a document of a year ago is read as fast as today's. `packing.json`
names the bases: a document's plain form is removed only after its difference and base are written and that
file, unchanged since, has been written once more; a base is removed only after it was taken out of that file.
So neither a crash nor other processes leave a difference without its base.
"""

import gzip
import io
import sys
import uuid
import zlib
from contextlib import suppress

from mesh_assets.errors import ConflictError, DamagedError, StoreError
from mesh_assets.importing import importing
from mesh_assets.inventory.document import sha256
from mesh_assets.store import layout
from mesh_assets.store.objects import ObjectStore, set_aside
from mesh_assets.store.pointers import Base, Packing, decode_packing, encode

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_TRIES = 20
# Fast, and not larger: a document's repetitions are close together. With a window of the document's size, reading a base takes five
# times as long, and as much memory again (27 MB with distinct offsets: 24 ms to write, 14 to read, 1.48 MB; at level 6: 170, 111, 1.58).
_BASE_LEVEL, _BASE_WINDOW_LOG = 1, 22
# A base serves for one day: offsets drift away, and a year of bases must not weigh more than the differences.
_MOST_ON_A_BASE = 100
_PIECE = 1 << 20
# Bytes, whatever a damaged frame says of its size.
_MOST_RESERVED = 1 << 28


def compress(data: bytes) -> bytes:
    """A zstd frame."""
    options = zstd.CompressionParameter
    chosen: dict[int, int] = {
        options.compression_level: _BASE_LEVEL,
        options.window_log: min(_BASE_WINDOW_LOG, max(10, len(data).bit_length())),
        options.checksum_flag: 1,
    }
    return zstd.compress(data, options=chosen)


def decompress(data: bytes, base: bytes | None = None) -> bytes:
    """Raises zstd.ZstdError if it is not such a frame, or has another base."""
    known = None if base is None else zstd.ZstdDict(base, is_raw=True).as_prefix
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 31}
    opened = zstd.ZstdDecompressor(zstd_dict=known, options=options)
    # Bit by bit: all at once, zstd would hold it three times: in blocks, joined, and as its window. The space is taken at once:
    # growing, it would leave as much behind.
    whole = io.BytesIO()
    size = zstd.get_frame_info(data).decompressed_size or 0
    whole.seek(max(0, min(size, _MOST_RESERVED) - 1))
    whole.write(b"\0")
    whole.seek(0)
    whole.write(opened.decompress(data, _PIECE))
    while not opened.eof:
        if opened.needs_input:
            raise zstd.ZstdError("it ends before its last block")
        whole.write(opened.decompress(b"", _PIECE))
    whole.truncate()
    if opened.unused_data:
        raise zstd.ZstdError("something follows its last block")
    return whole.getvalue()


class PackedDocuments:
    """The packed documents of one cluster. Needs no lock. Every method raises StoreError if the store fails."""

    def __init__(self, objects: ObjectStore, cluster_id: str) -> None:
        self._objects = objects
        self._id = cluster_id

    def read(self, form: str) -> bytes | None:
        """The document that the difference stands for; None if it is gone. Raises DamagedError."""
        base_id = layout.base_of(form) or ""
        found, base = self._objects.get(form), self._objects.get(layout.base_key(self._id, base_id))
        if found is None:
            return None
        if base is None:
            if self._objects.get(form) is None:  # both have been removed meanwhile
                return None
            raise DamagedError(
                f"{self._where(form)} is there, but not base-{base_id}.zst; restore it from a backup"
            )
        try:
            whole = decompress(base[0])
            if form.endswith(layout.DIFFERENCE):
                with importing:  # brings numpy
                    from mesh_assets.store.differences import Pieces, undone
                return undone(found[0], Pieces(whole))
            return decompress(found[0], whole)
        except (zstd.ZstdError, ValueError) as error:
            raise DamagedError(
                f"{self._where(form)} or its base-{base_id}.zst is damaged: {error}; restore it from a backup"
            ) from error

    def pack(self, key: str, data: bytes, known_sha256: str | None = None) -> str:
        """Writes the document under that key as a difference; returns that one's key. The plain form may then
        be removed. Raises StoreError if it cannot be restored from the difference."""
        with importing:  # brings numpy
            from mesh_assets.store.differences import Pieces, comes_back, difference
        day = layout.document_day(key)
        for _ in range(_TRIES):
            packing, version = self.packing(to_write=True)
            base, whole = self._usable(packing, day)
            bases = packing.bases
            old = Pieces(data, known_sha256) if base is None or whole is None else Pieces(whole, base.sha256)
            if base is None:
                base = Base(id=uuid.uuid4().hex[:16], day=day, sha256=old.sha256.hex())
                self._objects.put_new(layout.base_key(self._id, base.id), compress(data))
                bases = (*bases, base)
            form = f"{key}.{base.id}.{uuid.uuid4().hex[:8]}{layout.DIFFERENCE}"
            packed = difference(data, old, known_sha256)
            if not comes_back(data, packed, old):
                raise StoreError(
                    f"{self._where(key)} cannot be restored from its difference; it stays as it is"
                )
            self._objects.put_new(form, packed)
            count = 1 if bases is not packing.bases else packing.on_newest + 1
            # If another process was faster, what was written stays, since something may rely on it: pruning
            # finds it.
            with suppress(ConflictError):
                self.put_packing(Packing(turn=packing.turn + 1, on_newest=count, bases=bases), version)
                return form
        raise StoreError(
            f"{self._where(self._key)} is constantly being written by other processes; try again"
        )

    def packing(self, *, to_write: bool = False) -> tuple[Packing, str | None]:
        """The bases, and the version of the file that names them; None if there is none. A damaged file
        counts as naming none, since bases in use are known from the differences; the next writer sets it
        aside."""
        found = self._objects.get(self._key)
        if found is None:
            return Packing(), None
        try:
            return decode_packing(found[0], source=self._where(self._key)), found[1]
        except DamagedError as error:
            if to_write:
                set_aside(self._objects, self._key, found[0], reason=str(error))
            return Packing(turn=uuid.uuid4().int >> 66), found[1]

    def put_packing(self, packing: Packing, version: str | None) -> None:
        """Raises ConflictError if the file no longer has that version."""
        data = encode(packing)
        if version is None:
            self._objects.put_new(self._key, data)
        else:
            self._objects.put_if(self._key, data, version)

    @property
    def _key(self) -> str:
        return f"{layout.cluster_folder(self._id)}packing.json"

    def _usable(self, packing: Packing, day: str) -> tuple[Base | None, bytes | None]:
        """The newest base, if it is from that day, not full, and undamaged."""
        base = packing.bases[-1] if packing.bases else None
        if base is None or base.day != day or packing.on_newest >= _MOST_ON_A_BASE:
            return None, None
        found = self._objects.get(layout.base_key(self._id, base.id))
        whole = None if found is None else whole_base(found[0])
        return (base, whole) if whole is not None and sha256(whole) == base.sha256 else (None, None)

    def _where(self, key: str) -> str:
        return self._objects.location(key)


def whole_base(data: bytes) -> bytes | None:
    """The document in a base; None if it is damaged."""
    with suppress(zstd.ZstdError):
        return decompress(data)
    return None


def document_bytes(objects: ObjectStore, key: str) -> bytes | None:
    """A document's JSON, in whatever form it is kept; None if there is none. Raises DamagedError."""
    found = document_object(objects, key)
    return None if found is None else found[0]


def document_object(objects: ObjectStore, key: str) -> tuple[bytes, str] | None:
    """With the version of the object; empty if it is packed. Raises StoreError if none of its forms can be read."""
    for _ in range(_TRIES):  # a listed document may be packed before it is read
        found = objects.get(key)
        if found is not None:
            return found
        forms = sorted(one.key for one in objects.list(f"{key}.") if layout.plain_key(one.key) == key)
        if not forms:
            return None
        damage = None
        for form in forms:
            try:
                if (data := form_bytes(objects, form)) is not None:
                    return data, ""
            except DamagedError as error:
                damage = damage or error
        if damage is not None:
            raise damage
    raise StoreError(f"{objects.location(key)} constantly changes its form; try again")


def form_bytes(objects: ObjectStore, form: str) -> bytes | None:
    """The document's JSON from that form of it; None if it is gone. Raises DamagedError."""
    if layout.base_of(form) is not None:
        return PackedDocuments(objects, layout.cluster_of(form)).read(form)
    found = objects.get(form)
    if found is None or not form.endswith(layout.GZIPPED):
        return None if found is None else found[0]
    try:
        return gzip.decompress(found[0])
    except (OSError, EOFError, zlib.error) as error:
        raise DamagedError(
            f"{objects.location(form)} is not gzip: {error}; restore it from a backup"
        ) from error


def has_sha256(found: tuple[bytes, str], expected: str) -> bool:
    """For an object with its version, which in a folder is the SHA-256 itself, so it need not be computed
    twice."""
    return found[1] == expected or sha256(found[0]) == expected


def pack_plain(objects: ObjectStore, key: str, expected: str | None = None) -> None:
    """Packs the document under that key if it is there in its plain form and has the SHA-256 `expected`
    (None: any)."""
    found = objects.get(key)
    if found is not None and (expected is None or has_sha256(found, expected)):
        PackedDocuments(objects, layout.cluster_of(key)).pack(key, found[0], expected)
        objects.delete_if(key, found[1])


def repack_gzipped(objects: ObjectStore, key: str) -> None:
    """Packs the document under that key if an earlier version compressed it with gzip. Raises
    DamagedError."""
    form = f"{key}{layout.GZIPPED}"
    data = form_bytes(objects, form)
    if data is not None:
        PackedDocuments(objects, layout.cluster_of(key)).pack(key, data)
        objects.delete(form)
