from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.estate.fields import NamePatterns, TopicPatterns

_NAMES = st.text("ab.*?[]!-_\n", max_size=6)
_PATTERNS = st.lists(_NAMES, max_size=3).map(tuple)


@given(_PATTERNS, _PATTERNS, _NAMES)
def test_a_name_is_selected_when_a_pattern_includes_it_and_none_excludes_it(
    include: tuple[str, ...], exclude: tuple[str, ...], name: str
) -> None:
    expected = any(fnmatchcase(name, one) for one in include) and not any(
        fnmatchcase(name, one) for one in exclude
    )
    assert NamePatterns(include=include, exclude=exclude).selects(name) == expected


def test_kafkas_own_topics_are_excluded_unless_the_estate_says_otherwise() -> None:
    names = ["orders", "__consumer_offsets", "_schemas", "discovery-events", "Orders"]
    assert TopicPatterns().select(names) == ["Orders", "orders"]
    assert TopicPatterns(exclude=()).select(names) == sorted(names)
    assert NamePatterns(include=()).select(names) == []
