"""Rules that find clusters are checked when the estate is loaded, whether or not they have found any."""

import json
from datetime import UTC, datetime

import jsonschema  # type: ignore[import-untyped] # ships no types
import pytest
import yaml

from mesh_assets.errors import EstateError
from mesh_assets.estate.file import parse_estate
from mesh_assets.estate.found import FoundCluster, MskRule, name_by_rule
from mesh_assets.estate.schema import estate_schema

MSK = "{kind: msk, name: eu, region: eu-west-1"
CC = "{kind: confluent_cloud, name: cc, username: k, password: '${P}'"
LOGIN = "cluster: {kafka: {username: k, password: '${K_{CLUSTER}}'}}"


def estate(rules: str) -> str:
    return f"found:\n  rules:\n    - {rules}\n"


@pytest.mark.parametrize("rules", [f"{MSK}}}", f"{CC}, {LOGIN}}}"])
def test_an_estate_with_rules_need_not_name_a_cluster(rules: str) -> None:
    text = estate(rules)
    assert parse_estate(text, source="e").clusters == {}
    assert jsonschema.Draft202012Validator(estate_schema()).is_valid(yaml.safe_load(text))
    json.dumps(estate_schema())


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (f"{CC}}}", "estate.yaml:3: clusters.cc.kafka: security_protocol SASL_SSL needs username, password"),
        (
            f"{MSK}, cluster: {{kafka: {{sasl_mechanism: PLAIN}}, x: 1}}}}",
            "estate.yaml:3: clusters.eu.x: is not a field",
        ),
        (
            f"{MSK}, cluster: {{kafka: {{password: hunter2}}}}}}",
            "estate.yaml:3: clusters.eu.kafka.password: a secret must",
        ),
        (
            f"{MSK}, cluster_name: '{{nam}}'}}",
            "estate.yaml:3: found.rules.0.cluster_name: {nam} is not a field here",
        ),
        (f"{MSK}}}\n    - {MSK}}}", "estate.yaml:1: found: has two rules called 'eu'"),
        ("{kind: gcp, name: a}", "estate.yaml:3: found.rules.0.kind: 'gcp' is not a kind"),
        ("{kind: msk, name: a}", "estate.yaml:3: found.rules.0.region: is missing"),
        (
            "{kind: confluent_cloud, name: a, username: k, password: p}",
            "estate.yaml:3: found.rules.0.password: a secret",
        ),
    ],
)
def test_a_faulty_rule_is_named_with_its_line(rules: str, expected: str) -> None:
    with pytest.raises(EstateError) as caught:
        parse_estate(estate(rules), source="estate.yaml")
    assert str(caught.value).splitlines()[0].startswith(expected)
    assert "hunter2" not in str(caught.value)


def test_everyones_events_go_to_a_cluster_that_the_file_names() -> None:
    with pytest.raises(EstateError, match=r"events\.cluster names 'found-one'"):
        parse_estate(estate(f"{MSK}}}") + "events: {cluster: found-one}\n", source="e")


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ("{name}", "orders-eu"),
        ("{region}-{account}-{name}", "eu-west-1-123456789012-orders-eu"),
        ("{id}", "0f1c-2"),
        ("...", "0f1c-2"),
    ],
)
def test_the_estate_accepts_a_name_made_by_rule(rule: str, name: str) -> None:
    found = FoundCluster(
        rule="eu",
        cluster="",
        id="arn:aws:kafka:eu-west-1:123456789012:cluster/orders/0f1c-2",
        name="orders eu",
        region="eu-west-1",
        account="123456789012",
        found_at=datetime(2026, 11, 29, tzinfo=UTC),
    )
    made = MskRule(kind="msk", name="eu", region="eu-west-1", cluster_name=rule)
    assert name_by_rule(made, found) == name
