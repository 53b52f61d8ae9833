from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from mesh_assets.cli.diff import diff
from mesh_assets.diff import diff_documents
from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.document import ClusterIdentity, encode_document
from mesh_assets.inventory.sections import SectionScope
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.documents import (
    FRESH,
    MOMENT,
    NEVER_READ,
    STALE,
    a_connector,
    a_document,
    a_group,
    a_schema,
    a_topic,
)
from mesh_assets_tests.published import publish

BEFORE = a_document(
    topics=(a_topic("orders"),), connectors=(a_connector(),), schemas=(a_schema(definition="a"),)
)
AFTER = a_document(
    topics=(a_topic("orders"), a_topic("payments", partitions=6)),
    connectors=(a_connector(status="FAILED", trace="Boom: no\n\tat x"),),
    schemas=(a_schema(version=2, id=2, definition="b"),),
    discovery_timestamp=MOMENT + timedelta(hours=1),
    sequence=2,
)


def mesh_diff(*arguments: str) -> Result:
    return CliRunner().invoke(diff, list(arguments))


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MESH_STORE", raising=False)
    for name, document in (("a.json", BEFORE), ("b.json", AFTER)):
        Path(name).write_bytes(encode_document(document))


@pytest.fixture
def a_store_with_both() -> InventoryStore:
    store = InventoryStore(open_store(None))
    publish(store, BEFORE)
    publish(store, AFTER)
    return store


def test_the_text_has_a_sentence_per_line_by_resource_type_and_a_count() -> None:
    result = mesh_diff("a.json", "b.json")
    assert result.exit_code == 0
    assert result.stdout == (
        "warehouse (lkc-1)   2026-11-23T16:40:02Z (sequence 1) → 2026-11-23T17:40:02Z (sequence 2)\n"
        "\n"
        "Topics\n"
        "  Topic payments created: 6 partitions, replication factor 1\n"
        "\n"
        "Connectors\n"
        "  Connector orders-sink: RUNNING → FAILED: Boom: no   [critical]\n"
        "\n"
        "Schemas\n"
        "  users-value: Schema version 1 → 2\n"
        "\n"
        "3 changes: 1 critical, 2 info; --json lists all 5, including those that follow from these\n"
    )


def test_equal_moments_have_no_changes() -> None:
    assert mesh_diff("a.json", "a.json").stdout.endswith("\nNo changes\n")


def test_json_is_the_array_of_all_changes() -> None:
    result = mesh_diff("a.json", "b.json", "--json")
    assert tuple(msgspec.json.decode(result.stdout, type=list[Change])) == diff_documents(BEFORE, AFTER)
    assert msgspec.json.decode(mesh_diff("a.json", "a.json", "--json").stdout) == []


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [
        ("created", 1),
        ("topic_created", 1),
        ("schema_updated", 1),
        ("critical", 1),
        ("warning", 1),
        ("any", 1),
        ("deleted,topic_created", 1),
        ("deleted", 0),
        ("schema_deleted", 0),
        ("topic_updated", 0),
    ],
)
def test_a_matching_kind_fails_the_check(kind: str, exit_code: int) -> None:
    assert mesh_diff("a.json", "b.json", "--fail-on", kind).exit_code == exit_code


def test_several_kinds_may_be_given() -> None:
    assert mesh_diff("a.json", "b.json", "--fail-on", "deleted", "--fail-on", "critical").exit_code == 1


def test_an_unknown_kind_is_bad_input() -> None:
    result = mesh_diff("a.json", "b.json", "--fail-on", "removed")
    assert result.exit_code == 2
    assert "'removed' is not one of critical, warning, any, created" in result.stderr


def test_incomparable_sections_are_named_beside_the_output() -> None:
    Path("c.json").write_bytes(
        encode_document(a_document(sections={"topics": STALE, "connectors": NEVER_READ}))
    )
    result = mesh_diff("a.json", "c.json", "--json")
    assert result.stderr == (
        "not compared: topics, stale in B: connection refused\n"
        "not compared: connectors, stale in B: connection refused; never read before\n"
    )
    assert mesh_diff("c.json", "a.json").stderr == "not compared: connectors, never read in A\n"


def test_documents_of_different_clusters_are_refused() -> None:
    Path("c.json").write_bytes(encode_document(a_document(cluster=ClusterIdentity(id="lkc-2", name="other"))))
    result = mesh_diff("a.json", "c.json")
    assert result.exit_code == 2
    assert "a.json belongs to cluster lkc-1 (warehouse), c.json to lkc-2 (other)" in result.stderr


@pytest.mark.parametrize("moment", ["missing/file.json", "yesterday", "latest"])
def test_an_argument_that_is_neither_a_file_nor_a_moment_is_bad_input(moment: str) -> None:
    result = mesh_diff(moment, "b.json")
    assert result.exit_code == 2
    assert result.stderr.startswith("mesh-assets: ")
    assert result.stdout == ""


def test_a_file_that_is_not_a_document_is_bad_input() -> None:
    Path("c.json").write_text("[]")
    result = mesh_diff("a.json", "c.json")
    assert result.exit_code == 2
    assert "c.json is not a discovery document" in result.stderr


@pytest.mark.usefixtures("a_store_with_both")
@pytest.mark.parametrize(
    "before",
    [
        "2026-11-23T16:40:02Z",
        "2026-11-23T17:40:01+00:00",
        "2026-11-23T17:00",
        "inventory-2026-11-23T16-40-02Z.json",
    ],
)
@pytest.mark.parametrize("cluster", [(), ("--cluster", "warehouse"), ("--cluster", "lkc-1")])
def test_moments_mean_the_newest_document_of_the_store_at_or_before_them(
    before: str, cluster: tuple[str, ...]
) -> None:
    assert mesh_diff(before, "latest", *cluster).stdout == mesh_diff("a.json", "b.json").stdout


@pytest.mark.usefixtures("a_store_with_both")
def test_a_moment_before_the_first_document_is_bad_input() -> None:
    result = mesh_diff("2020-01-01", "latest")
    assert result.exit_code == 2
    assert "the oldest is from 2026-11-23T16:40:02Z" in result.stderr


def test_with_several_clusters_in_the_store_one_must_be_named(a_store_with_both: InventoryStore) -> None:
    publish(a_store_with_both, a_document(cluster=ClusterIdentity(id="lkc-2", name="other")))
    result = mesh_diff("2026-11-23T16:40:02Z", "latest")
    assert result.exit_code == 2
    assert "name the cluster with --cluster; the store has: other, warehouse" in result.stderr
    assert mesh_diff("2026-11-23T16:40:02Z", "latest", "--cluster", "warehouse").exit_code == 0
    assert (
        "the store has no documents of cluster nowhere"
        in mesh_diff("a.json", "latest", "--cluster", "nowhere").stderr
    )


def test_what_only_one_estate_covered_is_named_beside_the_output_and_is_not_a_change() -> None:
    topics = (a_topic("orders"), a_topic("tmp-1"))
    for name, shown, exclude in (("c", topics, ()), ("d", topics[:1], ("tmp-*",))):
        scoped = replace(FRESH, scope=SectionScope(exclude=exclude))
        document = a_document(topics=shown, sections={"topics": scoped})
        Path(f"{name}.json").write_bytes(encode_document(document))

    result = mesh_diff("c.json", "d.json", "--json", "--fail-on", "any")

    assert (result.exit_code, result.stdout) == (0, "[]\n")
    assert result.stderr == "topics: out of scope: 1 topic (tmp-1), not reported as deleted\n"
    assert mesh_diff("d.json", "c.json").stderr == (
        "topics: new in scope: 1 topic (tmp-1), not reported as created\n"
    )


def test_very_long_names_are_abbreviated_in_text_and_complete_in_json() -> None:
    topic, group, connector = "t" * 245 + ".end", "g" * 30_000 + " x-end", "c" * 5_000 + "-end"
    after = replace(
        AFTER,
        topics=(*AFTER.topics, a_topic(topic)),
        consumer_groups=(a_group(group),),
        connectors=(*AFTER.connectors, a_connector(connector)),
        schemas=(a_schema(f"{topic}-value", version=2, id=2),),
    )
    before = replace(BEFORE, schemas=(a_schema(f"{topic}-value"),))
    Path("long-a.json").write_bytes(encode_document(before))
    Path("long-b.json").write_bytes(encode_document(after))

    text = mesh_diff("long-a.json", "long-b.json")
    whole = msgspec.json.decode(mesh_diff("long-a.json", "long-b.json", "--json").stdout, type=list[Change])

    assert text.exit_code == 0, text.output
    assert max(map(len, text.output.splitlines())) < 450
    for shown in ("ttt…ttt", "ggg…ggg", "ccc…ccc", "x-end", "Topics", "Consumer groups"):
        assert shown in text.output
    assert {topic, group, connector, f"{topic}-value"} <= {change.resource for change in whole}
