"""What differs between two JSON documents that are mostly numbers in the same places.

Of two documents of a day, hardly anything differs but digits: offsets, sizes, rates, times. So a document is taken apart into its
text, where one byte stands for each run of digits, and the numbers. Of the text it is said which parts are the base's; of the
numbers, by how much they differ. That is less than half of what zstd makes of the documents themselves (bench/store.py).

A difference is a zstd frame. In it, all integers are little-endian: `mesh-diff`, the version of this form (1 byte), the SHA-256 of
the document, and how many parts its text has (4), none meaning that it is the base's. Then the parts, each the first chunk of the
base's text and how many follow (4 bytes each), or 0xFFFFFFFF and how many bytes of new text; the size of the new text (4), and that.
Then the numbers, in their order, against those of the base's chunks, and against 0 in new text; then their leading zeros, since 007
is not 7, in the same way. Of both only those that differ: how many (4), how many equal ones come before each (4 bytes each), and by
how much they differ (8 each, zigzag); both byte by byte, all lowest bytes first. A chunk ends where the next `{` begins.
"""

import hashlib
import struct
import sys
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mesh_assets.errors import NewerFormatError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_MAGIC, _VERSION, _NEW = b"mesh-diff", 1, 0xFFFFFFFF
# A control character, which JSON escapes, so no text has it. Longer runs of digits would not fit into 64 bits: they stay text.
_NUMBER, _MOST_DIGITS = 1, 18
_LEVEL = 3
_SLICE = 1 << 20
_MIXING = np.int64(0x9E3779B97F4A7C15 - (1 << 64))  # Fibonacci hashing: close numbers lie far apart

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
_POWERS: Integers = 10 ** np.arange(1, _MOST_DIGITS, dtype=np.int64)


class Apart(NamedTuple):
    """`text` has `_NUMBER` for each run of digits, of which `values` and `zeros` are the value and the leading zeros. Chunk `n` begins at
    `chunks[n]`, its first number is `first[n]`; both have one entry more, for the end."""

    text: bytes | bytearray
    values: Integers
    zeros: NDArray[np.int8]
    chunks: Integers
    first: Integers


def difference(data: bytes, old: Apart) -> bytes:
    """What to keep of `data` where the document `old` is kept as well."""
    new = taken_apart(data, like=old)
    parts, text = bytearray(), bytearray()
    values, zeros = new.values, new.zeros
    if new.text is old.text:
        values -= old.values
        zeros -= old.zeros
    else:
        for theirs, ours, length in _common(new, old):
            if theirs is None:
                piece = new.text[new.chunks[ours] : new.chunks[ours + length]]
                parts += struct.pack("<II", _NEW, len(piece))
                text += piece
                continue
            parts += struct.pack("<II", theirs, length)
            here = slice(new.first[ours], new.first[ours + length])
            there = slice(old.first[theirs], old.first[theirs + length])
            values[here] -= old.values[there]
            zeros[here] -= old.zeros[there]
    head = _MAGIC + bytes([_VERSION]) + hashlib.sha256(data).digest() + struct.pack("<I", len(parts) // 8)
    whole = b"".join((head, parts, struct.pack("<I", len(text)), text, _packed(values), _packed(zeros)))
    return zstd.compress(
        whole,
        options={
            zstd.CompressionParameter.compression_level: _LEVEL,
            zstd.CompressionParameter.checksum_flag: 1,
        },
    )


def undone(packed: bytes, old: Apart) -> bytes:
    """The document of that difference. Raises ValueError or zstd.ZstdError if it is damaged or of another base, and
    NewerFormatError if a later version wrote it."""
    digest, pieces = _undone(packed, old)
    data = b"".join(pieces)
    if hashlib.sha256(data).digest() != digest:
        raise ValueError("it is of another base")
    return data


def comes_back(data: bytes, packed: bytes, old: Apart) -> bool:
    """Whether `packed` is `data`; without holding `data` a second time."""
    at = 0
    for piece in _undone(packed, old)[1]:
        if not data.startswith(piece, at):
            return False
        at += len(piece)
    return at == len(data)


def _undone(packed: bytes, old: Apart) -> tuple[bytes, Iterator[bytes]]:
    """The SHA-256 that the document has, and the document in pieces."""
    taken = _Taking(zstd.decompress(packed))
    if taken.bytes(len(_MAGIC)) != _MAGIC:
        raise ValueError("it is not a difference")
    if (version := taken.bytes(1)[0]) > _VERSION:
        raise NewerFormatError(
            f"a packed document is of format {version}, and this version of mesh-assets reads up to format {_VERSION}: "
            "a later version wrote it; update mesh-assets"
        )
    digest = taken.bytes(32)
    parts = np.frombuffer(taken.bytes(8 * taken.integer()), "<u4").reshape(-1, 2).tolist()
    new_text = _Taking(taken.bytes(taken.integer()))
    if not parts:
        return digest, _put_together(old.text, _unpacked(taken, old.values), _unpacked(taken, old.zeros))
    texts: list[bytes | bytearray] = []
    values: list[Integers] = []
    zeros: list[NDArray[np.int8]] = []
    for start, length in parts:
        if start == _NEW:
            texts.append(new_text.bytes(length))
            values.append(np.zeros(texts[-1].count(_NUMBER), np.int64))
            zeros.append(values[-1].astype(np.int8))
            continue
        if start + length >= len(old.chunks):
            raise ValueError("it is of another base")
        texts.append(old.text[old.chunks[start] : old.chunks[start + length]])
        there = slice(old.first[start], old.first[start + length])
        values.append(old.values[there])
        zeros.append(old.zeros[there])
    numbers = _unpacked(taken, np.concatenate(values)), _unpacked(taken, np.concatenate(zeros))
    return digest, _put_together(b"".join(texts), *numbers)


def taken_apart(data: bytes, like: Apart | None = None) -> Apart:
    """Text and numbers of a document. `like`: another one, whose text is not held twice if it is the same."""
    values, zeros, chunks, first = [], [], [np.zeros(1, np.int64)], [np.zeros(1, np.int64)]
    expected: bytes | bytearray = b"" if like is None else like.text
    size, count, text = 0, 0, bytearray()
    for one in _slices(data):
        piece, its_values, its_zeros = _slice_apart(np.frombuffer(one, np.uint8))
        begins = np.flatnonzero(piece == ord("{"))
        begins = begins[begins + size > 0]
        chunks.append(begins + size)
        first.append(np.searchsorted(np.flatnonzero(piece == _NUMBER), begins) + count)
        values.append(its_values)
        zeros.append(its_zeros)
        its_text = piece.tobytes()
        if text or not expected.startswith(its_text, size):
            text = text or bytearray(memoryview(expected)[:size])
            text += its_text
        size += len(its_text)
        count += len(its_values)
    chunks.append(np.full(1, size))
    first.append(np.full(1, count))
    return Apart(
        text or (expected if size == len(expected) else expected[:size]),
        np.concatenate(values),
        np.concatenate(zeros),
        np.concatenate(chunks),
        np.concatenate(first),
    )


def _slices(data: bytes | bytearray) -> Iterator[memoryview]:
    """Pieces that fit into a processor's cache, which is faster and takes less memory; none ends within a number."""
    view, begin = memoryview(data), 0
    while begin + _SLICE < len(data) and (end := data.rfind(b"{", begin + 1, begin + _SLICE)) > 0:
        yield view[begin:end]
        begin = end
    yield view[begin:]


def _slice_apart(found: Bytes) -> tuple[Bytes, Integers, NDArray[np.int8]]:
    is_digit = np.zeros(len(found) + 2, np.bool_)
    np.less(found - np.uint8(48), 10, out=is_digit[1:-1])
    edges = np.flatnonzero(is_digit[1:] != is_digit[:-1])
    is_text = ~is_digit[1:-1]
    starts, lengths = edges[0::2], edges[1::2] - edges[0::2]
    if len(lengths) and lengths.max() > _MOST_DIGITS:
        for run in np.flatnonzero(lengths > _MOST_DIGITS).tolist():
            is_text[starts[run] : starts[run] + lengths[run]] = True
        starts, lengths = starts[lengths <= _MOST_DIGITS], lengths[lengths <= _MOST_DIGITS]
    values = np.empty(len(starts), np.int64)
    for length, which in _by_width(lengths):
        at = starts[which]
        value = found[at].astype(np.int64) - 48
        for place in range(1, length):
            value = value * 10 + (found[at + place] - 48)
        values[which] = value
    marked = found.copy()
    marked[starts] = _NUMBER
    is_text[starts] = True
    return marked[is_text], values, (lengths - _digits(values)).astype(np.int8)


def _put_together(text: bytes | bytearray, values: Integers, zeros: Integers) -> Iterator[bytes]:
    if len(values) and (values.min() < 0 or zeros.min() < 0 or zeros.max() > _MOST_DIGITS):
        raise ValueError("it is of another base")
    begin = 0
    for one in _slices(text):
        found: Bytes = np.frombuffer(one, np.uint8)
        is_number = found == _NUMBER
        end = begin + int(np.count_nonzero(is_number))
        yield _slice_together(found, is_number, values[begin:end], zeros[begin:end])
        begin = end


def _slice_together(found: Bytes, is_number: NDArray[np.bool_], values: Integers, zeros: Integers) -> bytes:
    widths = _digits(values) + zeros
    ends = np.flatnonzero(is_number) + np.cumsum(widths - 1) + 1
    made = np.empty(len(found) + int((widths - 1).sum()), np.uint8)
    is_text = np.ones(len(made), np.bool_)
    for width, which in _by_width(widths):
        at, rest = ends[which] - 1, values[which]
        for _ in range(width):
            tens = rest // 10
            made[at] = 48 + (rest - tens * 10)
            is_text[at] = False
            at, rest = at - 1, tens
    made[is_text] = found[~is_number]
    return made.tobytes()


def _by_width(widths: Integers) -> Iterator[tuple[int, Integers]]:
    """Each width that occurs, and where."""
    order = np.argsort(widths.astype(np.int8), kind="stable")  # by counting, since they are small
    counts = np.bincount(widths)
    bounds = np.concatenate(([0], np.cumsum(counts)))
    for width in np.flatnonzero(counts).tolist():
        yield width, order[bounds[width] : bounds[width + 1]]


def _digits(values: Integers) -> Integers:
    return np.searchsorted(_POWERS, values, side="right") + 1


def _common(new: Apart, old: Apart) -> Iterator[tuple[int | None, int, int]]:
    """The chunks of `new`, all of them in their order, as runs: the first of those of `old` with the same text (None: there are none),
    the first of `new`, and how many. What is the same with its numbers, and once in both, says what belongs together, as the heads of
    topics and groups do with their names: most texts are many."""
    ours, theirs = _hashes(new), _hashes(old)
    once = _once(_with_numbers(old, theirs))
    pairs = [
        (here, there)
        for key, here in _once(_with_numbers(new, ours)).items()
        if (there := once.get(key)) is not None
    ]
    anchors = [(-1, -1), *_rising(pairs), (len(ours), len(theirs))]
    begin_here, begin_there = 0, 0
    run: tuple[int | None, int, int] | None = None
    for here, there in anchors[1:]:
        for found in _between(ours, theirs, begin_here, begin_there, here, there):
            if run is not None and _follows(run, found):
                run = (run[0], run[1], run[2] + found[2])
            else:
                if run is not None:
                    yield run
                run = found
        begin_here, begin_there = here, there
    if run is not None:
        yield run


def _hashes(apart: Apart) -> "array[int]":
    """Of the text of each chunk, in a tenth of its memory. Two texts of one hash would be noticed when the document does not come back."""
    return array("q", (hash(bytes(apart.text[begin:end])) for begin, end in pairwise(apart.chunks.tolist())))


def _with_numbers(apart: Apart, hashes: "array[int]") -> Sequence[int]:
    """The same with the numbers of each chunk, in whatever order; sums and products go beyond 64 bits, which is as good."""
    mixed = (apart.values + 1) * _MIXING
    mixed += apart.zeros
    mixed ^= mixed >> 29
    np.cumsum(mixed, out=mixed)
    sums = np.where(apart.first > 0, mixed[apart.first - 1], 0) if len(mixed) else apart.first
    numbers: list[int] = (np.frombuffer(hashes, np.int64) + np.diff(sums) * _MIXING).tolist()
    return numbers


def _follows(run: tuple[int | None, int, int], found: tuple[int | None, int, int]) -> bool:
    if run[0] is None or found[0] is None:
        return run[0] is found[0]
    return run[0] + run[2] == found[0]


def _between(
    ours: Sequence[int], theirs: Sequence[int], here: int, there: int, here_end: int, there_end: int
) -> Iterator[tuple[int | None, int, int]]:
    """Of two stretches: the beginning that they have in common, what is new, and the end that they have in common."""
    most = min(here_end - here, there_end - there)
    begin = 0
    while begin < most and ours[here + begin] == theirs[there + begin]:
        begin += 1
    end = 0
    while end < most - begin and ours[here_end - 1 - end] == theirs[there_end - 1 - end]:
        end += 1
    if begin:
        yield there, here, begin
    if here_end - end > here + begin:
        yield None, here + begin, here_end - end - here - begin
    if end:
        yield there_end - end, here_end - end, end


def _once(hashes: Sequence[int]) -> dict[int, int]:
    counts = Counter(hashes)
    return {one: place for place, one in enumerate(hashes) if counts[one] == 1}


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The most of the pairs, in order of their first, whose second grows, too."""
    tails: list[int] = []
    at: list[int] = []
    before: list[int] = []
    for index, (_, there) in enumerate(pairs):
        length = bisect_left(tails, there)
        before.append(at[length - 1] if length else -1)
        if length == len(tails):
            tails.append(there)
            at.append(index)
        else:
            tails[length], at[length] = there, index
    found = []
    index = at[-1] if at else -1
    while index >= 0:
        found.append(pairs[index])
        index = before[index]
    return found[::-1]


def _packed(differing: NDArray[np.signedinteger[Any]]) -> bytes:
    places = np.flatnonzero(differing)
    gaps = np.diff(places, prepend=-1) - 1
    chosen = differing[places].astype(np.int64)
    zigzag = ((chosen << 1) ^ (chosen >> 63)).astype("<u8")
    return struct.pack("<I", len(places)) + _by_byte(gaps.astype("<u4"), 4) + _by_byte(zigzag, 8)


def _unpacked(taken: "_Taking", numbers: NDArray[np.signedinteger[Any]]) -> Integers:
    count = taken.integer()
    gaps = np.frombuffer(taken.bytes(4 * count), np.uint8).reshape(4, -1).T.copy().view("<u4").ravel()
    zigzag = np.frombuffer(taken.bytes(8 * count), np.uint8).reshape(8, -1).T.copy().view("<u8").ravel()
    places = np.cumsum(gaps.astype(np.int64) + 1) - 1
    if count and places[-1] >= len(numbers):
        raise ValueError("it is of another base")
    made = numbers.astype(np.int64)
    made[places] += (zigzag >> 1).astype(np.int64) ^ -(zigzag & 1).astype(np.int64)
    return made


def _by_byte(column: NDArray[np.unsignedinteger[Any]], size: int) -> bytes:
    return column.view(np.uint8).reshape(-1, size).T.tobytes()


class _Taking:
    """Takes bytes from the front. Raises ValueError where there are not as many."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def bytes(self, count: int) -> bytes:
        found = self._data[self._at : self._at + count]
        if len(found) != count:
            raise ValueError("it ends too early")
        self._at += count
        return found

    def integer(self) -> int:
        return int(struct.unpack("<I", self.bytes(4))[0])
