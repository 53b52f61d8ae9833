"""`estate check` of the founding scenario against the sandbox: sufficient keys, keys without a role, unknown keys."""

from pathlib import Path

import pytest

from mesh_assets.access_checks import AccessCheck, check_estate
from mesh_assets.estate.file import load_estate
from mesh_assets.sandbox.credentials import Key, variable_names
from mesh_assets.sandbox.estate.clusters import CLUSTER
from mesh_assets.sandbox.servers import Sandbox
from mesh_assets_tests.estates import estate_of
from mesh_assets_tests.sandbox.cloud.asking import StandIn

pytestmark = pytest.mark.sandbox

KINDS = ("kafka", "schema_registry", "cloud")


class CheckWith:
    """Checks the scenario's cluster with one key of each kind."""

    def __init__(self, estate: Path, environment: pytest.MonkeyPatch) -> None:
        self._estate = estate
        self._environment = environment

    def __call__(self, **keys: Key) -> dict[str, AccessCheck]:
        for kind, key in keys.items():
            for variable, value in zip(variable_names(kind), (key.id, key.secret), strict=True):
                self._environment.setenv(variable, value)
        checks = check_estate(load_estate(self._estate))
        assert not [key for key in keys.values() if key.secret in repr(checks)]
        return {result.system: result for result in checks}


@pytest.fixture
def check_with(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CheckWith:
    return CheckWith(estate_of(sandbox.endpoints(), tmp_path, CLUSTER), monkeypatch)


@pytest.fixture
def stand_in(sandbox: Sandbox) -> StandIn:
    return StandIn(sandbox)


def test_least_privilege_keys_are_enough_and_the_cloud_is_reported_as_a_stand_in(
    check_with: CheckWith, stand_in: StandIn
) -> None:
    keys = {kind: getattr(stand_in.keys, kind) for kind in KINDS}
    found = check_with(**keys)
    for system, identity in (
        ("kafka", f"Kafka API key {keys['kafka'].id}"),
        ("schema registry", f"Schema Registry key {keys['schema_registry'].id}"),
        ("control plane", f"Cloud key {keys['cloud'].id}"),
        ("connect", f"Cloud key {keys['cloud'].id}"),
        ("metrics", f"Cloud key {keys['cloud'].id}"),
        ("kafka rest", f"Kafka API key {keys['kafka'].id}"),
    ):
        assert (found[system].state, found[system].identity) == ("ok", identity)
        if system != "kafka":
            assert found[system].notes[0].startswith("this is a stand-in: ")
    assert (found["connect"].facts["connectors"], found["connect"].facts["belongs_to"]) == (
        37,
        "this cluster",
    )
    assert found["control plane"].facts["kind"] == "STANDARD"


def test_keys_without_a_role_learn_which_in_one_sentence_each(
    check_with: CheckWith, stand_in: StandIn
) -> None:
    found = check_with(**{kind: getattr(stand_in.keys, f"unprivileged_{kind}") for kind in KINDS})
    for system, phrase in (
        (
            "schema registry",
            "the owner of this Schema Registry key needs the role DeveloperRead on subject *",
        ),
        ("control plane", "the owner of this Cloud key needs the role Operator on the environment"),
        ("connect", "the owner of this Cloud key needs the role Operator on the cluster"),
        ("metrics", "the owner of this Cloud key needs the role MetricsViewer, granted on the organization"),
    ):
        (sentence,) = found[system].missing
        assert phrase in sentence
        assert found[system].endpoint in sentence
    assert found["kafka"].missing[0].startswith("no topic is visible")
    assert found["kafka"].notes[-1].startswith("on Confluent Cloud these rights come with the role Operator")


def test_unknown_keys_learn_which_kind_belongs_there(check_with: CheckWith, stand_in: StandIn) -> None:
    # Each is a valid key of another kind: the most common mistake.
    keys = stand_in.keys
    found = check_with(kafka=keys.cloud, schema_registry=keys.kafka, cloud=keys.schema_registry)
    for system, phrase in (
        ("kafka", f"refused Kafka API key {keys.cloud.id}"),
        ("kafka", "expected an API key of this Kafka cluster"),
        ("schema registry", "expected a Schema Registry key made for this registry"),
        ("control plane", "expected a Cloud key"),
        ("connect", "expected a Cloud key"),
        ("metrics", "expected a Cloud key"),
    ):
        (sentence,) = found[system].missing
        assert phrase in sentence
        assert found[system].state == "failed"
