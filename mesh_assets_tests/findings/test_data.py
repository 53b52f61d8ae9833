"""What samples showed about the data in topics, as findings."""

from dataclasses import replace as with_fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from mesh_assets.components.checks import judge_asset
from mesh_assets.estate.model import Estate
from mesh_assets.expectations.records import ExpectationResult, Expectations, expectation_results
from mesh_assets.findings.case import Case
from mesh_assets.findings.data import judge_expectations, judge_profiles
from mesh_assets.findings.finding import Finding
from mesh_assets.findings.history import judge_estate
from mesh_assets.findings.judge import judge
from mesh_assets.findings.reading import read_case
from mesh_assets.findings.samples import SAMPLED_KINDS, Samples, read_samples
from mesh_assets.inventory.document import Document
from mesh_assets.profiling.records import DataQuality, Fault, FaultKind, TopicProfile
from mesh_assets.profiling.results import profile_results
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import open_store
from mesh_assets.store.results import DocumentRead
from mesh_assets_tests.documents import MOMENT, a_document, a_topic
from mesh_assets_tests.published import publish

DOCUMENT = a_document(topics=(a_topic(),))
NAME, ID = DOCUMENT.cluster.name, DOCUMENT.cluster.id


def a_result(rule: str, **fields: Any) -> ExpectationResult:
    return ExpectationResult(
        **{
            "cluster": NAME,
            "topic": "orders",
            "rule": rule,
            "origin": "policy",
            "level": "error",
            "status": "failed",
            "about": "nullValues of note",
            "expected": "exactly 0 rows",
            "measured": 3,
            "measured_most": 3,
            "unit": "rows",
            "sampled": 100,
            "undecodable": 0,
            "failing": 3,
            "places": (),
            "sentence": "orders: nullValues of note are 3 rows; expected exactly 0 rows",
            **fields,
        }
    )


def a_profile(kind: FaultKind = "incomplete_field", **fields: Any) -> TopicProfile:
    fault = Fault(kind=kind, path="note", share=0.05, sentence="note is missing or null in 5 of 100 records")
    return TopicProfile(
        **{
            "cluster": NAME,
            "cluster_id": ID,
            "topic": "orders",
            "taken_at": MOMENT,
            "strategy": "latest",
            "faults": (fault,),
            **fields,
        }
    )


@pytest.fixture
def store(tmp_path: Path) -> InventoryStore:
    return InventoryStore(open_store(str(tmp_path / "store")))


def keep(
    store: InventoryStore, *, profiles: tuple[TopicProfile, ...] = (), results: Any = (), of: str = ID
) -> None:
    quality = DataQuality(profiles=profiles, overlaps=(), unprofiled=(), not_allowed=0)
    read = [DocumentRead(cluster=NAME, cluster_id=of, sequence=1, key="a")]
    profile_results(store).put(quality, documents=read, made_at=MOMENT)
    expectation_results(store).put(Expectations(results=results), documents=read, made_at=MOMENT)


def an_estate(*rules: str) -> Estate:
    return Estate.model_validate(
        {
            "clusters": {NAME: {"name": NAME, "kafka": {"bootstrap_servers": "localhost:9"}}},
            "policy": {
                "expectations": [
                    {"name": rule, "property": "note", "metric": "nullValues", "mustBe": 0} for rule in rules
                ]
            },
        }
    )


def sampled(
    store: InventoryStore, document: Document = DOCUMENT, estate: Estate | None = None
) -> tuple[Finding, ...]:
    case = read_case(document, store=store, estate=estate, samples=read_samples(store))
    return judge(case, only=(judge_expectations, judge_profiles))


def test_broken_rules_and_profile_faults_are_findings_of_the_topic(
    store: InventoryStore,
) -> None:
    keep(store, profiles=(a_profile(),), results=(a_result("there"), a_result("kept", status="passed")))
    [rule, fault] = sampled(store)
    assert (rule.kind, rule.severity, rule.resource, rule.sentence) == (
        "broken_expectation",
        "warning",
        "orders",
        "orders: nullValues of note are 3 rows; expected exactly 0 rows "
        "(rule there of the policy, sample of 2026-11-23 16:40 UTC)",
    )
    assert (fault.kind, fault.severity, fault.resource, fault.sentence) == (
        "data_fault",
        "info",
        "orders",
        "orders: note is missing or null in 5 of 100 records (sample of 2026-11-23 16:40 UTC)",
    )


def test_a_broken_rule_fails_the_checks_of_the_topics_asset(store: InventoryStore) -> None:
    keep(store, profiles=(a_profile(),), results=(a_result("there"),))
    found = sampled(store)
    assert [one.kind for one in judge_asset("findings", found).findings] == ["broken_expectation"]
    assert [one.kind for one in judge_asset("data_fault", found).findings] == ["data_fault"]


def test_the_level_of_a_rule_and_the_readability_of_values_decide_the_severity(
    store: InventoryStore,
) -> None:
    keep(
        store,
        profiles=(a_profile("undecodable_records"),),
        results=(a_result("wish", level="warning", origin="shop.orders"),),
    )
    assert {one.kind: one.severity for one in sampled(store)} == {
        "data_fault": "warning",
        "broken_expectation": "info",
    }


@pytest.mark.parametrize(
    "document",
    [
        a_document(topics=(a_topic("others"),)),
        a_document(topics=(a_topic(id="of-a-new-one"),)),
        replace(DOCUMENT, cluster=replace(DOCUMENT.cluster, id="another-cluster-of-that-name")),
    ],
    ids=("the topic is gone", "the topic was recreated", "the cluster is another"),
)
def test_a_sample_proves_nothing_about_what_it_does_not_cover(
    store: InventoryStore, document: Document
) -> None:
    keep(
        store,
        profiles=(a_profile(topic_id="id-of-orders"),),
        results=(a_result("there", topic_id="id-of-orders"),),
    )
    assert sampled(store, document) == ()


def test_a_dropped_expectation_is_not_a_finding_but_a_contracts_is(
    store: InventoryStore,
) -> None:
    keep(store, results=(a_result("there"), a_result("gone"), a_result("gone", origin="shop.orders")))
    found = [
        (one.evidence["origin"], one.evidence["rule"]) for one in sampled(store, estate=an_estate("there"))
    ]
    assert sorted(map(str, found)) == ["('policy', 'there')", "('shop.orders', 'gone')"]


def test_before_the_first_sample_nothing_is_wrong(store: InventoryStore) -> None:
    assert read_samples(store) == Samples()
    assert sampled(store) == ()


def test_what_cannot_be_read_is_reported_and_counts_as_before(store: InventoryStore) -> None:
    publish(store, DOCUMENT)
    keep(store, profiles=(a_profile(),), results=(a_result("there"),))
    before, _ = judge_estate(store, an_estate("there"), None)
    for name in ("data_quality", "expectations"):
        store.objects.put(f"analysis/{name}.json", b"{")
    unread = read_samples(store).unread
    assert [sentence.partition(":")[0] for sentence in unread] == [
        "it is not known what profiles found wrong",
        "it is not known which expectations are not met",
    ]
    assert all("run the job `profiling` again" in sentence for sentence in unread)

    now, _ = judge_estate(store, an_estate("there"), before)

    assert [one.kind for one in now.clusters[0].findings if one.kind in SAMPLED_KINDS] == list(SAMPLED_KINDS)
    assert now.clusters[0].gone == ()


def test_a_finding_keeps_its_id_from_sample_to_sample() -> None:
    def ids(days: int) -> list[str]:
        profile = a_profile(taken_at=MOMENT + timedelta(days=days))
        samples = Samples(profiles={ID: (profile,)}, results={ID: (a_result("there", measured=days),)})
        case = with_fields(Case(DOCUMENT), samples=samples)
        return [one.id for one in judge(case, only=(judge_expectations, judge_profiles))]

    assert ids(0) == ids(3)
    assert len(set(ids(0))) == 2


def test_findings_need_only_what_stored_profiles_keep() -> None:
    """Both read one file: a part renamed there must be renamed here."""
    kept = msgspec.json.decode(msgspec.json.encode(a_profile()), type=dict)
    assert {"cluster_id", "topic", "topic_id", "taken_at", "faults"} <= kept.keys()
    assert {"kind", "path", "share", "sentence"} == kept["faults"][0].keys()
