"""`mesh-assets findings` and `mesh-assets policy check`: what they print, and how they end."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from mesh_assets.cli.findings import findings
from mesh_assets.cli.policy import policy
from mesh_assets.inventory.document import ClusterIdentity
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets_tests.documents import MOMENT, NOT_CONFIGURED, STALE, a_connector, a_document, a_topic
from mesh_assets_tests.published import publish

CLUSTERS = """clusters:
  warehouse: {kafka: {bootstrap_servers: "127.0.0.1:1", timeout_seconds: 1}}
  billing: {kafka: {bootstrap_servers: "127.0.0.1:1", timeout_seconds: 1}}
"""
NEW = '  new: {kafka: {bootstrap_servers: "127.0.0.1:1"}}\n'
POLICY = """policy:
  rules:
    - {name: durable, topics: {include: ["ord*"]}, replication_factor: {min: 2}}
    - {name: named, level: warning, names: "[a-z]+"}
"""
TOPICS = (a_topic("orders"), a_topic("Users"))


def run(command: Any, *arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments))


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InventoryStore:
    """One with a document of both clusters."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MESH_STORE", raising=False)
    monkeypatch.delenv("MESH_ESTATE", raising=False)
    Path("estate.yaml").write_text(CLUSTERS + POLICY)
    store = InventoryStore(open_store(None))
    sections = {"schemas": NOT_CONFIGURED}
    failed = a_connector("shop", status="FAILED")
    publish(store, a_document(topics=TOPICS, connectors=(failed,), sections=sections))  # type: ignore[arg-type]
    other = ClusterIdentity(id="lkc-2", name="billing")
    publish(store, a_document(topics=(a_topic("users", replicas=(1, 2)),), cluster=other, sections=sections))  # type: ignore[arg-type]
    return store


def test_violations_are_listed_by_cluster_and_level_and_end_with_1() -> None:
    result = run(policy, "check")
    assert result.stdout == (
        "warehouse (lkc-1)   2026-11-23 16:40 UTC\n"
        "  error    orders: replication factor is 1; rule durable expects at least 2\n"
        "  warning  Users: name does not match; rule named expects one like [a-z]+\n"
        "  1 error, 1 warning: 2 topics against 2 rules\n"
        "\n"
        "billing (lkc-2)   2026-11-23 16:40 UTC\n"
        "  no violation: 1 topic against 2 rules\n"
    )
    assert result.stderr == "note: billing: rule durable selects none of its topics; check its patterns\n"
    assert result.exit_code == 1


def test_a_rule_for_no_cluster_is_named_since_nothing_can_violate_it() -> None:
    rule = "    - {name: strict, clusters: {include: [prod-*]}, partitions: {min: 9}}\n"
    Path("estate.yaml").write_text(CLUSTERS + POLICY.rstrip() + "\n" + rule)

    note = "note: rule strict is for none of billing, warehouse; check the patterns of its clusters\n"
    assert note in run(policy, "check").stderr
    assert note not in run(policy, "check", "--cluster", "warehouse").stderr


def test_a_rule_for_a_cluster_that_was_never_discovered_is_not_taken_for_a_misspelt_one() -> None:
    rule = "    - {name: strict, clusters: {include: [new]}, partitions: {min: 9}}\n"
    Path("estate.yaml").write_text(CLUSTERS + NEW + POLICY.rstrip() + "\n" + rule)

    assert "rule strict" not in run(policy, "check").stderr


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [((), 0), (("--fail-on", "error"), 0), (("--fail-on", "warning"), 1), (("--cluster", "billing"), 0)],
)
def test_only_violations_of_the_requested_level_fail(arguments: tuple[str, ...], exit_code: int) -> None:
    Path("estate.yaml").write_text(CLUSTERS + POLICY.replace("min: 2", "min: 1"))
    assert run(policy, "check", *arguments).exit_code == exit_code


def test_a_name_pattern_that_might_take_hours_is_refused() -> None:
    Path("estate.yaml").write_text(CLUSTERS + POLICY.replace("[a-z]+", "(?!x)([a-z]+-?)+"))
    result = run(policy, "check")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "rule named: names '(?!x)([a-z]+-?)+' is not used" in result.stderr
    assert run(findings).exit_code == 0


def test_a_muted_violation_does_not_fail_and_is_counted() -> None:
    mute = "findings: {mute: [{resource: orders, reason: legacy}]}\n"
    Path("estate.yaml").write_text(CLUSTERS + POLICY + mute)
    result = run(policy, "check", "--cluster", "warehouse")
    assert result.exit_code == 0
    assert result.stdout.endswith("1 warning: 2 topics against 2 rules; 1 muted\n")


def test_json_is_one_array_with_what_scripts_need() -> None:
    [first, _] = json.loads(run(policy, "check", "--json").stdout)
    assert (first["cluster"], first["resource"], first["evidence"]["rule"], first["evidence"]["found"]) == (
        "warehouse",
        "orders",
        "durable",
        "1",
    )


def test_checking_writes_nothing(tmp_path: Path) -> None:
    def files() -> set[tuple[Path, int]]:
        return {(file, file.stat().st_mtime_ns) for file in tmp_path.rglob("*") if file.is_file()}

    before = files()
    run(policy, "check")
    run(findings)
    assert files() == before


@pytest.mark.parametrize(
    ("estate", "arguments", "said"),
    [
        (CLUSTERS, (), "the estate has no policy; write one under `policy:`"),
        (
            CLUSTERS + "policy: {expectations: [{name: rows, metric: rowCount, mustBeGreaterThan: 0}]}\n",
            (),
            "the estate's policy has no rules, only expectations: the job `profiling` judges these",
        ),
        (
            CLUSTERS + POLICY,
            ("--cluster", "nowhere"),
            "the estate has no cluster 'nowhere'; it has: warehouse, billing",
        ),
        (CLUSTERS + NEW + POLICY, ("--cluster", "new"), "cluster new has never been discovered"),
        (CLUSTERS + "policy: {rules: [{name: a}]}\n", (), "requires nothing"),
        (CLUSTERS + POLICY, ("--live", "--cluster", "warehouse"), "127.0.0.1:1"),
    ],
    ids=[
        "no policy",
        "only expectations",
        "no such cluster",
        "never discovered",
        "a faulty policy",
        "unreachable",
    ],
)
def test_an_impossible_check_ends_with_2(estate: str, arguments: tuple[str, ...], said: str) -> None:
    Path("estate.yaml").write_text(estate)
    result = run(policy, "check", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_stale_section_is_named_and_what_it_holds_is_checked(store: InventoryStore) -> None:
    document = a_document(topics=TOPICS, sections={"topics": STALE, "schemas": NOT_CONFIGURED})
    publish(store, replace(document, sequence=2, discovery_timestamp=MOMENT + timedelta(hours=1)))
    result = run(policy, "check", "--cluster", "warehouse")
    assert (
        "note: warehouse: topics are as of 2026-11-23 16:40 UTC, because reading them failed" in result.stderr
    )
    assert result.exit_code == 1


def test_findings_are_shown_by_kind_with_what_to_do() -> None:
    result = run(findings, "--cluster", "warehouse", "--kind", "failed_connector")
    assert result.stdout.splitlines() == [
        "warehouse (lkc-1)   2026-11-23 16:40 UTC",
        "  failed_connector (1)   Read the trace, fix the cause, and restart the connector or the task.",
        "    critical shop: is FAILED; reads orders",
        "  1 finding",
    ]
    assert result.exit_code == 0


def test_findings_as_json_are_the_selected_ones() -> None:
    every = json.loads(run(findings, "--json").stdout)
    assert [(one["cluster"], one["kind"]) for one in every] == [
        ("warehouse", "failed_connector"),
        ("warehouse", "policy_violation"),
        ("warehouse", "policy_violation"),
    ]
    assert [one["kind"] for one in json.loads(run(findings, "--json", "--severity", "critical").stdout)] == [
        "failed_connector"
    ]


def test_at_most_twenty_findings_of_a_kind_are_shown(store: InventoryStore) -> None:
    topics = tuple(a_topic(f"Topic-{number:02}") for number in range(23))
    document = a_document(topics=topics, sections={"schemas": NOT_CONFIGURED}, sequence=2)
    publish(store, replace(document, discovery_timestamp=MOMENT + timedelta(hours=1)))
    lines = run(findings, "--cluster", "warehouse").stdout.splitlines()
    assert lines[1].startswith("  policy_violation (23)   ")
    assert lines[-2:] == ["    and 3 more: --kind policy_violation --json lists all", "  23 findings"]


def test_findings_of_the_others_are_shown_with_a_note_about_a_cluster_that_was_never_discovered() -> None:
    Path("estate.yaml").write_text(CLUSTERS + NEW)
    result = run(findings)
    assert (result.exit_code, result.stderr) == (
        0,
        "note: cluster new has never been discovered (store .mesh); run `mesh-assets discover` first\n",
    )
    assert "warehouse (lkc-1)" in result.stdout
    asked = run(findings, "--cluster", "warehouse", "--cluster", "new")
    assert (asked.exit_code, "warehouse (lkc-1)" in asked.stdout) == (2, True)


def test_a_policy_is_not_kept_by_a_cluster_that_was_never_discovered_and_the_others_are_shown() -> None:
    Path("estate.yaml").write_text(CLUSTERS + NEW + POLICY)
    result = run(policy, "check")
    assert result.exit_code == 2
    assert result.stdout.startswith("warehouse (lkc-1)")
    assert "mesh-assets: cluster new has never been discovered" in result.stderr


@pytest.mark.parametrize("command", [(findings,), (policy, "check")], ids=["findings", "policy"])
def test_one_damaged_document_does_not_hide_what_the_others_show(
    store: InventoryStore, command: tuple[Any, ...]
) -> None:
    latest = store.latest("lkc-2")
    assert latest is not None
    store.objects.put(latest[0].document.key, b"damaged")
    result = run(*command)
    assert (result.exit_code, "warehouse (lkc-1)" in result.stdout) == (2, True)
    assert result.stderr.startswith("mesh-assets: cluster billing: ")
    assert latest[0].document.key in result.stderr
