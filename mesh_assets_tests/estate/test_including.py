"""An estate of several files: which includes which, what clusters have in common, and where each fault is."""

import re
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.errors import EstateError
from mesh_assets.estate.file import load_estate, read_estate
from mesh_assets.estate.including import merged, with_name
from mesh_assets.estate.model import Estate
from mesh_assets.estate.monitoring import CloudWatchMetrics, OffsetMetrics


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, so that messages name the files as the estate does."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, **files: str) -> None:
    """`a__b="…"` is `a/b.yaml`."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def load() -> Estate:
    return load_estate(Path("estate.yaml"))


def fault() -> str:
    with pytest.raises(EstateError) as caught:
        load()
    return str(caught.value)


def cluster(name: str) -> str:
    return f"clusters:\n  {name}: {{kafka: {{bootstrap_servers: '{name}:9092'}}}}\n"


def test_clusters_come_from_all_files_in_the_order_of_patterns_and_names(folder: Path) -> None:
    write(
        folder,
        estate=f"include: [teams/*.yaml, '**/deep.yaml']\n{cluster('own')}events: {{cluster: b}}\n",
        teams__b=cluster("b"),
        teams__a=cluster("a"),
        x__y__deep=cluster("deep"),
    )

    estate = load()

    assert list(estate.clusters) == ["own", "a", "b", "deep"]
    assert estate.clusters["deep"].kafka.bootstrap_servers == "deep:9092"
    assert estate.events.cluster == "b"


def test_an_estate_file_may_only_include_others_and_included_files_may_include_more(folder: Path) -> None:
    write(
        folder,
        estate="include: regions/all.yaml\n",
        regions__all="include: eu/*.yaml\n",
        regions__eu__a=cluster("a"),
    )

    assert list(load().clusters) == ["a"]


def test_hidden_files_are_included_only_by_name(folder: Path) -> None:
    write(folder, estate=f"include: ['t/*']\n{cluster('own')}", t__a=cluster("a"))
    (folder / "t" / ".old.yaml").write_text(cluster("old"))

    assert list(load().clusters) == ["own", "a"]


def test_a_clusters_settings_override_the_defaults_key_by_key(folder: Path) -> None:
    write(
        folder,
        estate=(
            "defaults:\n"
            "  kafka: {security_protocol: SASL_SSL, sasl_mechanism: SCRAM-SHA-512, username: mesh,\n"
            "          password: 'ssm:/kafka/{cluster}/password', properties: {client.id: mesh}}\n"
            "  metrics: {kind: cloudwatch, region: eu-west-1}\n"
            "  topics: {exclude: [tmp-*]}\n"
            "  schema_registry: {url: 'https://registry.example'}\n"
            "include: more.yaml\n"
            "clusters:\n"
            "  a: {kafka: {bootstrap_servers: 'a:1'}}\n"
            "  b:\n"
            "    kafka: {bootstrap_servers: 'b:1', username: other, properties: {client.rack: r}}\n"
            "    metrics: {kind: offsets}\n"
            "    schema_registry:\n"
        ),
        more=(
            "defaults: {kafka: {username: team}, topics: {exclude: [old-*]}}\n"
            "clusters: {c-1: {kafka: {bootstrap_servers: 'c:1', password: '${KAFKA_C}'}}}\n"
        ),
    )

    clusters = load().clusters

    a, b, c = clusters["a"], clusters["b"], clusters["c-1"]
    assert (a.kafka.username, a.kafka.password) == ("mesh", "ssm:/kafka/a/password")
    assert a.metrics == CloudWatchMetrics(kind="cloudwatch", region="eu-west-1")
    assert a.topics.exclude == ("tmp-*",)
    assert (b.kafka.username, b.kafka.properties) == ("other", {"client.id": "mesh", "client.rack": "r"})
    assert (b.metrics, b.schema_registry) == (OffsetMetrics(kind="offsets"), None)
    assert a.schema_registry is not None
    assert (c.kafka.username, c.kafka.sasl_mechanism, c.kafka.password) == (
        "team",
        "SCRAM-SHA-512",
        "${KAFKA_C}",
    )
    assert c.topics.exclude == ("old-*",)


def test_the_defaults_of_an_included_file_do_not_apply_to_its_neighbours(folder: Path) -> None:
    write(
        folder,
        estate="include: [a.yaml, b.yaml]\n",
        a="defaults: {sensors: {quiet_minutes: 1}}\n" + cluster("a"),
        b=cluster("b"),
    )

    assert [one.sensors.quiet_minutes for one in load().clusters.values()] == [1, 10]


def _mappings(values: Any) -> Any:
    return st.dictionaries(st.sampled_from("abc"), values, max_size=3)


_PLAIN: Any = st.sampled_from([None, 0, 1, "x", [], [1, 2]])
_MAPPINGS = _mappings(_PLAIN | _mappings(_PLAIN | _mappings(_PLAIN)))


@given(defaults=_MAPPINGS, cluster=_MAPPINGS)
def test_every_setting_of_a_cluster_and_every_untouched_default_is_kept(
    defaults: dict[str, Any], cluster: dict[str, Any]
) -> None:
    result = merged(defaults, cluster)

    for key in defaults.keys() | cluster.keys():
        if key not in cluster:
            assert result[key] == defaults[key]
        elif cluster[key] is None:
            assert result.get(key) is None
        elif not isinstance(cluster[key], dict) or not isinstance(defaults.get(key), dict):
            assert result[key] == cluster[key]


def test_the_name_enters_defaults_as_it_is_and_as_part_of_a_variables_name() -> None:
    value = {"password": "${KAFKA_{CLUSTER}}", "x": ["/{cluster}/", 3, None, {"y": "{other}"}]}

    assert with_name(value, "eu-1.a") == {
        "password": "${KAFKA_EU_1_A}",
        "x": ["/eu-1.a/", 3, None, {"y": "{other}"}],
    }


def test_a_cluster_named_by_two_files_is_refused_with_both(folder: Path) -> None:
    write(folder, estate="include: ['?.yaml']\n", a=cluster("same"), b=f"# b\n{cluster('same')}")

    assert (
        fault()
        == "b.yaml:3: clusters.same: a.yaml:2 already has a cluster of this name; give each its own name"
    )


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"estate": "include: [a.yaml]\n", "a": "include: estate.yaml\n"},
            "a.yaml:1: include: leads back to estate.yaml (",
        ),
        (
            {"estate": f"include: ['*.yaml']\n{cluster('own')}"},
            "estate.yaml:1: include: leads back to estate.yaml (",
        ),
        (
            {"estate": "include:\n  - '[ab].yaml'\n  - a.yaml\n", "a": cluster("a"), "b": cluster("b")},
            "estate.yaml:3: include: a.yaml was already included by estate.yaml:2; include each file once",
        ),
        (
            {"estate": f"include: none/*.yaml\n{cluster('a')}"},
            "estate.yaml:1: include: none/*.yaml is not a file in ",
        ),
        (
            {"estate": f"include: {{a: 1}}\n{cluster('a')}"},
            "estate.yaml:1: include: expected file names or patterns",
        ),
        (
            {"estate": f"{cluster('a')}include: ['']\n"},
            "estate.yaml:3: include: expected file names or patterns",
        ),
        (
            {"estate": f"{cluster('a')}defaults: [kafka]\n"},
            "estate.yaml:3: defaults: expected what clusters have in common",
        ),
        (
            {"estate": "include: a.yaml\n", "a": f"{cluster('a')}events: {{cluster: a}}\n"},
            "a.yaml:3: events: is not a field of an included file, which may have include, defaults, clusters; "
            "write it in the file that includes this one (estate.yaml:1)",
        ),
        (
            {"estate": "include: a.yaml\n", "a": "clusters: [a]\n"},
            "a.yaml:1: clusters: expected clusters by name",
        ),
        ({"estate": "include: a.yaml\n", "a": "a: ["}, "a.yaml:1: not YAML"),
        (
            {"estate": "include: a.yaml\n", "a": ""},
            "a.yaml:1: expected a mapping with `clusters:`, found an empty file",
        ),
        (
            {"estate": "include: a.yaml\n", "a": "clusters:\n"},
            "estate.yaml:1: clusters: names no cluster; expected at least one",
        ),
        (
            {"estate": "include: a.yaml\nclusters: 3\n", "a": cluster("a")},
            "estate.yaml:2: clusters: expected names and values",
        ),
        (
            {
                "estate": "include: a.yaml\n",
                "a": "clusters:\n  b: {}\n  a: {kafka: {bootstrap_servers: x}, colour: red}\n",
            },
            "a.yaml:2: clusters.b.kafka: is missing\n"
            "a.yaml:3: clusters.a.colour: is not a field here; check its spelling or remove it",
        ),
        (
            {"estate": "include: a.yaml\n", "a": "clusters:\n  a/b: {}\n"},
            "a.yaml:2: cluster name 'a/b' may only contain letters",
        ),
    ],
)
def test_a_faulty_file_is_named_with_its_line_and_key(
    folder: Path, files: dict[str, str], expected: str
) -> None:
    write(folder, **files)
    assert fault().startswith(expected)


def test_an_unreadable_included_file_is_named(folder: Path) -> None:
    write(folder, estate="include: a.yaml\n")
    (folder / "a.yaml").write_bytes(b"clusters: \xff\xfe\xff")

    assert re.match(r"estate.yaml:1: include: a.yaml cannot be read: .*decode", fault())


def test_a_fault_in_the_defaults_is_reported_once_with_their_line(folder: Path) -> None:
    write(
        folder,
        estate="defaults:\n  topics: {inclde: [a]}\ninclude: more.yaml\n" + cluster("a"),
        more="clusters:\n" + "".join(f"  m{n}: {{kafka: {{bootstrap_servers: x}}}}\n" for n in range(3)),
    )

    assert fault() == (
        "estate.yaml:2: clusters.a.topics.inclde: is not a field here; check its spelling or remove it "
        "(from the defaults, and of 3 more clusters)"
    )


def test_a_secret_in_the_defaults_is_refused_and_not_repeated(folder: Path) -> None:
    write(folder, estate="defaults:\n  kafka:\n    password: hunter2\n" + cluster("a"))

    said = fault()
    assert said.startswith("estate.yaml:3: clusters.a.kafka.password: a secret must be named")
    assert "hunter2" not in said


def test_what_was_read_is_current_until_a_file_changes_appears_or_disappears(folder: Path) -> None:
    write(folder, estate=f"include: ['t/*.yaml']\n{cluster('own')}", t__a=cluster("a"))
    read = read_estate(Path("estate.yaml"))
    assert read.is_current

    write(folder, t__b=cluster("b"))
    assert not read.is_current
    (folder / "t" / "b.yaml").unlink()
    assert read.is_current

    write(folder, t__a=cluster("other"))
    assert not read.is_current
    (folder / "t" / "a.yaml").unlink()
    assert not read.is_current


def test_yaml_anchors_work_and_one_that_contains_itself_is_a_sentence(folder: Path) -> None:
    write(
        folder,
        estate="clusters:\n  a: &a {kafka: &k {bootstrap_servers: 'x:1'}}\n  b: {<<: *a, kafka: {<<: *k, timeout_seconds: 3}}\n",
    )
    assert load().clusters["b"].kafka.bootstrap_servers == "x:1"

    write(folder, estate="clusters: &c\n  a: *c\n")
    assert fault().startswith("estate.yaml:")


def test_a_fleet_of_300_clusters_takes_well_under_a_cpu_second(folder: Path) -> None:
    write(folder, estate="include: ['c/*.yaml']\ndefaults: {sensors: {quiet_minutes: 5}}\n")
    for number in range(300):
        kafka = f"bootstrap_servers: 'b{number}:9092', timeout_seconds: 5"
        topics = "{include: [a, b], exclude: [c]}"
        write(
            folder,
            **{f"c__{number}": f"clusters:\n  c{number}:\n    kafka: {{{kafka}}}\n    topics: {topics}\n"},
        )

    began = process_time()
    read = read_estate(Path("estate.yaml"))
    loaded = process_time()
    assert len(read.estate.clusters) == 300
    assert read.is_current
    assert loaded - began < 1
    assert process_time() - loaded < 0.2
