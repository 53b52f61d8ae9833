"""What the wire tells of both of the sandbox's brokers is what Kafka's own AdminClient tells, field by field, where a group of
every kind lives and transactions are open.
"""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from mesh_assets.sandbox.credentials import cloud_login
from mesh_assets.sandbox.servers import Endpoints, Sandbox
from mesh_assets_tests.platforms.kafka.wire.agreement import both_tellings, differences
from mesh_assets_tests.platforms.kafka.wire.kafka_programs import living_groups

pytestmark = pytest.mark.sandbox


@pytest.fixture(params=["warehouse", "data-mesh-cluster"])
def properties(request: pytest.FixtureRequest, sandbox: Sandbox, endpoints: Endpoints) -> dict[str, str]:
    """Of a client of one of the brokers, with all rights, in librdkafka's words."""
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


@pytest.fixture
def mark(properties: dict[str, str]) -> Iterator[str]:
    """Begins the names of the groups and topics of all kinds, and hides them from tests that look at the estate."""
    name = f"__every-kind-{uuid4().hex[:12]}"
    with living_groups(in_java(properties), name):
        yield name


def test_kafkas_own_client_tells_the_same_of_every_kind(
    sandbox: Sandbox, properties: dict[str, str], mark: str
) -> None:
    with sandbox.quiet():
        wire, java = both_tellings(properties, in_java(properties))

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
    # Of five records of each transaction, beside the markers: those of the open one count as well.
    assert sum(java["latest"][f"{mark}-transactions-{number}"] for number in range(2)) == 3 * 5 + 2 * 2
    assert {row["lag"] for row in kinds["-share"]["shared"].values()} != {None}

    assert differences(wire, java) == {}
