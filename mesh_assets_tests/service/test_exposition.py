"""Arbitrary names as labels: each stays distinct, and the text stays parsable."""

from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.service.exposition import (
    LONGEST_VALUE,
    Samples,
    and_labels,
    joined,
    label_value,
    labels,
)
from mesh_assets.service.families import FAMILIES
from mesh_assets_tests.service.estate_of_metrics import Scraped

HOSTILE = st.text(
    st.sampled_from('a"\\\n\r\t\x00\x1b\x7f{}=,# \u2028\u202e\u2400\ud800é0'), max_size=8
) | st.text(max_size=40)


def text_of(samples: Samples) -> str:
    return b"".join(joined([samples.texts()])).decode()


@given(st.lists(HOSTILE, unique=True, min_size=1, max_size=8))
def test_names_of_any_characters_stay_apart_and_the_text_is_readable(names: list[str]) -> None:
    samples = Samples()
    for number, name in enumerate(names):
        samples.add("mesh_topic_records", labels(cluster="c", topic=name), number)
    text = text_of(samples)
    assert text.count("\n") == len(names) + 3, "no name breaks a line"
    assert "\x00" not in text
    read = Scraped(text)
    assert sorted(read.values("mesh_topic_records")) == list(range(len(names)))
    assert len(set(read.label("mesh_topic_records", "topic"))) == len(names)


def test_label_values_read_back_as_they_were() -> None:
    for name in ('a"b', "a\\b", "a\\nb", "two\nlines", "orders.v1-é", "", "\N{PILE OF POO}", "a\u202eb"):
        samples = Samples()
        samples.add("mesh_topic_records", labels(cluster="c", topic=name), 1)
        assert Scraped(text_of(samples)).label("mesh_topic_records", "topic") == [name]


def test_control_characters_are_written_as_numbers() -> None:
    assert label_value("a\x00b\x1f\u2400") == "a\u240000b\u24001f\u2400\u2400"


def test_a_name_of_tens_of_thousands_of_characters_is_cut_and_stays_distinct() -> None:
    first, second = (label_value("x" * 40_000 + end) for end in "ab")
    assert len(first) == len(second) == LONGEST_VALUE
    assert first != second


def test_unknown_and_invalid_numbers_get_no_sample() -> None:
    samples = Samples()
    for value in (None, float("nan"), float("inf")):
        samples.add("mesh_cluster_topics", labels(cluster="c"), value)
    assert samples.texts() == {}


def test_labels_are_added_to_existing_ones() -> None:
    assert and_labels(labels(cluster="c"), topic='o"') == '{cluster="c",topic="o\\""}'


def test_the_families_keep_prometheus_conventions() -> None:
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names)
    for family in FAMILIES:
        assert family.name.startswith("mesh_")
        assert not family.name.endswith(
            ("_total", "_count", "_sum", "_bucket", "_created", "_percent", "_ms")
        )
        assert "cluster" not in family.labels
        assert not set('"\\\n') & set(family.help)
        assert family.help.endswith(".")
