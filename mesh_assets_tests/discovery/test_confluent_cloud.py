"""The scenario the project was founded for: `data-mesh-cluster` of the environment `agentic-data-mesh`, with
keys of least privilege."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, replace
from pathlib import Path

import pytest

from mesh_assets.answering.belonging import read_estate_domains, read_estate_relationships
from mesh_assets.estate.file import load_estate
from mesh_assets.inventory.data_contracts import DataContract
from mesh_assets.masking.configs import MASK
from mesh_assets.sandbox.credentials import Key, cloud_login, sandbox_keys, variable_names
from mesh_assets.sandbox.estate.belonging import TRUE_DOMAINS, true_keys
from mesh_assets.sandbox.estate.clusters import CLUSTER, CLUSTER_ID, DATAGENS, ENVIRONMENT_ID
from mesh_assets.sandbox.kafka_admin import end_offsets
from mesh_assets.sandbox.servers import Sandbox
from mesh_assets_tests.relationships.estates import found_domains, found_keys
from mesh_assets_tests.sandbox.cloud.asking import CONNECTORS, StandIn
from mesh_assets_tests.workplace import Workplace, workplace_in

pytestmark = pytest.mark.sandbox


@pytest.fixture
def workplace(sandbox: Sandbox, tmp_path: Path) -> Workplace:
    return workplace_in(tmp_path, sandbox.endpoints(), CLUSTER)


@pytest.fixture(scope="module")
def _discovered_once(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    workplace = workplace_in(tmp_path_factory.mktemp("discovered"), sandbox.endpoints(), CLUSTER)
    workplace.discover()
    return workplace


@pytest.fixture
def discovered(_discovered_once: Workplace, tmp_path: Path) -> Workplace:
    """A workplace after its first discovery."""
    return _discovered_once.copied(tmp_path)


@pytest.fixture
def cloud(sandbox: Sandbox) -> Iterator[StandIn]:
    with StandIn(sandbox) as stand_in:
        yield stand_in
        stand_in.forget()


def with_keys(workplace: Workplace, keys: dict[str, Key]) -> Workplace:
    """The workplace of a user who has set keys other than those in `.env`."""
    pairs = [
        pair
        for kind, key in keys.items()
        for pair in zip(variable_names(kind), (key.id, key.secret), strict=True)
    ]
    return replace(workplace, variables=dict(pairs))


def test_a_discovery_prints_the_founding_scenario_and_says_that_the_cloud_is_a_stand_in(
    workplace: Workplace,
) -> None:
    done = workplace.mesh_assets("discover")

    assert done.returncode == 0, done.stderr
    words = " ".join(done.stdout.split())
    for phrase in (
        f"{CLUSTER} ({CLUSTER_ID}, agentic-data-mesh)",
        "37 topics 222 partitions",
        "37 connectors 37 active",
        "37 schemas 33 AVRO, 2 JSON, 2 PROTOBUF",
        "3 consumer groups 3 behind",
        "stand-in for Confluent Cloud",
    ):
        assert phrase in words
    [requests] = re.findall(r"requests to Kafka, (\d+) over HTTP", words)
    assert int(requests) <= 12
    document = workplace.latest()
    assert {state.status for state in document.sections.values()} == {"fresh"}
    assert {connector.name: connector.id for connector in document.connectors} == {
        d.name: d.id for d in DATAGENS
    }
    orders = next(topic for topic in document.topics if topic.name == "orders")
    assert orders.connectors == ("DatagenSourceConnector_orders",)
    assert orders.schema.value_subjects == ("orders-value",)
    assert orders.details.message_count
    [config] = [
        connector.config
        for connector in document.connectors
        if connector.name == "DatagenSourceConnector_orders"
    ]
    assert (config["quickstart"], config["output.data.format"], config["kafka.api.secret"]) == (
        "ORDERS",
        "AVRO",
        MASK,
    )


@pytest.mark.long
def test_twenty_requests_are_enough_for_a_large_cluster(workplace: Workplace, cloud: StandIn) -> None:
    cloud.tell("scale", {"connectors": 1000, "subjects": 2500})
    report = workplace.discover()

    assert report["summary"]["total_connectors"] == 1000
    # The subjects of the discovery's own events are among the 2,500 but left out.
    assert report["summary"]["total_schemas"] >= 2498
    assert report["http_requests"] - report["level_requests"] <= 20
    assert {state["status"] for state in report["sections"].values()} == {"fresh"}
    metrics = workplace.latest().metrics
    assert metrics is not None
    assert [source.error for source in metrics.sources if source.error is not None] == []


def test_a_wrong_or_powerless_key_is_one_sentence_and_leaves_the_last_good_section(
    discovered: Workplace, cloud: StandIn
) -> None:
    before = discovered.latest()
    keys = cloud.keys
    wrong = {"cloud": Key(keys.cloud.id, "wrong"), "schema_registry": Key(keys.schema_registry.id, "wrong")}
    powerless = {"cloud": keys.unprivileged_cloud, "schema_registry": keys.unprivileged_schema_registry}
    refused = with_keys(discovered, wrong).discover()
    forbidden = with_keys(discovered, powerless).discover()

    for report, connect_says, registry_says in (
        (refused, "expected a Cloud key", "expected a Schema Registry key"),
        (forbidden, "role Operator on the cluster", "role DeveloperRead on subject"),
    ):
        sentences = {section: report["sections"][section]["error"] for section in ("connectors", "schemas")}
        for phrase in (f"Confluent Cloud Connect at {cloud.url}", "Cloud key", connect_says):
            assert phrase in sentences["connectors"]
        for phrase in (f"{cloud.url}/schema-registry", "Schema Registry key", registry_says):
            assert phrase in sentences["schemas"]
        for section, sentence in sentences.items():
            assert report["sections"][section]["status"] == "stale"
            assert "\n" not in sentence
            assert not any(key.secret in sentence for key in powerless.values())
        assert not [sentence for sentence in report["first_changes"] if "deleted" in sentence]
    assert (discovered.latest().connectors, discovered.latest().schemas) == (
        before.connectors,
        before.schemas,
    )


def test_a_key_that_is_not_set_is_named_and_nothing_is_read(workplace: Workplace) -> None:
    (workplace.folder / ".env").unlink()
    bare = {name: value for name, value in workplace.environment.items() if not name.startswith("SANDBOX_")}
    done = workplace.mesh_assets("discover", environment=bare)

    assert done.returncode == 1
    [sentence] = done.stderr.strip().splitlines()
    assert "SANDBOX_" in sentence
    assert "is not set" in sentence


def test_a_wrong_kafka_key_fails_the_discovery_with_one_sentence(
    workplace: Workplace, sandbox: Sandbox
) -> None:
    done = with_keys(workplace, {"kafka": Key(sandbox_keys(sandbox.folder).kafka.id, "wrong")}).mesh_assets(
        "discover"
    )

    assert done.returncode == 1
    [sentence] = done.stderr.strip().splitlines()
    assert sentence.startswith(f"mesh-assets: {CLUSTER}: ")
    assert str(sandbox.endpoints().cloud_bootstrap_servers) in sentence
    assert "Authentication failed" in sentence


def test_a_list_shortened_by_missing_rights_is_incomplete_and_not_a_deletion(
    discovered: Workplace, cloud: StandIn
) -> None:
    before = discovered.latest()
    cloud.tell("shown", {"connectors": 30, "subjects": 30})
    report = discovered.discover()
    after = discovered.latest()

    for section in ("connectors", "schemas"):
        assert report["sections"][section]["status"] == "stale", section
        assert getattr(after, section) == getattr(before, section)
    assert not [sentence for sentence in report["first_changes"] if "deleted" in sentence]


def test_transient_faults_are_waited_out_and_a_truncated_answer_is_not_a_deletion(
    workplace: Workplace, cloud: StandIn
) -> None:
    once = {"html": True, "seconds": 1, "times": 1}
    cloud.tell(
        "faults",
        [
            {"path": "/connect/", "kind": "throttle", **once},
            {"path": "/schema-registry/schemas", "kind": "fail", "status": 503, **once},
            {"path": "/v2/metrics/", "kind": "throttle", **once},
        ],
    )
    waited = workplace.discover()
    cloud.tell("faults", [{"path": "/connect/", "kind": "truncate"}])
    cut = workplace.discover()

    assert {section["status"] for section in waited["sections"].values()} == {"fresh"}
    assert cut["sections"]["connectors"]["status"] == "stale"
    assert cut["summary"]["total_connectors"] == 37
    assert not [sentence for sentence in cut["first_changes"] if "deleted" in sentence]


def test_the_environment_configures_itself_and_then_only_lacks_the_other_keys(
    workplace: Workplace, cloud: StandIn
) -> None:
    variables = {
        variable: value
        for kind, prefix in (
            ("cloud", "CONFLUENT_CLOUD"),
            ("kafka", "KAFKA"),
            ("schema_registry", "SCHEMA_REGISTRY"),
        )
        for variable, value in zip(
            (f"{prefix}_API_KEY", f"{prefix}_API_SECRET"), astuple(getattr(cloud.keys, kind)), strict=True
        )
    }
    own = replace(workplace, estate=workplace.folder / "own.yaml", variables=variables)
    configured = own.mesh_assets(
        "configure", "--confluent-environment", ENVIRONMENT_ID, "--confluent-url", cloud.url
    )
    checked = own.mesh_assets("estate", "check", "--cluster", CLUSTER)

    assert configured.returncode == 0, configured.stderr
    assert checked.returncode == 0, checked.stdout
    assert sum(line.startswith("ok") for line in checked.stdout.splitlines()) >= 5
    assert not any(
        key.secret in configured.stdout + checked.stdout for key in (cloud.keys.cloud, cloud.keys.kafka)
    )


def test_a_paused_connectors_data_stops_and_comes_back(
    discovered: Workplace, cloud: StandIn, sandbox: Sandbox
) -> None:
    connector, topic = "DatagenSourceConnector_clickstream", "clickstream"
    broker = str(sandbox.endpoints().cloud_bootstrap_servers)

    def written() -> int:
        return sum(end_offsets(broker, [topic], login=cloud_login(sandbox.folder)).values())

    cloud.ask("PUT", f"{CONNECTORS}/{connector}/pause", key=cloud.keys.cloud).raise_for_status()
    _wait(lambda: _stands_still(written), "the topic of a paused connector to stand still")
    report = discovered.discover()
    assert any(connector in sentence and "PAUSED" in sentence.upper() for sentence in report["first_changes"])
    assert report["summary"]["active_connectors"] == 36
    still = written()
    cloud.ask("PUT", f"{CONNECTORS}/{connector}/resume", key=cloud.keys.cloud).raise_for_status()
    _wait(lambda: written() > still, "the connector to write again")


def _stands_still(count: Callable[[], int]) -> bool:
    """Otherwise, at 180 records a minute, about twelve would have come in 4 s."""
    before = count()
    time.sleep(4)
    return count() == before


def _wait(holds: Callable[[], bool], what: str, *, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.3)


def test_everything_that_belongs_together_is_found_and_nothing_else(discovered: Workplace) -> None:
    estate = load_estate(discovered.estate)
    relationships = read_estate_relationships(estate, discovered.store).relationships
    assert found_keys(relationships) == true_keys()
    assert [gap for gap in relationships.gaps if gap.subject is not None] == []
    domains = read_estate_domains(estate, discovered.store).domains
    assert found_domains(domains) == set(TRUE_DOMAINS.values())
    assert {one.known for domain in domains.domains for one in domain.topics} == {"quickstart"}


def test_the_contracts_of_schemas_are_read_with_their_secrets_masked(discovered: Workplace) -> None:
    schemas = {schema.subject: schema for schema in discovered.latest().schemas}
    contract = schemas["users-value"].contract
    assert contract is not None
    assert contract.properties == {"owner": "shop-team", "pager": MASK, "support.password": MASK}
    assert contract.tags == {"**.email": ("PII",), "**.phone": ("PII",)}
    assert [(rule.phase, rule.name, rule.expr) for rule in contract.rules] == [
        ("domain", "hasAddress", "message.email != ''")
    ]
    assert schemas["stores-value"].contract == DataContract()
