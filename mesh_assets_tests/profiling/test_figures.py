"""What figures show, and that they reveal no value."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.analysis.personal_values import looks_personal
from mesh_assets.estate.expectations import ProfilingSettings
from mesh_assets.profiling.cluster import Before
from mesh_assets.profiling.overlaps import find_overlaps, sketch_of
from mesh_assets.profiling.records import FieldProfile
from mesh_assets.readings.reading import series_name
from mesh_assets.readings.usual_gaps import UsualGap
from mesh_assets_tests.profiling.logs import NOW, InMemory, Log, a_record, numbered, profile, profile_values

KEY = b"k" * 32


def the_field(path: str, *values: Any) -> FieldProfile:
    found = profile_values(*(json.dumps(one).encode() for one in values)).field(path)
    assert found is not None
    return found


@given(st.lists(st.floats(-1e6, 1e6), min_size=10, max_size=200))
def test_figures_of_numbers_are_those_of_the_values(numbers: list[float]) -> None:
    found = the_field("n", *({"n": one} for one in numbers))
    assert (found.figures_of, found.withheld) == ("number", None)
    assert (found.minimum, found.maximum) == (min(numbers), max(numbers))
    assert found.mean == pytest.approx(np.mean(numbers))
    assert [one.value for one in found.quantiles] == pytest.approx(
        [float(np.quantile(numbers, one.at)) for one in found.quantiles]
    )
    if found.histogram is not None:
        assert sum(found.histogram.counts) == len(numbers)
        assert len(found.histogram.edges) == len(found.histogram.counts) + 1


def test_numbers_whose_sum_exceeds_a_float_have_no_mean() -> None:
    found = the_field("n", *({"n": 1.7e308} for _ in range(20)))
    assert (found.mean, found.maximum) == (None, 1.7e308)


def test_completeness_counts_missing_and_null_alike_and_leaves_tombstones_out() -> None:
    values = [b'{"a": 1, "b": {"c": 1}}', b'{"a": null, "b": {}}', b"{}", None]
    found = profile_values(*values)
    shares = {one.path: one.completeness for one in found.fields}
    assert shares == {"a": 1 / 3, "b.c": 1 / 3}
    assert found.tombstone_share == 1 / 4


def test_keys_are_counted() -> None:
    records = numbered([a_record(b"%d" % n, key=None if n == 0 else b"k%d" % (n % 3)) for n in range(7)])
    (found,) = profile(InMemory({"orders": Log(records)})).profiles
    assert (found.null_key_share, found.duplicate_key_share) == (1 / 7, 3 / 6)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("order_id", lambda n: 10_000_000 + n, "its numbers are identifiers, so figures would reveal values"),
        (
            "customerId",
            lambda n: 884_213_377 + n % 7,
            "its numbers are identifiers, so figures would reveal values",
        ),
        ("salary", lambda n: 50_000 + n % 7, "it looks personal"),
        ("payload", lambda _: 4_111_111_111_111_111, "it looks personal"),
    ],
)
def test_extremes_that_would_reveal_a_person_are_withheld(
    name: str, value: Callable[[int], int], why: str
) -> None:
    found = the_field(name, *({name: value(n)} for n in range(40)))
    assert (found.withheld, found.minimum, found.maximum, found.mean, found.quantiles, found.histogram) == (
        why,
        None,
        None,
        None,
        (),
        None,
    )


@pytest.mark.parametrize("name", ["paid", "bid", "casino", "status_code"])
def test_names_that_only_end_like_identifiers_have_figures(name: str) -> None:
    found = the_field(name, *({name: 200 + n % 7} for n in range(40)))
    assert (found.minimum, found.maximum) == (200, 206)


def test_few_values_have_no_figures() -> None:
    found = the_field("n", *({"n": n} for n in range(9)))
    assert found.minimum is None
    assert found.withheld == "with fewer than 10 values, figures would reveal values"


def test_a_few_distinct_values_are_counted_by_a_keyed_hash_unless_the_estate_names_them() -> None:
    records = numbered(
        [a_record(json.dumps({"state": "open" if n % 4 else "paid"}).encode()) for n in range(40)]
    )
    world = InMemory({"orders": Log(records), "others": Log(records)})
    named = ProfilingSettings.model_validate({"name_values": ["orders/state"]})
    orders, others = profile(world, settings=named).profiles
    assert [(one.name, one.records) for one in orders.fields[0].values] == [("open", 30), ("paid", 10)]
    assert [(one.name, one.records) for one in others.fields[0].values] == [(None, 30), (None, 10)]
    hashes = {one.hash for profile_ in (orders, others) for one in profile_.fields[0].values}
    assert len(hashes) == 4  # the same value in two fields has two, so they cannot be compared
    assert "open" not in repr(others)


def test_names_that_are_data_are_not_kept() -> None:
    values = [{"by": {f"jo{n}@example.com": 1, "+491701234567": 2, "plain": 3}} for n in range(5)]
    ids = [{"of": {f"user-{chr(97 + n % 26)}{chr(97 + n // 26)}-x": n}} for n in range(200)]
    found = profile_values(*(json.dumps(one).encode() for one in (*values, *ids)))
    assert {one.path for one in found.fields} == {"by.plain", "by{}", "of", "of{}"}


def _of_letters(number: int) -> str:
    return chr(97 + number // 26) + chr(97 + number % 26)


def test_names_that_are_data_are_not_kept_beside_fields_that_all_records_have() -> None:
    values = [
        {"total": n, "more": {"note": "x", f"user-{_of_letters(n)}": 1}, f"seen-by-{_of_letters(n)}": True}
        for n in range(200)
    ]
    found = profile_values(*(json.dumps(one).encode() for one in values))
    assert {one.path for one in found.fields} == {"total", "more", "more{}", "{}"}


def test_fields_of_one_of_many_kinds_of_records_are_kept() -> None:
    values = [{"kind": n % 20, **{f"{_of_letters(n % 20)}-{part}": n for part in "abcd"}} for n in range(400)]
    found = profile_values(*(json.dumps(one).encode() for one in values))
    assert len(found.fields) == 81


def test_fields_beyond_what_people_read_are_only_counted() -> None:
    found = profile_values(
        json.dumps(
            {f"f{chr(97 + n // 676)}{chr(97 + n // 26 % 26)}{chr(97 + n % 26)}": n for n in range(700)}
        ).encode()
    )
    assert (len(found.fields), found.fields_left_out) == (500, 200)


# --- what looks personal


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ask jo.doe@example.com about it", "email"),
        ("call +49 170 1234567", "phone"),
        ("(555) 123-4567", "phone"),
        ("DE89 3704 0044 0532 0130 00", "iban"),
        ("4111 1111 1111 1111", "card"),
        ("from 192.168.7.31", "ip"),
        ("2001:db8::8a2e:370:7334", "ip"),
    ],
)
def test_personal_data_is_found_in_texts(text: str, kind: str) -> None:
    (found,) = looks_personal([text, "nothing", "nothing at all", "7"])
    assert (found.kind, found.share, found.records) == (kind, 0.25, 1)


@pytest.mark.parametrize(
    "text",
    [
        "order 2026-11-29T12:00:00.000Z",
        "DE89 3704 0044 0532 0130 02",
        "4111 1111 1111 1112",
        "12:30:45",
        "127.0.0.1",
        "version 1.2.3",
        "x@y",
        "550e8400-e29b-41d4-a716-446655440000",
        "0000 0000 0000 0000",
        "amount 1234567890123",
    ],
)
def test_what_only_seems_personal_is_not_reported(text: str) -> None:
    assert looks_personal([text]) == ()


def test_random_digits_are_not_cards_though_some_pass_the_checksum() -> None:
    rng = np.random.default_rng(1)
    assert looks_personal([f"{rng.integers(10**15, 10**16)}" for _ in range(500)]) == ()


def test_a_personal_field_named_for_its_content_is_not_a_fault() -> None:
    mails = [
        json.dumps({"email": f"a{n}@example.com", "remark": f"b{n}@example.com"}).encode() for n in range(30)
    ]
    found = profile_values(*mails)
    assert [(one.kind, one.path) for one in found.faults] == [("personal_data", "remark")]
    assert all(one.looks_personal[0].share == 1 for one in found.fields)


# --- freshness


def silent(seconds: float, *, gap: float = 10, count: int = 500, usual: UsualGap | None = None) -> bool:
    end = NOW - timedelta(seconds=seconds)
    records = numbered(
        [
            a_record(b"%d" % n, key=b"%d" % n, at=end - timedelta(seconds=gap * (count - 1 - n)))
            for n in range(count)
        ]
    )
    gaps = {} if usual is None else {series_name("orders", "id-of-orders"): usual}
    (found,) = profile(InMemory({"orders": Log(records)}), before=Before(gaps=gaps)).profiles
    return any(one.kind == "silent_topic" for one in found.faults)


def test_silence_is_judged_by_the_topics_own_usual_gap() -> None:
    assert silent(1_200)
    assert not silent(280)  # never within five minutes
    assert not silent(1_200, gap=500)
    assert not silent(1_200, gap=0.01)  # a burst: what is usual after it is unknown
    assert not silent(1_200, usual=UsualGap(3_600.0, 40))
    assert silent(1_200, gap=0.01, usual=UsualGap(60.0, 40))


# --- sketches


@given(st.integers(50, 3_000), st.floats(0, 1))
def test_the_overlap_of_two_fields_is_estimated(size: int, part: float) -> None:
    shared = int(size * part)
    one = sketch_of("a", "user_id", "user_id", [f"u{n}" for n in range(size)], KEY)
    other = sketch_of("b", "userId", "user_id", [f"u{n + size - shared}" for n in range(2 * size)], KEY)
    assert one is not None
    assert other is not None
    (found,) = find_overlaps("c", [one, other])
    assert (found.topic, found.distinct, found.other_distinct) == ("a", size, 2 * size)
    assert found.contained == pytest.approx(shared / size, abs=0.15)


def test_counters_with_different_names_have_no_meaningful_overlap() -> None:
    made = [
        sketch_of("a", "line", "line", list(range(500)), KEY),
        sketch_of("b", "page", "page", list(range(500)), KEY),
    ]
    assert find_overlaps("c", [one for one in made if one is not None]) == []


@pytest.mark.parametrize(
    ("path", "value", "is_a_key"),
    [
        ("ordered_at", lambda n: f"2026-01-05T08:{n // 60:02}:{n % 60:02}Z", False),
        ("day", lambda n: f"20{n % 90 + 10}-01-05", False),
        ("paid.ts", lambda n: 1_767_600_000_000 + 37_000 * n, False),
        ("eventTime", lambda n: 1_767_600_000 + 37 * n, False),
        ("account", lambda n: 1_767_600_000 + 37 * n, True),
        ("batch", lambda n: f"2026-{n}", True),
        ("ts", lambda n: 40 * n, True),
    ],
)
def test_times_are_not_keys(path: str, value: Callable[[int], Any], is_a_key: bool) -> None:
    made = sketch_of("a", path, path, [value(n) for n in range(200)], KEY)
    assert (made is not None) == is_a_key


def test_sketches_of_other_keys_cannot_be_compared() -> None:
    values = [f"u{n}" for n in range(100)]
    one = sketch_of("a", "user_id", "user_id", values, KEY)
    other = sketch_of("b", "user_id", "user_id", values, b"x" * 32)
    assert one is not None
    assert other is not None
    assert find_overlaps("c", [one, other])[0].contained == 0
