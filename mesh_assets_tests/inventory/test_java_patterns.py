"""Which regular expressions of configs are followed, and which could keep the analysis busy for hours."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mesh_assets.inventory.java_patterns import java_pattern
from mesh_assets_tests.lineage.configs import told


@pytest.mark.parametrize(
    "text",
    [
        r"(a+)+b",
        r"(\w+)*-prod",
        r"([a-z]*)*",
        r"(a|aa)+b",
        r"(a?)+b",
        r"((a+)b?)*c",
        r"(?:(?:a+)+)",
        r"(a{1,5})+b",
        r"(a+){2,}b",
        r"(\Qa\E+)+",
        r"(x+x+)+y",
        r"(.+\.)+x",
        r"(-?\w+)*b",
    ],
)
def test_a_pattern_with_exponential_backtracking_is_not_followed(text: str) -> None:
    assert java_pattern(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "(.*)(.*)(.*)b",
        ".*?.*?.*?b",
        "(.*|x)(.*|x)(.*|x)b",
        "[a-z]*[0-9]*[a-z]*[0-9]*b",
        ".{0,99}.{0,99}.{0,99}b",
        ".*a.*a.*a.*a.*a.*b",
        "x|(.*)(.*)(.*)b",
    ],
)
def test_a_pattern_that_takes_cubic_time_or_more_is_not_followed(text: str) -> None:
    assert java_pattern(text) is None


def test_the_same_repetition_written_twice_counts_once() -> None:
    pattern = java_pattern(".*.*.*.*.*.*.*.*b")
    assert pattern is not None
    assert pattern.fullmatch("ab")
    assert not any(pattern.fullmatch("a" * 249 + str(number)) for number in range(100))
    assert [java_pattern(text) for text in (r"(.*.*)-\1", ".*.*?b")] == [None, re.compile(".*.*?b", re.ASCII)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (r"(.*)\.(.*)\.(.*)\.(.*)\.(.*)", "a.b.c.d.e"),
        (r"([^.]+)\.([^.]+)\.([^.]+)\.([^.]+)\.([^.]+)\.([^.]+)\.([^.]+)", "a.b.c.d.e.f.g"),
        ("(a.*|b.*|c.*|d.*|e.*|f.*|g.*)", "events"),
        ("a.*|b.*|c.*|d.*|e.*|f.*|g.*", "events"),
        (r"\w+-\w+-\w+-\w+-\w+-\w+-\w+", "a-b-c-d-e-f-g"),
        (r"(.*)-v\d+(.*)", "orders-v2.raw"),
        (r"[a-z]+(?:[.-][a-z0-9]+)*", "shop.orders-v2"),
        (r"(?:[a-z]+\.)+x", "a.b.x"),
        (r"(ab)+", "abab"),
        (r"(\d{4})+", "20262027"),
        (r"(orders|users)-(.*)", "users-v2"),
        (r"([^.]+)\.([^.]+)\.(.*)", "s.public.orders"),
        (r"(.*?)_shard\d{1,3}", "orders_shard12"),
        (r"orders(?:-v\d+)?", "orders-v2"),
        (r"(a|b)?c", "c"),
        (r"\Qa.b\E.*", "a.bc"),
    ],
)
def test_a_pattern_with_distinguishable_repetitions_is_followed(text: str, name: str) -> None:
    pattern = java_pattern(text)
    assert pattern is not None
    assert pattern.fullmatch(name)


def test_a_router_with_such_a_pattern_gives_a_note() -> None:
    found = told(
        "source",
        {
            "connector.class": "FileStreamSource",
            "file": "/in/orders.csv",
            "topic": "customer_account_balances_of_the_west_dev",
            "transforms": "r",
            "transforms.r.type": "org.apache.kafka.connect.transforms.RegexRouter",
            "transforms.r.regex": r"(\w+)*-prod",
            "transforms.r.replacement": "$1",
        },
    )
    assert found.flows == set()
    assert found.notes == [
        "its transform r (RegexRouter) could not be followed: '(\\\\w+)*-prod' → '$1' is not read as Java does, or might take hours to"
    ]


@given(st.text(alphabet=r"[]^-(){}\QEz?<>=!:|*+.,&$ab1", max_size=14))
@example("[^]]")  # Java: everything but a bracket
@example("[^]a]+")
def test_any_text_is_a_pattern_that_both_read_alike_or_is_refused(text: str) -> None:
    pattern = java_pattern(text)

    if pattern is not None:
        pattern.fullmatch("a-b.1")


@pytest.mark.parametrize("text", ["[^]]", "[^]a]+", "([^]]*)-x"])
def test_a_bracket_that_begins_a_set_is_not_followed(text: str) -> None:
    assert java_pattern(text) is None
