"""What Confluent Cloud says about a cluster, compared with the estate."""

from typing import Any

import httpx
import pytest

from mesh_assets.access_checks import AccessCheck
from mesh_assets.access_checks.confluent_cloud import check_control_plane
from mesh_assets.estate.model import Cluster
from mesh_assets_tests.access_checks.a_control_plane import BOOTSTRAP, REGISTRY, Cloud


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_SECRET", "s3cr3t")


def check(cloud: Cloud, **fields: Any) -> AccessCheck:
    key = {"username": "K", "password": "${CLOUD_SECRET}"}
    cluster = Cluster.model_validate(
        {
            "name": "mesh",
            "cluster_id": "lkc-nd1ng3",
            "environment": {"id": "env-7zpqx1", "name": "agentic-data-mesh"},
            "kafka": {"bootstrap_servers": BOOTSTRAP},
            "schema_registry": {"url": REGISTRY, "id": "lsrc-1"},
            "control_plane": {"kind": "confluent_cloud", **key},
            **fields,
        }
    )
    assert cluster.control_plane is not None
    return check_control_plane(cluster, cluster.control_plane, transport=httpx.MockTransport(cloud))


def test_an_estate_that_agrees_with_confluent_cloud_passes() -> None:
    cloud = Cloud()
    assert check(cloud) == AccessCheck(
        cluster="mesh",
        system="control plane",
        endpoint="https://api.confluent.cloud",
        identity="Cloud key K",
        state="ok",
        facts={
            "organization": "o-1 (Finance)",
            "environment": "env-7zpqx1 (agentic-data-mesh)",
            "cluster": "lkc-nd1ng3 (data-mesh-cluster)",
            "kind": "STANDARD",
            "region": "AWS eu-west-1",
            "registry": "lsrc-1",
        },
        rights="reads",
    )
    assert len(cloud.requests) == 4


@pytest.mark.parametrize(
    ("visible", "fields", "sentence"),
    [
        (
            ("org", "env", "lkc", "lsrc"),
            {"environment": None},
            "the estate gives no environment, so the cluster cannot be looked up; add `environment: {id: env-…}` (visible: env-7zpqx1 "
            "(agentic-data-mesh))",
        ),
        (
            ("org", "env", "lkc", "lsrc"),
            {"cluster_id": "lkc-other"},
            "cluster lkc-other is not among the clusters of env-7zpqx1 that this key sees (lkc-nd1ng3 (data-mesh-cluster)); check "
            "cluster_id and environment.id, or grant Operator on the environment",
        ),
        (
            ("org", "env", "lkc", "lsrc"),
            {"cluster_id": None, "kafka": {"bootstrap_servers": "pkc-2.example:9092"}},
            "no cluster at pkc-2.example:9092 is among the clusters of env-7zpqx1 that this key sees (lkc-nd1ng3 (data-mesh-cluster)); "
            "check cluster_id and environment.id, or grant Operator on the environment",
        ),
        (
            ("org", "env", "lkc", "lsrc"),
            {"schema_registry": {"url": REGISTRY, "id": "lsrc-2"}},
            "the estate says schema_registry.id lsrc-2, but the registry of env-7zpqx1 is lsrc-1; correct it",
        ),
    ],
)
def test_what_differs_fails_the_check_with_what_to_correct(
    visible: tuple[str, ...], fields: dict[str, Any], sentence: str
) -> None:
    result = check(Cloud(visible=visible), **fields)
    assert (result.state, result.missing) == ("incomplete", (sentence,))


@pytest.mark.parametrize(
    ("cloud", "fields", "note"),
    [
        (Cloud(kind="Basic"), {}, "a Basic cluster has no roles on single topics, groups and connectors"),
        (Cloud(), {"cluster_id": None}, "its id is lkc-nd1ng3; set cluster_id to it"),
        (
            Cloud(),
            {"kafka": {"bootstrap_servers": "10.0.0.1:9092"}},
            f"Confluent Cloud gives {BOOTSTRAP} as its address, the estate 10.0.0.1",
        ),
        (
            Cloud(),
            {"schema_registry": {"url": REGISTRY}},
            "the registry's id is lsrc-1; set schema_registry.id to it",
        ),
        (
            Cloud(),
            {"schema_registry": {"url": "https://x.example", "id": "lsrc-1"}},
            f"Confluent Cloud gives {REGISTRY} as the registry's",
        ),
        (
            Cloud(visible=()),
            {},
            "environment env-7zpqx1 cannot be seen with this key, so the estate could not be compared; that takes Op",
        ),
        (Cloud(visible=("env",)), {}, "the clusters of environment env-7zpqx1 cannot be seen with this key"),
        (Cloud(visible=("env", "lkc")), {}, "no Schema Registry of the environment is visible to this key"),
        (
            Cloud(),
            {"environment": {"id": "env-7zpqx1", "name": "x"}},
            "the estate calls the environment x, Confluent Cloud agentic-data-mesh",
        ),
    ],
)
def test_information_is_a_note_and_fails_nothing(cloud: Cloud, fields: dict[str, Any], note: str) -> None:
    result = check(cloud, **fields)
    assert (result.state, len(result.notes)) == ("ok", 1)
    assert result.notes[0].startswith(note)


def test_a_role_on_the_cluster_alone_is_enough_to_compare_it() -> None:
    result = check(Cloud(visible=("lkc", "lsrc")))
    assert (result.state, result.notes, result.facts["cluster"]) == (
        "ok",
        (),
        "lkc-nd1ng3 (data-mesh-cluster)",
    )


def test_a_key_that_may_not_see_its_organization_is_enough() -> None:
    result = check(Cloud(refused="/org/v2/organizations"))
    assert (result.state, "organization" in result.facts) == ("ok", False)


def test_a_key_that_may_not_see_environments_learns_the_role_in_one_sentence() -> None:
    result = check(Cloud(refused="/org/v2/environments"))
    assert result.state == "failed"
    assert result.missing == (
        "Confluent Cloud at https://api.confluent.cloud refused Cloud key K (403): Forbidden Access; the owner of this Cloud key needs the "
        "role Operator on the environment (GET /org/v2/environments)",
    )


def test_a_stand_in_is_reported_as_one() -> None:
    cloud = Cloud()
    cloud.headers = {"X-Mesh-Stand-In": "the sandbox's Confluent Cloud"}
    assert check(cloud).notes == ("this is a stand-in: the sandbox's Confluent Cloud",)
