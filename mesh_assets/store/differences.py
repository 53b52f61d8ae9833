"""The difference between two JSON documents that mostly have numbers in the same places.

Two documents of a day hardly differ in anything but digits: offsets, sizes, rates, times. So for a record
that differs from its counterpart only in numbers, we keep the differences of the numbers, which takes a byte
or two where the digits take five; for any other record we keep the text, packed next to its counterpart's.
That is a third of the size that zstd achieves on the documents themselves (bench/store.py). Bytes that are
not JSON also count as text: whatever goes in comes out.

A difference is `mesh-diff`, the version of this form (1 byte), and in MessagePack two zstd frames: `_Difference`, and the text.
"""

import hashlib
import sys
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from mesh_assets.errors import NewerFormatError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_MAGIC, _VERSION = b"mesh-diff", 1
_SAME, _MOVED, _TEXT, _NEW = range(4)  # what a piece is, compared with its counterpart; a new one has none
_LEVEL = 3
_AT_ONCE = 1_000  # pieces
# Marks a number, and separates pieces: JSON escapes control characters, so no text has them.
_NUMBER, _END = b"\0", b"\1"
_MOST_DIGITS = 18  # with a 1 before them, twice that fits into 64 bits; longer runs stay text
_RECORDS_FROM = 4_096  # bytes: a shorter list forms one piece with its surroundings

Integers = NDArray[np.int64]
_POWERS: Integers = 10 ** np.arange(_MOST_DIGITS + 1, dtype=np.int64)


class _Difference(msgspec.Struct, array_like=True):
    """Integers are little-endian. `sha256`: of the document. `kinds`: one byte per piece. `sources`: the
    piece of the base that each is made from, counted from the one after the last, 4 bytes each; none for new
    ones. `sizes`: of the pieces that are text, 4 bytes each. `moves`: for the numbers of the other pieces
    that differ, by how much, zigzag, all lowest bytes first; `gaps`: how many equal ones precede each, 4
    bytes each, all lowest bytes first."""

    sha256: bytes
    kinds: bytes
    sources: bytes
    sizes: bytes
    gaps: bytes
    moves: bytes


_decode = msgspec.msgpack.Decoder(tuple[bytes, bytes]).decode
_decode_difference = msgspec.msgpack.Decoder(_Difference).decode


class Pieces:
    """A document cut before and after each record of its lists. `keys`: the list and first field of the
    record; of records with the same one, `number` has the last. `sha256`: of the document, in hexadecimal,
    where it is known."""

    def __init__(self, document: bytes, sha256: str | None = None) -> None:
        self._document = document
        self._sha256 = sha256
        self.keys, self.starts = [b""], [0]
        if _NUMBER in document or _END in document:
            self.keys = [_NUMBER]  # no other piece has that key
        else:
            try:
                self._cut(document, 0, b"")
            except msgspec.MsgspecError:
                self.keys, self.starts = [b""], [0]
            # The places are those in JSON without spaces, as our own encoder writes it.
            if np.diff([*self.starts, len(document)]).min() <= 0:
                self.keys, self.starts = [b""], [0]
        self.starts.append(len(document))
        self.number = {key: at for at, key in enumerate(self.keys) if key != _NUMBER}

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, at: int) -> bytes:
        return self._document[self.starts[at] : self.starts[at + 1]]

    def between(self, first: int, end: int) -> bytes:
        """The pieces from `first` up to, not including, `end`."""
        return self._document[self.starts[first] : self.starts[end]]

    @cached_property
    def sha256(self) -> bytes:
        known = self._sha256
        return hashlib.sha256(self._document).digest() if known is None else bytes.fromhex(known)

    def are_of(self, document: bytes) -> bool:
        return self._document is document

    def _cut(self, value: "bytes | msgspec.Raw", at: int, path: bytes) -> None:
        if len(value) < _RECORDS_FROM:
            return
        document, keys, starts = self._document, self.keys, self.starts
        if document[at : at + 1] == b"{":
            at += 1
            for name, field in msgspec.json.decode(value, type=dict[str, msgspec.Raw]).items():
                at += len(name.encode()) + 3
                self._cut(field, at, path + b"." + name.encode())
                at += len(field) + 1
        elif document[at : at + 1] == b"[":
            at += 1
            for record in msgspec.json.decode(value, type=list[msgspec.Raw]):
                end = at + len(record)
                comma = document.find(b",", at, end)
                keys.append(path + document[at : end if comma < 0 else comma])
                starts.append(at)
                at = end + 1
            keys.append(path + b"]")
            starts.append(at - 1)


def difference(data: bytes, base: Pieces, sha256: str | None = None) -> bytes:
    """What to keep of `data` if the document `base` is kept as well. `sha256`: as in Pieces."""
    pieces = base if base.are_of(data) else Pieces(data, sha256)
    kinds, sources = bytearray(), []
    texts: list[bytes] = []
    moves: list[Integers] = []
    expected = 0
    for some in _batches(len(pieces)):
        until = expected + len(some)  # if everything stays, nothing is looked at one by one
        if pieces is base or (
            until <= len(base) and pieces.between(some.start, some.stop) == base.between(expected, until)
        ):
            kinds += bytes([_SAME]) * len(some)
            sources += [0] * len(some)
            expected = until
            continue
        found = [base.number.get(pieces.keys[at], -1) for at in some]
        new = [pieces[at] for at in some]
        old = [b"" if at < 0 else base[at] for at in found]
        differ = [at for at, one in enumerate(found) if one >= 0 and new[at] != old[at]]
        moved = dict(zip(differ, _moves([new[at] for at in differ], [old[at] for at in differ]), strict=True))
        for at, source in enumerate(found):
            if source < 0:
                kinds.append(_NEW)
                texts.append(new[at])
                continue
            sources.append(source - expected)
            expected = source + 1
            if at not in moved:
                kinds.append(_SAME)
            elif moved[at] is None:
                kinds.append(_TEXT)
                texts.append(new[at])
            else:
                kinds.append(_MOVED)
        moves += [one for one in moved.values() if one is not None]
    by = np.concatenate([np.zeros(0, np.int64), *moves])
    places = np.flatnonzero(by)
    whole = _Difference(
        sha256=pieces.sha256,
        kinds=bytes(kinds),
        sources=np.array(sources, "<i4").tobytes(),
        sizes=np.array([len(text) for text in texts], "<i4").tobytes(),
        gaps=_planes(np.diff(places, prepend=-1) - 1, "<u4"),
        moves=_planes((by[places] << 1) ^ (by[places] >> 63), "<u8"),
    )
    frames = _compress(msgspec.msgpack.encode(whole)), _compress(b"".join(texts), _known_text(whole, base))
    return _MAGIC + bytes([_VERSION]) + msgspec.msgpack.encode(frames)


def undone(packed: bytes, base: Pieces) -> bytes:
    """The document that the difference stands for. Raises ValueError if it is damaged or has another base,
    and NewerFormatError if a later version wrote it."""
    sha256, pieces = _undone(packed, base)
    data = b"".join(pieces)
    if hashlib.sha256(data).digest() != sha256:
        raise ValueError("it is of another base")
    return data


def comes_back(data: bytes, packed: bytes, base: Pieces) -> bool:
    """Whether `packed` unpacks to `data`; does not hold `data` a second time."""
    at = 0
    for some in _undone(packed, base)[1]:
        if not data.startswith(some, at):
            return False
        at += len(some)
    return at == len(data)


def _undone(packed: bytes, base: Pieces) -> tuple[bytes, Iterator[bytes]]:
    """The document's SHA-256, and the document bit by bit."""
    size = len(_MAGIC)
    if packed[:size] != _MAGIC or len(packed) == size:
        raise ValueError("it is not a difference")
    if packed[size] > _VERSION:
        raise NewerFormatError(
            f"a packed document has format {packed[size]}, but this version of mesh-assets reads only up to format {_VERSION}: "
            "a later version wrote it; update mesh-assets"
        )
    try:
        frame, text = _decode(packed[size + 1 :])
        whole = _decode_difference(_decompress(frame))
    except (msgspec.MsgspecError, zstd.ZstdError) as error:
        raise ValueError(f"it is damaged: {error}") from error
    return whole.sha256, _put_together(whole, text, base)


def _put_together(whole: _Difference, text: bytes, base: Pieces) -> Iterator[bytes]:
    """Raises ValueError if the difference has another base."""
    try:
        texts = _split(_decompress(text, _known_text(whole, base)), np.frombuffer(whole.sizes, "<i4"))
        places = np.cumsum(_from_planes(whole.gaps, "<u4").astype(np.int64) + 1) - 1
        folded = _from_planes(whole.moves, "<u8")
        moves = (folded >> np.uint64(1)).astype(np.int64) ^ -(folded & np.uint64(1)).astype(np.int64)
        sources, first = _sources(whole), 0
        for some in _batches(len(whole.kinds)):
            kinds = whole.kinds[some.start : some.stop]
            found = [-1 if kind == _NEW else next(sources) for kind in kinds]
            if not any(kinds) and found == [*range(found[0], found[-1] + 1)]:
                yield base.between(found[0], found[-1] + 1)
                continue
            old = [base[at] for at, kind in zip(found, kinds, strict=True) if kind == _MOVED]
            marked, numbers = _apart(_END.join(old))
            here = slice(*np.searchsorted(places, [first, first + len(numbers)]))
            numbers[places[here] - first] += moves[here]
            first += len(numbers)
            moved = iter(_together(marked, numbers).split(_END))
            yield b"".join(
                base[at] if kind == _SAME else next(moved) if kind == _MOVED else next(texts)
                for at, kind in zip(found, kinds, strict=True)
            )
    except (zstd.ZstdError, IndexError, RuntimeError) as error:  # one next() too many is a RuntimeError here
        raise ValueError(f"it is of another base: {error}") from error


def _batches(pieces: int) -> Iterator[range]:
    return (range(first, min(first + _AT_ONCE, pieces)) for first in range(0, pieces, _AT_ONCE))


def _moves(new: Sequence[bytes], old: Sequence[bytes]) -> Iterator[Integers | None]:
    """By how much the numbers of each piece differ; None if it differs in more than that."""
    if not new:
        return
    text, numbers = _apart(_END.join(new))
    former_text, former = _apart(_END.join(old))
    at = former_at = 0
    for one, former_one in zip(text.split(_END), former_text.split(_END), strict=True):
        end, former_end = at + one.count(_NUMBER), former_at + former_one.count(_NUMBER)
        yield numbers[at:end] - former[former_at:former_end] if one == former_one else None
        at, former_at = end, former_end


def _apart(text: bytes) -> tuple[bytes, Integers]:
    """The text with `_NUMBER` for each run of digits, and the numbers, doubled; leading zeros get a 1 in
    front, and the doubled number is one more: 007 is 2015."""
    signs = np.frombuffer(text, np.uint8)
    digits = signs - np.uint8(48)
    outside = digits > 9
    edges = np.flatnonzero(np.diff(~outside, prepend=False, append=False))
    starts, ends = edges[::2], edges[1::2]
    long = ends - starts > _MOST_DIGITS
    for start, end in zip(starts[long].tolist(), ends[long].tolist(), strict=True):
        outside[start:end] = True
    starts, widths = starts[~long], (ends - starts)[~long]
    numbers = np.zeros(len(starts), np.int64)
    rows = np.arange(len(starts))
    for place in range(int(widths.max(initial=0))):
        rows = rows[widths[rows] > place]
        numbers[rows] = numbers[rows] * 10 + digits[starts[rows] + place]
    padded = (digits[starts] == 0) & (widths > 1)
    numbers[padded] += _POWERS[widths[padded]]
    marked = signs.copy()
    marked[starts] = 0
    outside[starts] = True
    return marked[outside].tobytes(), numbers * 2 + padded


def _together(text: bytes, numbers: Integers) -> bytes:
    signs = np.frombuffer(text, np.uint8)
    marks = np.flatnonzero(signs == 0)
    values, padded = numbers >> 1, numbers & 1
    if (values < 0).any():
        raise ValueError("it is of another base")
    widths = np.maximum(np.searchsorted(_POWERS, values, side="right"), 1) - padded
    sizes = np.ones(len(signs), np.int64)
    sizes[marks] = widths
    ends = np.cumsum(sizes)
    whole = np.empty(int(ends[-1]) if len(ends) else 0, np.uint8)
    plain = signs != 0
    whole[ends[plain] - 1] = signs[plain]
    last = ends[marks] - 1
    rows = np.arange(len(marks))
    for place in range(int(widths.max(initial=0))):
        rows = rows[widths[rows] > place]
        whole[last[rows] - place] = values[rows] % 10 + 48
        values[rows] //= 10
    return whole.tobytes()


def _planes(numbers: Integers, form: str) -> bytes:
    """All lowest bytes first, so that those that are mostly zero follow each other."""
    return numbers.astype(form).view(np.uint8).reshape(-1, np.dtype(form).itemsize).T.tobytes()


def _from_planes(data: bytes, form: str) -> NDArray[Any]:
    planes = np.frombuffer(data, np.uint8).reshape(np.dtype(form).itemsize, -1)
    return np.ascontiguousarray(planes.T).view(form).reshape(-1)


def _sources(whole: _Difference) -> Iterator[int]:
    expected = 0
    for step in np.frombuffer(whole.sources, "<i4").tolist():
        yield expected + step
        expected += step + 1


def _known_text(whole: _Difference, base: Pieces) -> bytes:
    """The texts of the counterparts of text pieces."""
    sources = _sources(whole)
    found = [(kind, next(sources)) for kind in whole.kinds if kind != _NEW]
    return b"".join(base[at] for kind, at in found if kind == _TEXT)


def _split(text: bytes, sizes: "NDArray[np.int32]") -> Iterator[bytes]:
    return (text[at:end] for at, end in pairwise([0, *np.cumsum(sizes).tolist()]))


def _compress(data: bytes, known: bytes = b"") -> bytes:
    parameter = zstd.CompressionParameter
    window = min(30, max(10, (len(data) + len(known)).bit_length()))
    options: dict[int, int] = {
        parameter.compression_level: _LEVEL,
        parameter.window_log: window,
        parameter.checksum_flag: 1,
    }
    return zstd.compress(data, options=options, zstd_dict=_prefix(known))


def _decompress(data: bytes, known: bytes = b"") -> bytes:
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 31}
    return zstd.decompress(data, zstd_dict=_prefix(known), options=options)


def _prefix(known: bytes) -> Any:
    return zstd.ZstdDict(known, is_raw=True).as_prefix if len(known) >= 8 else None
