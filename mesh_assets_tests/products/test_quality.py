"""The quality score: the mean of the known parts, each with its ingredients."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mesh_assets.findings.finding import Finding
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import TopicSchema
from mesh_assets.inventory.storage_records import TopicStorage
from mesh_assets.products.quality import Evidence, freshness_of, score, score_parts
from mesh_assets.products.records import PartName, ScorePart, TopicPlace
from mesh_assets.profiling.records import FieldProfile, Freshness, TopicProfile
from mesh_assets_tests.documents import MOMENT, NOT_CONFIGURED, a_document, a_topic
from mesh_assets_tests.products.estates import place

HOUR = 3600.0


def a_shop(**fields: Any) -> Document:
    """`orders` with a schema and a record an hour old, `users` without either."""
    return a_document(
        topics=(
            a_topic(
                "orders",
                schema=TopicSchema(value_subjects=("orders-value",)),
                storage=TopicStorage(newest_record_at=MOMENT - timedelta(hours=1)),
            ),
            a_topic("users"),
        ),
        **fields,
    )


def parts_of(document: Document | None = None, **known: Any) -> dict[PartName, ScorePart]:
    shop = document or a_shop()
    topics = [(place(one.name), one) for one in shop.topics]
    return {one.name: one for one in score_parts(topics, Evidence(documents={"warehouse": shop}, **known))}


def a_finding(kind: str, severity: str) -> Finding:
    return Finding(
        id="1",
        kind=kind,  # type: ignore[arg-type]
        severity=severity,  # type: ignore[arg-type]
        cluster="warehouse",
        resource_type="topic",
        resource="orders",
        sentence="It is wrong.",
    )


def a_field(path: str, completeness: float, **fields: Any) -> FieldProfile:
    return FieldProfile(
        path=path, types=(), records=1, completeness=completeness, distinct=1, **{"optional": False, **fields}
    )


def a_profile(*fields: FieldProfile, **more: Any) -> TopicProfile:
    return TopicProfile(
        cluster="warehouse",
        cluster_id="lkc-1",
        topic="orders",
        taken_at=MOMENT,
        strategy="latest",
        **{"sampled_records": 10, "fields": fields, **more},
    )


def test_without_a_profile_completeness_and_validity_are_unknown_and_lower_nothing() -> None:
    parts = parts_of(findings={})
    assert parts["completeness"].value is None
    assert "no topic has a profile" in parts["completeness"].reason
    assert (parts["schema"].value, parts["findings"].value) == (0.5, 1.0)
    assert score(parts.values()) == 0.75


def test_completeness_is_that_of_required_fields() -> None:
    profile = a_profile(a_field("id", 1.0), a_field("email", 0.5), a_field("note", 0.1, optional=True))
    part = parts_of(profiles={place("orders"): profile})["completeness"]
    assert part.value == 0.75
    assert part.reason == "how often 2 fields of 1 sampled topic hold a value; 1 topic is not known"


def test_validity_is_the_share_that_decodes_to_the_declared_types() -> None:
    profile = a_profile(a_field("id", 1.0, type_conformance=0.5), decoded_share=0.9)
    assert parts_of(profiles={place("orders"): profile})["validity"].value == pytest.approx(0.45)


def test_the_profile_of_an_empty_or_failed_sample_proves_nothing() -> None:
    for failed in (a_profile(sampled_records=0), a_profile(a_field("id", 0.0), error="refused")):
        assert parts_of(profiles={place("orders"): failed})["completeness"].value is None


@pytest.mark.parametrize(("usual", "value"), [(2 * HOUR, 1.0), (HOUR / 2, 0.0)])
def test_freshness_compares_the_newest_record_with_the_topics_usual_gap(usual: float, value: float) -> None:
    part = parts_of(gaps={place("orders"): usual})["freshness"]
    assert part.value == value
    assert part.reason.endswith("1 topic is not known")
    assert ("late: orders" in part.reason) == (value == 0.0)


def test_the_freshness_of_a_profile_precedes_the_documents() -> None:
    fresh = Freshness(newest_at=MOMENT, age_seconds=1.0, usual_gap_seconds=5.0, usual_gap_from="sample")
    profile = a_profile(freshness=fresh)
    assert (
        parts_of(profiles={place("orders"): profile}, gaps={place("orders"): 1.0})["freshness"].value == 1.0
    )


def test_findings_count_by_severity_and_those_of_other_parts_do_not() -> None:
    def value(*findings: Finding) -> float | None:
        return parts_of(findings={place("orders"): list(findings)})["findings"].value

    assert value(a_finding("leaderless_partitions", "critical")) == 0.5
    assert value(a_finding("skewed_partitions", "warning"), a_finding("unread_topic", "info")) == 0.75
    assert value(a_finding("missing_schema", "warning"), a_finding("silent_topic", "warning")) == 1.0
    assert parts_of(findings=None)["findings"].value is None


def test_without_a_registry_schemas_of_topics_are_unknown() -> None:
    part = parts_of(a_shop(sections={"schemas": NOT_CONFIGURED}))["schema"]
    assert part.value is None
    assert "configures no registry" in part.reason


@given(st.lists(st.none() | st.floats(0, 1), min_size=5, max_size=5))
def test_the_score_lies_between_the_known_parts_and_is_unknown_without_one(
    values: list[float | None],
) -> None:
    names: tuple[PartName, ...] = ("completeness", "validity", "freshness", "schema", "findings")
    made = score(
        ScorePart(name=name, value=value, reason="") for name, value in zip(names, values, strict=True)
    )
    known = [one for one in values if one is not None]
    if not known:
        assert made is None
    else:
        assert made is not None
        assert min(known) - 1e-9 <= made <= max(known) + 1e-9


def test_the_freshness_of_a_product_names_its_stalest_topic() -> None:
    shop = a_shop()
    users = replace(shop.topics[1], storage=TopicStorage(newest_record_at=MOMENT - timedelta(days=2)))
    topics = [(place("orders"), shop.topics[0]), (place("users"), users), (place("x"), a_topic("x"))]
    found = freshness_of(topics)
    assert found.newest_record_at == MOMENT - timedelta(hours=1)
    assert (found.stalest, found.unknown) == (TopicPlace(cluster="warehouse", topic="users"), 1)
    assert freshness_of([]).newest_record_at is None
