"""Differences between documents: the document comes back byte for byte, or not at all."""

import json
import random
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mesh_assets.errors import NewerFormatError
from mesh_assets.store import differences
from mesh_assets.store.differences import Pieces, comes_back, difference, undone


def _there_and_back(data: bytes, base: bytes) -> bytes:
    old = Pieces(base)
    packed = difference(data, old)
    assert undone(packed, old) == data
    assert comes_back(data, packed, old)
    return packed


def _topic(name: str, chance: random.Random, partitions: int = 3) -> dict[str, object]:
    return {
        "name": name,
        "config": {"retention.ms": str(chance.randrange(10**9)), "max.bytes": "9223372036854775807"},
        "partitions": [
            {
                "partition": n,
                "earliest": chance.randrange(10**6),
                "latest": chance.randrange(10**12),
                "isr": [1, 2],
            }
            for n in range(partitions)
        ],
        "newest_record_at": f"2026-11-29T0{chance.randrange(10)}:07:0{chance.randrange(10)}.{chance.randrange(10**6):06}Z",
        "rate": round(chance.random() * 100, 3),
    }


def _moved(topic: dict[str, Any], chance: random.Random) -> dict[str, object]:
    moved = [{**one, "latest": one["latest"] + chance.randrange(2**16)} for one in topic["partitions"]]
    return {**topic, "partitions": moved}


def _document(topics: Mapping[str, object]) -> bytes:
    return msgspec.json.encode({"format": 1, "topics": list(topics.values()), "é": "\x01 007 ½"})


_DIGITS = st.text("0123456789", max_size=22)
_TEXTS = st.lists(_DIGITS | st.text('{}[],:"-.eaé', max_size=4), max_size=12).map(
    lambda parts: "".join(parts).encode()
)


@given(_TEXTS, _TEXTS)
@example(b"", b"")
@example(b"0", b"00")
@example(b'{"a":007}', b'{"a":7}')
@example(b"12", b"{")
@example(b"999999999999999999", b"0")
@example(b"000000000000000000", b"999999999999999999")
@example(b"1000000000000000000", b"1")
@example(b"1", b"\x00\x01")
@example(b"{" + b" " * 5_000, b'{"a": [' + b"1, " * 3_000 + b"1]}")
def test_any_text_comes_back_whatever_the_base(data: bytes, base: bytes) -> None:
    _there_and_back(data, base)


@given(st.randoms(use_true_random=False))
def test_documents_with_added_removed_and_changed_topics_come_back(chance: random.Random) -> None:
    topics = {
        name: _topic(name, chance) for name in sorted({f"topic-{chance.randrange(40)}" for _ in range(20)})
    }
    changed = {name: _topic(name, chance, chance.randrange(1, 5)) for name in topics if chance.random() < 0.8}
    changed |= {name: _topic(name, chance) for name in (f"new-{chance.randrange(9)}",)}
    shuffled = dict(chance.sample(sorted(changed.items()), len(changed)))
    for other in (changed, shuffled, {}):
        _there_and_back(_document(other), _document(topics))


def test_a_document_of_several_batches_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(differences, "_AT_ONCE", 7)
    chance = random.Random(1)
    topics = {f"topic-{n}": _topic(f"topic-{n}", chance) for n in range(50)}
    base = _document(topics)
    _there_and_back(base, base)
    _there_and_back(_document({**topics, "topic-7": _topic("topic-7", chance)}), base)
    del topics["topic-9"]
    _there_and_back(_document(topics), base)


def test_small_moves_take_little_and_an_added_or_removed_topic_its_own_size() -> None:
    chance = random.Random(1)
    topics = {f"topic-{n:04}": _topic(f"topic-{n:04}", chance) for n in range(500)}
    base = _document(topics)
    assert len(_there_and_back(base, base)) < 120
    moved = {name: _moved(one, chance) for name, one in topics.items()}
    assert (
        1_500 * 2 < len(_there_and_back(_document(moved), base)) < 1_500 * 4
    )  # a partition, by up to 65,535 records
    for place in (0, 250, 499):
        without = {name: one for n, (name, one) in enumerate(topics.items()) if n != place}
        assert len(_there_and_back(_document(without), base)) < 200
        assert len(_there_and_back(base, _document(without))) < 500


def test_a_difference_from_another_base_is_an_error_and_never_another_document() -> None:
    chance = random.Random(1)
    topics = {f"topic-{n}": _topic(f"topic-{n}", chance) for n in range(5)}
    base, data = _document(topics), _document({**topics, "topic-3": _topic("topic-3", chance)})
    packed = difference(data, Pieces(base))
    for other in (
        b"",
        b"{}",
        base.replace(b"topic-1", b"topic-8"),
        base[:-1],
        data,
        base.replace(b"[1,2]", b"[1,3]"),
    ):
        with pytest.raises(ValueError, match="it is of another base"):
            undone(packed, Pieces(other))
        assert not _or_error(data, packed, other)


def _or_error(data: bytes, packed: bytes, base: bytes) -> bool:
    try:
        return comes_back(data, packed, Pieces(base))
    except ValueError:
        return False


def test_a_damaged_difference_is_an_error() -> None:
    base = b'{"a":1,"b":[1,2]}'
    packed = difference(b'{"a":2,"b":[1,2],"c":{}}', Pieces(base))
    for size in range(len(packed)):
        with pytest.raises(ValueError, match=r"^it is "):
            undone(packed[:size], Pieces(base))
    for at in (*range(9), *range(12, len(packed))):
        with pytest.raises(ValueError, match=r"^it is "):
            undone(packed[:at] + bytes([packed[at] ^ 4]) + packed[at + 1 :], Pieces(base))


def test_a_difference_of_a_later_version_is_refused_with_what_to_do() -> None:
    base = b'{"a":1}'
    later = difference(b'{"a":2}', Pieces(base)).replace(b"mesh-diff\x01", b"mesh-diff\x02")
    with pytest.raises(
        NewerFormatError,
        match=r"has format 2, but this version .* reads only up to format 1: .*update mesh-assets",
    ):
        undone(later, Pieces(base))


def test_spaces_and_fields_given_twice_cost_size_and_nothing_else() -> None:
    chance = random.Random(1)
    usual = _document({f"topic-{n}": _topic(f"topic-{n}", chance) for n in range(50)})
    spaced = json.dumps(json.loads(usual), indent=2).encode()
    twice = b'{"topics":[],' + usual[1:]
    for data, base in ((spaced, twice), (twice, spaced), (spaced, usual), (usual, spaced)):
        _there_and_back(data, base)
