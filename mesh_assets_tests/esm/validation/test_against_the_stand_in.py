"""Our rules and the stand-in for Lambda: it accepts what we allow and refuses what we forbid, except for what Lambda itself
tolerates."""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.esm.api_request import create_arguments
from mesh_assets.esm.validation import create_violations
from mesh_assets.sandbox.kafka_mappings.batches import checked
from mesh_assets_tests.esm.fake_aws import ACCOUNT, CLUSTER_ARN, REGION, SECRET_ARN
from mesh_assets_tests.esm.requests import MSK, access, create
from mesh_assets_tests.esm.validation.allowed_requests import RIGHT
from mesh_assets_tests.esm.validation.broken_requests import TABLE
from mesh_assets_tests.sandbox.kafka_mappings.bodies import CLUSTER, refusal

SAC = "source_access_configurations"
OF_ANOTHER_REGION = SECRET_ARN.replace(REGION, "eu-west-1")
OF_ANOTHER_ACCOUNT = SECRET_ARN.replace(ACCOUNT, "999999999999")
OURS_ALONE: list[tuple[str, dict[str, Any]]] = [
    ("is never sent", {"tumbling_window": 30}),
    ("is never sent", {"parallelization_factor": 2}),
    ("is never sent", {"maximum_concurrency": 5}),
    ("is never sent", {"on_success_destination": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"}),
    ("is not sent without pollers", {"provisioned_mode": False, "min_pollers": 1}),
    ("is not sent without pollers", {"poller_group": "team-a"}),
    ("says nothing", {"provisioned_mode": True, "poller_group": ""}),
    ("says nothing", {"on_failure_destination": ""}),
    ("says nothing", {"metrics": []}),
    ("says nothing", {"filter_patterns": []}),
    ("says nothing", {"provisioned_mode": True, "log_level": ""}),
    ("says nothing", {"provisioned_mode": True, "schema_registry": {}}),
    (
        "is sent and kept",
        {"provisioned_mode": True, "schema_registry": {"uri": "https://me:hunter2@registry.example"}},
    ),
    ("there is no such function", {"target": "x" * 65}),
    ("MSK refuses to associate it", {SAC: access("SASL_SCRAM_512_AUTH")}),
    ("MSK refuses to associate it", {SAC: [{"type": "SASL_SCRAM_512_AUTH", "uri": OF_ANOTHER_REGION}]}),
    ("MSK refuses to associate it", {SAC: [{"type": "SASL_SCRAM_512_AUTH", "uri": OF_ANOTHER_ACCOUNT}]}),
    ("the pollers fail to connect", {"kafka_bootstrap_servers": ["b1:99999"]}),
    ("the pollers fail to connect", {"kafka_bootstrap_servers": ["b1:0"]}),
    ("does no harm", {"kafka_bootstrap_servers": ["b1:9092", "b1:9092"]}),
]
"""What only we refuse, and why Lambda does not."""


def as_sent(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = on_the_wire(create_arguments(create(base, **changes)))
    known = {"EventSourceArn": CLUSTER} if body.get("EventSourceArn") == CLUSTER_ARN else {}
    return body | known


def on_the_wire(value: Any) -> Any:
    match value:
        case datetime():
            return value.timestamp()
        case dict():
            return {name: on_the_wire(part) for name, part in value.items()}
        case list():
            return [on_the_wire(part) for part in value]
        case _:
            return value


@pytest.mark.parametrize(("base", "changes"), [row for row in RIGHT if "event_source_arn" not in row[1]])
def test_requests_that_our_rules_allow_the_stand_in_accepts(
    base: dict[str, Any], changes: dict[str, Any]
) -> None:
    assert refusal(as_sent(base, changes)) is None


@pytest.mark.parametrize(("base", "changes", "field", "words"), TABLE)
def test_requests_that_our_rules_forbid_the_stand_in_refuses(
    base: dict[str, Any],
    changes: dict[str, Any],
    field: str,
    words: str,
) -> None:
    why = [reason for reason, alone in OURS_ALONE if alone == changes]

    assert (refusal(as_sent(base, changes)) is None) == bool(why), f"{field}: {words}"


def test_a_pattern_as_deep_as_its_length_allows_ends_in_a_sentence() -> None:
    """Each of its levels may take one of Python's stack."""
    pattern = '{"a":' * 680 + "1" + "}" * 680

    [found] = [
        one for one in create_violations(create(MSK, filter_patterns=[pattern])) if one.severity == "fault"
    ]
    with pytest.raises(ValueError, match=r"^Invalid filter pattern definition\.$"):
        checked([{"Pattern": pattern}])

    assert found.field == "filter_patterns[0]"


_PLAIN = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", ">", "<", "=", ">="])
_COMPARED = st.dictionaries(
    st.sampled_from(["prefix", "suffix", "equals-ignore-case", "exists", "numeric", "anything-but", "likes"]),
    _PLAIN
    | st.lists(_PLAIN, max_size=4)
    | st.dictionaries(
        st.sampled_from(["prefix", "suffix", "exists"]), st.just("a") | st.booleans(), max_size=2
    ),
    max_size=2,
)
_FIELDS = st.recursive(
    st.lists(_PLAIN | _COMPARED | st.lists(_PLAIN, max_size=1), max_size=2) | _PLAIN,
    lambda inner: (
        st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2)
        | st.fixed_dictionaries(
            {"$or": st.lists(st.dictionaries(st.just("c"), inner, max_size=1), max_size=3)}
        )
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.just("value"), _FIELDS, max_size=1))
def test_a_filter_is_a_fault_exactly_where_the_stand_in_refuses_it(pattern: dict[str, Any]) -> None:
    found = create_violations(create(MSK, filter_patterns=[json.dumps(pattern)]))
    try:
        checked([{"Pattern": json.dumps(pattern)}])
    except ValueError as error:
        refused = str(error)
    else:
        refused = ""

    assert bool([one for one in found if one.severity == "fault"]) == bool(refused)
