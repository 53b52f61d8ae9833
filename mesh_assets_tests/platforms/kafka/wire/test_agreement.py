"""A reading of each of the sandbox's brokers agrees with Kafka's own AdminClient, field by field, while a group of every kind
is alive, transactions are open and access is granted: on a broker with an authorizer and on one without.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from mesh_assets.sandbox.credentials import cloud_login
from mesh_assets.sandbox.servers import Sandbox
from mesh_assets_tests.platforms.kafka.wire.agreement import both_tellings, differences
from mesh_assets_tests.platforms.kafka.wire.kafka_programs import kafkas_own_client

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module", params=["warehouse", "data-mesh-cluster"])
def properties(request: pytest.FixtureRequest, sandbox: Sandbox) -> dict[str, str]:
    """librdkafka's properties for a client of one of the brokers, with all rights."""
    endpoints = sandbox.endpoints()
    if request.param == "warehouse":
        return {"bootstrap.servers": endpoints.bootstrap_servers}
    assert endpoints.cloud_bootstrap_servers is not None
    login = cloud_login(sandbox.folder)
    return {
        "bootstrap.servers": endpoints.cloud_bootstrap_servers,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": login.username,
        "sasl.password": login.password,
    }


def in_java(properties: dict[str, str]) -> dict[str, str]:
    own = {name: value for name, value in properties.items() if not name.startswith("sasl.")}
    if "sasl.username" in properties:
        login = " ".join(f'{field}="{properties[f"sasl.{field}"]}"' for field in ("username", "password"))
        own["sasl.mechanism"] = properties["sasl.mechanism"]
        own["sasl.jaas.config"] = f"org.apache.kafka.common.security.plain.PlainLoginModule required {login};"
    return own


class Told(NamedTuple):
    """`mark` prefixes the names of what it created, and hides it from tests that look at the estate."""

    mark: str
    wire: dict[str, Any]
    java: dict[str, Any]


@pytest.fixture(scope="module")
def told(sandbox: Sandbox, properties: dict[str, str]) -> Iterator[Told]:
    mark = f"__every-kind-{uuid4().hex[:12]}"
    with kafkas_own_client(in_java(properties)) as client:
        client.grant(mark)
        client.live(mark)
        with sandbox.quiet():
            wire, java = both_tellings(properties, client)
        yield Told(mark, wire, java)


def test_kafkas_own_client_reads_the_same(told: Told) -> None:
    assert differences(told.wire, told.java) == {}


def test_groups_of_every_kind_are_included(told: Told) -> None:
    mark, java = told.mark, told.java
    kinds = {
        name.removeprefix(mark): group for name, group in java["groups"].items() if name.startswith(mark)
    }
    assert {name: (group["type"], group["state"]) for name, group in kinds.items()} == {
        "-classic": ("classic", "Stable"),
        "-consumer": ("consumer", "Stable"),
        "-share": ("share", "Stable"),
        "-streams": ("streams", "Stable"),
    }
    assert all(member["assignment"] for group in kinds.values() for member in group["members"].values())
    assert all(one["tasks"]["active"] for one in java["kinds"][f"{mark}-streams"]["members"].values())
    assert {row["lag"] for row in kinds["-share"]["shared"].values()} != {None}


def test_committed_aborted_and_open_transactions_are_included(told: Told) -> None:
    mark, java = told.mark, told.java
    ids = java["transactions"]["transactional_ids"]
    assert {name: ids[f"{mark}-{name}"]["state"] for name in ("commit", "abort", "open")} == {
        "commit": "CompleteCommit",
        "abort": "CompleteAbort",
        "open": "Ongoing",
    }
    places = [f"{mark}-transactions-{number}" for number in range(2)]
    assert [place for place in java["transactions"]["open"] if place.startswith(mark)] == places
    # Five records per transaction, besides the markers: those of the open one count, too, though readers of committed records
    # stop before them.
    assert sum(java["latest"][place] for place in places) == 3 * 5 + 2 * 2
    assert sum(java["stable"][place] for place in places) == 2 * 5 + 2 * 2


def test_access_of_every_kind_is_included(told: Told) -> None:
    mark, access = told.mark, told.java["access"]
    assert access["scram_users"][mark] == {"SCRAM-SHA-512": 8192}
    assert access["quotas"] == access["quotas"] | {
        f"{{client-id=null, user={mark}}}": {"producer_byte_rate": 1024.0},
        f"{{client-id={mark}}}": {"consumer_byte_rate": 2048.0},
        "{user=null}": {"request_percentage": 99_999.5},
        "{ip=10.0.0.1}": {"connection_creation_rate": 100.0},
        "{ip=null}": {"connection_creation_rate": 1_000_000.0},
    }
    assert access["configs"][""]["log.cleaner.backoff.ms"]["value"] == "14999"
    if access["acls"] is not None:
        assert sum(mark in acl for acl in access["acls"]) == 4
    assert [access[part] == "unsupported" for part in access] == [False] * len(access)


@pytest.mark.long
def test_kafkas_own_client_reads_the_same_from_2000_topics_of_every_kind(
    sandbox: Sandbox, properties: dict[str, str]
) -> None:
    # Two marks: `living` deletes all topics with its own prefix.
    mark, crowd = (f"__{name}-{uuid4().hex[:12]}" for name in ("every-kind", "crowd"))
    with kafkas_own_client(in_java(properties)) as client:
        client.crowd(crowd, 2_000)
        client.grant(mark)
        client.live(mark)  # its open transaction lasts for ten minutes
        with sandbox.quiet():
            wire, java = both_tellings(properties, client)

    kinds = Counter(name.rpartition("-")[2] for name in java["topics"] if name.startswith(crowd))
    assert list(kinds.values()) == [200] * 10
    groups = Counter(name.partition("-")[0] for name in java["groups"] if name.startswith((mark, crowd)))
    assert groups == {"__every": 4, "__crowd": 100}
    opened = Counter(
        place.partition("-")[0] for place in java["transactions"]["open"] if place.startswith((mark, crowd))
    )
    assert opened == {"__every": 2, "__crowd": 2 * 200}
    assert differences(wire, java) == {}
