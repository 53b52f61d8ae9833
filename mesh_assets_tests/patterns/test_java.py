"""Which regular expressions of configs are followed, and how those that could keep the analysis busy for hours."""

import re
from dataclasses import replace

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from mesh_assets.patterns.java import java_pattern, replaced
from mesh_assets.patterns.linear import LinearPattern
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
        r"(?:[a-z]*[a-z]*\.)+x",
    ],
)
def test_a_pattern_with_exponential_backtracking_is_matched_by_another_matcher(text: str) -> None:
    pattern = java_pattern(text)

    assert isinstance(pattern, LinearPattern)
    assert pattern.quick_up_to == 0


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
        ".*a.*a.*a.*b",
        r".*\b.*\b.*\b.*b",
        "a?" * 20 + "b",
        "(?:a|.)" * 20 + "b",
        ".*.*.*.*.*.*.*.*b",
    ],
)
def test_a_pattern_that_takes_cubic_time_or_more_is_matched_by_another_matcher_on_long_names(
    text: str,
) -> None:
    pattern = java_pattern(text)

    assert isinstance(pattern, LinearPattern)
    assert pattern.quick_up_to < 249
    always = replace(pattern, quick_up_to=0)
    assert always.fullmatch("a" * 20 + "b")
    assert always.fullmatch("a" * 20) is None


@pytest.mark.parametrize(
    "text", [r"(?!x)(\w+)*-prod", "(?!x)(.*)(.*)(.*)(.*)b", r"(.*)(.*)(.*)(.*)b(?<=ab)", "(?>a+)*(.*)(.*)b"]
)
def test_such_a_pattern_with_look_around_is_not_followed(text: str) -> None:
    assert java_pattern(text) is None


def test_a_pattern_of_many_states_is_not_followed() -> None:
    assert java_pattern(".{0,300}" * 4 + "b") is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (r"(.*)\.(.*)\.(.*)", "a.b.c"),
        (r"^(?!_|connect-).*", "orders"),
        (r"(?!.*-(test|dev)$)(.*)\.(.*)\.(.*)", "a.b.c"),
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
def test_a_pattern_that_people_use_matches_by_python_alone(text: str, name: str) -> None:
    pattern = java_pattern(text)
    assert isinstance(pattern, re.Pattern)
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
            "transforms.r.regex": r"(\w+)*_dev",
            "transforms.r.replacement": "$1",
        },
    )
    assert found.flows == set()
    assert found.notes == [
        "its transform r (RegexRouter) could not be followed: '(\\\\w+)*_dev' → '$1' is not read as Java does, or might take hours to"
    ]


@given(st.text(alphabet=r"[]^-(){}\QEz?<>=!:|*+.,&$ab1", max_size=14))
@example("[^]]")  # Java: everything but a bracket
@example("[^]a]+")
def test_any_text_is_a_pattern_that_both_read_alike_or_is_refused(text: str) -> None:
    pattern = java_pattern(text)

    if pattern is not None:
        pattern.fullmatch("a-b.1")


_PIECES = st.sampled_from(
    [
        r"(.*)",
        r"(.*?)",
        r"(a*)",
        r"(?<x>b+)",
        r"([^.]+)",
        r"[ab]*",
        r".{0,3}",
        r"(?:a|ab)",
        r"(a|b|)",
        r"(b)?",
        r"\.",
        r"\.?",
        r"-",
        r"a",
        r"b",
        r"(?:a+)+",
        r"(?:b?)*",
        r"(?:a|b*?)*",
        r"(?:a?|b)+",
        r"(?:a??b*){2,}",
        r"\b",
        r"^",
        r"$",
        r"\z",
    ]
)


@given(st.lists(_PIECES, min_size=3, max_size=9), st.text("aAb.-", max_size=9), st.booleans())
def test_both_matchers_find_the_same(pieces: list[str], name: str, ignoring_case: bool) -> None:
    pattern = java_pattern("(?i)" * ignoring_case + "".join(pieces))
    assume(isinstance(pattern, LinearPattern))
    assert isinstance(pattern, LinearPattern)
    linear = replace(pattern, quick_up_to=-1)

    assert bool(linear.fullmatch(name)) == bool(pattern.quick.fullmatch(name))
    if pattern.fullmatch(name) and not pattern.ends_as_in_java:
        assert replaced(linear, r"<\$>", name) is None
        return
    assert replaced(linear, r"<\$>", name) == replaced(pattern.quick, r"<\$>", name)
    if pattern.has_sure_groups:
        groups = "".join(f"<${group}>" for group in range(pattern.groups + 1))
        assert replaced(linear, groups, name) == replaced(pattern.quick, groups, name)
    elif pattern.groups and pattern.fullmatch(name):
        assert replaced(linear, "$0", name) == replaced(pattern.quick, "$0", name)
        assert replaced(linear, "$1", name) is None


@pytest.mark.parametrize("text", ["([ab]|[.]*?)*", "(?:[ab]?|[.])+", "(?:a??[ab.]*){2,}"])
def test_where_java_ends_a_match_is_not_guessed_if_a_repeated_group_may_prefer_to_match_nothing(
    text: str,
) -> None:
    pattern = java_pattern(text)

    assert pattern is not None
    assert pattern.fullmatch("a.b" * 80)
    assert replaced(pattern, "x", "a.b" * 80) is None


def test_a_long_name_is_replaced_by_named_and_numbered_groups() -> None:
    pattern = java_pattern(r"(.*)\.(?<table>.*)\.(.*)\.(.*)-v\d")
    name = f"{'shop.' * 20}public.orders.raw.eu-v2"

    assert pattern is not None
    assert replaced(pattern, "${table}-$3-$4", name) == "orders-raw-eu"
    assert replaced(pattern, "$1", name[:-1]) == name[:-1]


@pytest.mark.parametrize("text", ["[^]]", "[^]a]+", "([^]]*)-x"])
def test_a_bracket_that_begins_a_set_is_not_followed(text: str) -> None:
    assert java_pattern(text) is None
