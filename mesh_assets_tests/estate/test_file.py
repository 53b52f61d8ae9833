import codecs
import os
import re
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mesh_assets.errors import EstateError
from mesh_assets.estate.connections import ConfluentCloudConnectEndpoint
from mesh_assets.estate.fields import CHANGES_TOPIC, EVENTS_TOPIC
from mesh_assets.estate.file import estate_path, load_estate, parse_estate
from mesh_assets.estate.monitoring import CloudWatchMetrics, ConfluentCloudMetrics, OffsetMetrics

WHOLE = """
clusters:
  data-mesh-cluster:
    cluster_id: lkc-nd1ng3
    environment: {id: env-7zpqx1, name: agentic-data-mesh}
    kafka:
      bootstrap_servers: pkc-1.example:9092
      security_protocol: SASL_SSL
      sasl_mechanism: PLAIN
      username: "${KEY}"
      password: ssm:/discovery-agent/cluster-api-secret
      properties: {client.rack: a}
    schema_registry: {url: https://psrc-1.example, id: lsrc-12345, username: "${SR_KEY}", password: "${SR_SECRET}"}
    connect: [{kind: confluent_cloud, username: "${CLOUD_KEY}", password: "${CLOUD_SECRET}"}]
    control_plane: {kind: confluent_cloud, username: "${CLOUD_KEY}", password: "${CLOUD_SECRET}"}
    metrics: {kind: confluent_cloud, username: "${CLOUD_KEY}", password: "${CLOUD_SECRET}"}
  warehouse:
    kafka: {bootstrap_servers: "127.0.0.1:9092"}
    schema_registry: {url: "http://127.0.0.1:8081"}
    connect: [{kind: kafka_connect, url: "http://127.0.0.1:8083"}]
    metrics: {kind: offsets}
    topics: {include: ["orders*"]}
events: {cluster: warehouse}
"""


def findings(text: str) -> list[str]:
    with pytest.raises(EstateError) as caught:
        parse_estate(text, source="estate.yaml")
    return str(caught.value).splitlines()


def test_a_whole_estate_is_read_with_names_references_and_defaults() -> None:
    estate = parse_estate(WHOLE, source="estate.yaml")

    assert list(estate.clusters) == ["data-mesh-cluster", "warehouse"]
    cloud = estate.clusters["data-mesh-cluster"]
    assert cloud.name == "data-mesh-cluster"
    assert cloud.kafka.password == "ssm:/discovery-agent/cluster-api-secret"
    [connect] = cloud.connect
    assert isinstance(connect, ConfluentCloudConnectEndpoint)
    assert (connect.url, connect.environment_id, connect.cluster_id) == (
        "https://api.confluent.cloud",
        "env-7zpqx1",
        "lkc-nd1ng3",
    )
    assert cloud.control_plane is not None
    assert cloud.control_plane.url == "https://api.confluent.cloud"
    assert isinstance(cloud.metrics, ConfluentCloudMetrics)
    assert cloud.metrics.url == "https://api.telemetry.confluent.cloud"
    assert estate.events.cluster == "warehouse"


def test_internal_topics_and_the_projects_own_are_left_out_unless_the_estate_says_otherwise() -> None:
    warehouse = parse_estate(WHOLE, source="estate.yaml").clusters["data-mesh-cluster"]

    names = [
        "orders",
        "__consumer_offsets",
        "_schemas",
        "connect-configs",
        EVENTS_TOPIC,
        CHANGES_TOPIC,
        "_private",
    ]
    assert warehouse.topics.select(names) == ["_private", "orders"]


def test_exclusion_wins_over_inclusion_and_case_matters() -> None:
    cluster = parse_estate(
        WHOLE.replace('include: ["orders*"]', 'include: ["orders*"], exclude: ["*-tmp"]'), source="e"
    ).clusters["warehouse"]

    assert cluster.topics.select(["orders", "orders-tmp", "Orders", "users"]) == ["orders"]


def test_a_misspelt_field_is_named_with_its_line() -> None:
    assert findings(WHOLE.replace("metrics: {kind: offsets", "metriks: {kind: offsets")) == [
        "estate.yaml:21: clusters.warehouse.metriks: is not a field here; check its spelling or remove it"
    ]


def test_a_missing_field_is_named_with_the_line_of_what_lacks_it() -> None:
    assert findings("clusters:\n  a:\n    kafka: {bootstrap_servers: one}\n    environment: {name: a}\n") == [
        "estate.yaml:4: clusters.a.environment.id: is missing"
    ]


def test_a_secret_written_into_the_file_is_refused_and_not_repeated() -> None:
    [finding] = findings(WHOLE.replace("${SR_SECRET}", "hunter2"))

    assert finding.startswith(
        "estate.yaml:13: clusters.data-mesh-cluster.schema_registry.password: a secret must be named"
    )
    assert "hunter2" not in finding


@pytest.mark.parametrize(
    "name", ["ssl.keystore.password", "sasl.oauthbearer.assertion.private.key.passphrase"]
)
def test_a_librdkafka_property_that_holds_a_secret_is_refused(name: str) -> None:
    [finding] = findings(WHOLE.replace("client.rack: a", f"{name}: hunter2"))

    assert f"properties.{name} looks like a secret" in finding
    assert "hunter2" not in finding


def test_the_example_that_users_copy_is_a_whole_estate() -> None:
    example = Path(__file__).parents[2] / "mesh_assets/configuration/project/estate.yaml"
    assert list(parse_estate(example.read_text(), source="e").clusters) == ["payments", "data-mesh-cluster"]


def managed_connect(**fields: str) -> str:
    entry = {"kind": "confluent_cloud", "username": "K", "password": "'${S}'", **fields}
    listed = ", ".join(f"{name}: {value}" for name, value in entry.items() if value)
    return f"clusters:\n  a:\n    kafka: {{bootstrap_servers: x}}\n    connect:\n      - {{{listed}}}\n"


def test_a_managed_connect_endpoint_without_its_cluster_says_which_ids_are_not_known() -> None:
    assert findings(managed_connect()) == [
        "estate.yaml:5: clusters.a.connect.0.environment_id: is not known; give it here, or give the cluster "
        "`environment: {id: env-…}`, which it is taken from",
        "estate.yaml:5: clusters.a.connect.0.cluster_id: is not known; give it here, or give the cluster its `cluster_id: lkc-…`, which it "
        "is taken from",
    ]


def test_ids_of_a_managed_connect_endpoint_that_stand_in_it_win() -> None:
    [connect] = (
        parse_estate(managed_connect(environment_id="env-1", cluster_id="lkc-1"), source="e")
        .clusters["a"]
        .connect
    )
    assert isinstance(connect, ConfluentCloudConnectEndpoint)
    assert (connect.environment_id, connect.cluster_id) == ("env-1", "lkc-1")


def test_what_a_kind_of_endpoint_lacks_is_named_as_the_file_has_it() -> None:
    assert findings(
        managed_connect(environment_id="env-1", cluster_id="lkc-1", username="", colour="red")
    ) == [
        "estate.yaml:5: clusters.a.connect.0.username: is missing",
        "estate.yaml:5: clusters.a.connect.0.colour: is not a field here; check its spelling or remove it",
    ]


def test_an_endpoint_of_an_unknown_kind_is_an_error_that_lists_the_kinds() -> None:
    [finding] = findings(managed_connect(kind="kafka-connect"))
    assert finding.startswith(
        "estate.yaml:5: clusters.a.connect.0.kind: 'kafka-connect' is not a kind; expected one of 'kafka_connect', "
    )
    assert findings(managed_connect(kind="")) == ["estate.yaml:5: clusters.a.connect.0.kind: is missing"]


def metrics_of(entry: str) -> object:
    text = f"clusters:\n  a:\n    kafka: {{bootstrap_servers: x}}\n    metrics: {{{entry}}}\n"
    return parse_estate(text, source="estate.yaml").clusters["a"].metrics


def test_metrics_come_from_offsets_unless_the_estate_names_a_cloud() -> None:
    assert (
        parse_estate("clusters: {a: {kafka: {bootstrap_servers: x}}}", source="e").clusters["a"].metrics
        == OffsetMetrics()
    )
    assert metrics_of("kind: offsets") == OffsetMetrics()
    assert metrics_of("kind: cloudwatch") == CloudWatchMetrics(kind="cloudwatch")
    assert metrics_of("kind: cloudwatch, region: eu-west-1, cluster_name: payments") == CloudWatchMetrics(
        kind="cloudwatch", region="eu-west-1", cluster_name="payments"
    )


def test_the_metrics_of_confluent_cloud_need_a_key() -> None:
    with pytest.raises(EstateError) as caught:
        metrics_of("kind: confluent_cloud")
    assert str(caught.value).splitlines() == [
        "estate.yaml:4: clusters.a.metrics.username: is missing",
        "estate.yaml:4: clusters.a.metrics.password: is missing",
    ]


def test_all_findings_come_at_once() -> None:
    text = "clusters:\n  a:\n    kafka: {bootstrap_servers: x, security_protocol: TLS}\n    schema_registry: {url: ftp://x}\n"

    assert [line.split(": ")[1] for line in findings(text)] == [
        "clusters.a.kafka.security_protocol",
        "clusters.a.schema_registry.url",
    ]


def test_sasl_without_its_parts_says_which_are_missing() -> None:
    [finding] = findings(
        "clusters:\n  a:\n    kafka: {bootstrap_servers: x, security_protocol: SASL_SSL, username: u}\n"
    )

    assert (
        finding
        == "estate.yaml:3: clusters.a.kafka: security_protocol SASL_SSL needs sasl_mechanism, password"
    )


def test_events_on_an_unknown_cluster_are_refused() -> None:
    [finding] = findings(WHOLE.replace("cluster: warehouse}", "cluster: nowhere}"))

    assert "events.cluster names 'nowhere'" in finding


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "estate.yaml:1: expected a mapping with `clusters:`, found an empty file"),
        ("- a\n", "estate.yaml:1: expected a mapping with `clusters:`, found a list"),
        ("clusters: {a: [\n", "estate.yaml:2: not YAML"),
        (
            "clusters:\n  a: {kafka: {bootstrap_servers: x}}\n  a: {}\n",
            "estate.yaml:3: a appears here a second time",
        ),
        (
            "clusters:\n  a/b: {kafka: {bootstrap_servers: x}}\n",
            "estate.yaml:2: cluster name 'a/b' may only hold",
        ),
        ("clusters:\n  7: {kafka: {bootstrap_servers: x}}\n", "estate.yaml:2: cluster name 7 is not text"),
        (
            "clusters:\n  a...b: {kafka: {bootstrap_servers: x}}\n",
            "estate.yaml:2: cluster name 'a...b' may not hold '...', which is a range of partitions to Dagster",
        ),
        (
            f"clusters:\n  {'ü' * 40}: {{kafka: {{bootstrap_servers: x}}}}\n",
            f"estate.yaml:2: cluster name {'ü' * 40!r} is too long for a file name",
        ),
        ("clusters: {}\n", "estate.yaml:1: clusters: "),
        ("clusters:\n  a: 3\n", "estate.yaml:2: clusters.a: "),
        (
            "clusters:\n  a: {kafka: {bootstrap_servers: x}}\nesm: {}\n",
            "estate.yaml:3: esm: names neither accounts nor secrets",
        ),
    ],
)
def test_a_faulty_estate_gets_one_sentence_with_its_line(text: str, expected: str) -> None:
    assert findings(text)[0].startswith(expected)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EstateError, match=r"there is no estate file at .*nowhere\.yaml; set MESH_ESTATE"):
        load_estate(tmp_path / "nowhere.yaml")


def test_the_file_is_the_one_the_environment_names() -> None:
    assert estate_path({"MESH_ESTATE": "a/b.yaml"}) == Path("a/b.yaml")
    assert estate_path({}) == Path("estate.yaml")


def test_a_dotenv_file_beside_the_estate_gives_what_the_environment_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "estate.yaml").write_text("clusters: {a: {kafka: {bootstrap_servers: 'h:1'}}}\n")
    (tmp_path / ".env").write_text("MESH_TEST_A=from the file\nMESH_TEST_B=from the file\n")
    monkeypatch.setenv("MESH_TEST_B", "from the environment")
    monkeypatch.setenv("MESH_TEST_A", "")
    monkeypatch.delenv("MESH_TEST_A")
    load_estate(tmp_path / "estate.yaml")
    assert (os.environ["MESH_TEST_A"], os.environ["MESH_TEST_B"]) == ("from the file", "from the environment")


@settings(deadline=None)
@given(name=st.text(st.sampled_from("aB9.-_ü²/ \t|,[]'"), min_size=1, max_size=8))
def test_dagster_takes_every_name_that_the_estate_takes(name: str) -> None:
    try:
        estate = parse_estate(yaml.safe_dump({"clusters": {name: {"kafka": KAFKA}}}), source="x")
    except EstateError:
        return
    assert dg.StaticPartitionsDefinition(list(estate.clusters)).get_partition_keys() == [name]


KAFKA = {"bootstrap_servers": "h:1"}
ONE = "clusters: {a: {kafka: {bootstrap_servers: 'h:1'}, connect: [{kind: kafka_connect, url: 'http://größe:1'}]}}\r\n"


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + ONE.encode(),
        codecs.BOM_UTF16_LE + ONE.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + ONE.encode("utf-16-be"),
        ONE.encode(),
    ],
    ids=["utf-8 with a mark", "utf-16-le", "utf-16-be", "utf-8"],
)
def test_a_byte_order_mark_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    monkeypatch.setenv("MESH_TEST_A", "")
    monkeypatch.delenv("MESH_TEST_A")
    (tmp_path / "estate.yaml").write_bytes(data)
    mark = next(
        (one for one in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) if data[:2] == one[:2]),
        b"",
    )
    encoding = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}.get(mark, "utf-8")
    (tmp_path / ".env").write_bytes(mark + "MESH_TEST_A=größe\n".encode(encoding))

    [endpoint] = load_estate(tmp_path / "estate.yaml").clusters["a"].connect

    assert getattr(endpoint, "url", None) == "http://größe:1"
    assert os.environ["MESH_TEST_A"] == "größe"


def test_a_dotenv_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(ONE)
    (tmp_path / ".env").write_bytes(b"A=\xff\xfe\xff")

    with pytest.raises(EstateError, match=r"\.env cannot be read"):
        load_estate(tmp_path / "estate.yaml")


def with_field(field: str, value: object) -> dict[str, object]:
    """An estate with the value at a path like `clusters.a.schema_registry.url`."""
    estate: dict[str, object] = {"clusters": {"a": {"kafka": dict(KAFKA)}}}
    at = estate
    *path, last = field.split(".")
    for part in path:
        at = at.setdefault(part, {})  # type: ignore[assignment] # mappings all the way
    at[last] = value
    return estate


_AWS = {"region": "eu-west-1"}
ADDRESSES: list[tuple[str, Callable[[str], object]]] = [
    ("clusters.a.schema_registry.url", str),
    ("clusters.a.connect", lambda url: [{"kind": "kafka_connect", "url": url}]),
    ("clusters.a.connect", lambda url: [{"kind": "msk_connect", "endpoint_url": url}]),
    ("clusters.a.alarms", lambda url: {"endpoint_url": url}),
    ("clusters.a.kafka", lambda url: {**KAFKA, "properties": {"sasl.oauthbearer.endpoint.url": url}}),
    ("triggers.queue_url", str),
    ("triggers", lambda url: {"queue_url": "https://q", "dead_letter_queue_url": url}),
    ("esm.accounts", lambda url: [{**_AWS, "endpoint_url": url}]),
]


@pytest.mark.parametrize(("field", "made"), ADDRESSES, ids=[field for field, _ in ADDRESSES])
@pytest.mark.parametrize(
    "url",
    [
        "https://user:hunter2@host",
        "https://user:hunter2@host:8081/path",
        "https://hunter2@host",
        "https://${USER}:hunter2@host",
        "https://user:hunter2/x@host",
        "https://user:hunter2#x@host",
    ],
)
def test_an_address_with_credentials_in_clear_is_refused_without_repeating_them(
    field: str, made: Callable[[str], object], url: str
) -> None:
    [finding] = [line for line in findings(yaml.safe_dump(with_field(field, made(url)))) if "address" in line]

    assert "an address must not hold a user or password in clear" in finding
    assert "hunter2" not in finding


@pytest.mark.parametrize(
    "url",
    [
        "https://host:8081/path",
        "https://${USER}:${PASSWORD}@host",
        "https://user:${PASSWORD}@host",
        "https://${TOKEN}@host",
        "${URL}",
        "https://host/path@2",
        "https://host:8081/a@b",
    ],
)
def test_an_address_without_credentials_in_clear_is_taken(url: str) -> None:
    estate = parse_estate(yaml.safe_dump(with_field("clusters.a.schema_registry.url", url)), source="x")

    registry = estate.clusters["a"].schema_registry
    assert registry is not None
    assert registry.url == url


SMALL = "clusters: {a: {kafka: {bootstrap_servers: x}}}\n"


def test_a_policy_may_have_a_file_of_its_own(tmp_path: Path) -> None:
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
        ("{file: a.yaml, rules: []}", "policy: names a file and holds rules itself"),
    ],
)
def test_a_faulty_policy_is_refused_with_its_line(policy: str, expected: str) -> None:
    [finding] = findings(f"{SMALL}policy:\n  {policy}\n")
    assert finding.startswith(f"estate.yaml:3: {expected}")


def test_two_rules_of_one_name_are_refused() -> None:
    rule = "{name: a, schema_required: true}"
    [finding] = findings(f"{SMALL}policy:\n  rules: [{rule}, {rule}]\n")
    assert finding == "estate.yaml:2: policy: has two rules called 'a'; give each a name of its own"


def test_a_faulty_policy_file_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("rules:\n  - {name: names, level: bad, names: x}\n")
    (tmp_path / "estate.yaml").write_text(f"{SMALL}policy: {{file: policy.yaml}}\n")
    with pytest.raises(EstateError, match=r"policy\.yaml:2: rules\.0\.level"):
        load_estate(tmp_path / "estate.yaml")


def test_a_mute_of_everything_is_refused() -> None:
    [finding] = findings(f"{SMALL}findings:\n  mute: [{{reason: quiet}}]\n")
    assert "would mute everything" in finding


def test_the_pages_of_findings_and_policy_show_what_the_file_takes() -> None:
    for page in ("findings", "policy"):
        text = (Path(__file__).parents[2] / f"docs/{page}.md").read_text(encoding="utf-8")
        examples = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
        assert examples
        for example in examples:
            read = parse_estate(SMALL + example, source="estate.yaml")
            assert read != parse_estate(SMALL, source="estate.yaml")
