"""The policy in the estate file or in a separate one, and what is refused."""

import re
from pathlib import Path

import pytest

from mesh_assets.errors import EstateError
from mesh_assets.estate.file import load_estate, parse_estate
from mesh_assets_tests.estates import findings

SMALL = "clusters: {a: {kafka: {bootstrap_servers: x}}}\n"


def test_a_policy_may_be_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("rules:\n  - {name: names, names: '[a-z]+'}\n")
    (tmp_path / "estate.yaml").write_text(f"{SMALL}policy: {{file: policy.yaml}}\n")
    policy = load_estate(tmp_path / "estate.yaml").policy
    assert [rule.name for rule in policy.rules] == ["names"]
    assert policy.file == str(tmp_path / "policy.yaml")


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("rules: [{name: a, names: '['}]", "policy.rules.0.names: is not a regular expression"),
        ("rules: [{name: a}]", "policy.rules.0: requires nothing; give names"),
        ("rules: [{name: a, partitions: {}}]", "policy.rules.0.partitions: expected min, max or both"),
        (
            "rules: [{name: a, partitions: {min: 3, max: 2}}]",
            "policy.rules.0.partitions: min 3 is above max 2",
        ),
        (
            "rules: [{name: a, configs: {x: {min: 1, one_of: [a]}}}]",
            "policy.rules.0.configs.x: expected a value, min, max or both",
        ),
        (
            "owners: [{owner: '', topics: {include: [a]}}]",
            "policy.owners.0.owner: String should have at least 1 character",
        ),
        ("rules: [{name: a, colour: red}]", "policy.rules.0.colour: is not a field here"),
        ("file: nowhere.yaml", "policy.file: nowhere.yaml cannot be read"),
        ("{file: a.yaml, rules: []}", "policy: names a file but also has rules itself"),
    ],
)
def test_a_faulty_policy_is_refused_with_its_line(policy: str, expected: str) -> None:
    [finding] = findings(f"{SMALL}policy:\n  {policy}\n")
    assert finding.startswith(f"estate.yaml:3: {expected}")


def test_two_rules_with_one_name_are_refused() -> None:
    rule = "{name: a, schema_required: true}"
    [finding] = findings(f"{SMALL}policy:\n  rules: [{rule}, {rule}]\n")
    assert finding == "estate.yaml:2: policy: has two rules called 'a'; give each its own name"


def test_a_faulty_policy_file_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("rules:\n  - {name: names, level: bad, names: x}\n")
    (tmp_path / "estate.yaml").write_text(f"{SMALL}policy: {{file: policy.yaml}}\n")
    with pytest.raises(EstateError, match=r"policy\.yaml:2: rules\.0\.level"):
        load_estate(tmp_path / "estate.yaml")


def test_a_mute_of_everything_is_refused() -> None:
    [finding] = findings(f"{SMALL}findings:\n  mute: [{{reason: quiet}}]\n")
    assert "would mute everything" in finding


def test_the_pages_on_findings_and_policy_show_what_the_file_accepts() -> None:
    for page in ("findings", "policy"):
        text = (Path(__file__).parents[2] / f"docs/{page}.md").read_text(encoding="utf-8")
        examples = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
        assert examples
        for example in examples:
            read = parse_estate(SMALL + example, source="estate.yaml")
            assert read != parse_estate(SMALL, source="estate.yaml")
