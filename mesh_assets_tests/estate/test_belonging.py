import pytest

from mesh_assets.errors import EstateError
from mesh_assets.estate.file import parse_estate

CLUSTERS = "clusters: {a: {kafka: {bootstrap_servers: 'x:1'}}}\n"


def test_synonyms_patterns_and_overrides_are_read() -> None:
    estate = parse_estate(
        CLUSTERS
        + "relationships: {synonyms: {user_id: [uid, customerNo]}}\n"
        + "domains: {patterns: {sales: ['orders*']}, overrides: {a/users: people}}\n",
        source="estate.yaml",
    )
    assert estate.relationships.synonyms == {"user_id": ("uid", "customerNo")}
    assert estate.domains.patterns == {"sales": ("orders*",)}
    assert estate.domains.overrides == {"a/users": "people"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "relationships: {synonyms: {user_id: [uid], owner_id: [UID]}}",
            "two meanings, 'user_id' and 'owner_id'",
        ),
        ("relationships: {synonyms: {user_id: ['--']}}", "has no letter"),
        ("relationships: {synonyms: {user_id: uid}}", "expected a list"),
        ("domains: {patterns: {sales: orders}}", "expected a list"),
        ("domains: {overrides: {users: ''}}", "at least 1 character"),
        ("domains: {prefixes: []}", "is not a field here"),
    ],
)
def test_nonsensical_settings_are_refused_with_their_line(text: str, says: str) -> None:
    with pytest.raises(EstateError, match=says) as refused:
        parse_estate(CLUSTERS + text, source="estate.yaml")
    assert "estate.yaml:2" in str(refused.value)
