"""Links and mirror topics that carry nothing any more."""

import pytest

from mesh_assets.findings.case import Case
from mesh_assets.findings.judge import judge
from mesh_assets.inventory.cluster_link_records import ClusterLinks
from mesh_assets_tests.documents import a_document, a_link, a_mirror, some_links


def found(links: ClusterLinks | None) -> list[tuple[str, str, str, str]]:
    return [
        (one.kind, one.severity, one.resource, one.sentence)
        for one in judge(Case(a_document(cluster_links=links)))
    ]


def test_a_link_that_does_not_reach_its_source_is_told_with_its_mirrors() -> None:
    failed = a_link(state="UNAVAILABLE", error="AUTHENTICATION_ERROR", error_message="Please check your key")
    promoted = a_mirror("users", status="STOPPED")  # the link is nothing to it any more
    assert found(some_links(links=(failed,), mirror_topics=(a_mirror(), promoted))) == [
        (
            "cluster_link_failed",
            "critical",
            "dr",
            "dr: the link from lkc-2 fails with AUTHENTICATION_ERROR, and 1 mirror topic with it: Please check your key",
        )
    ]


@pytest.mark.parametrize(
    ("status", "kind", "severity"),
    [
        ("FAILED", "mirror_topic_failed", "critical"),
        ("SOURCE_UNAVAILABLE", "mirror_topic_failed", "critical"),
        ("LINK_FAILED", "mirror_topic_failed", "critical"),
        ("PAUSED", "mirror_topic_paused", "warning"),
        ("LINK_PAUSED", "mirror_topic_paused", "warning"),
    ],
)
def test_a_mirror_that_gets_nothing_is_told_since_when(status: str, kind: str, severity: str) -> None:
    [(found_kind, found_severity, topic, sentence)] = found(
        some_links(mirror_topics=(a_mirror(status=status, source_topic="shop"),))
    )
    assert (found_kind, found_severity, topic) == (kind, severity, "orders")
    assert sentence.startswith(
        f"orders: as a mirror of shop, by the link dr, it is {status} since 2026-11-23 16:40 UTC"
    )
    assert sentence.endswith("3 records wait") is (severity == "warning")


@pytest.mark.parametrize(
    "links",
    [
        None,
        some_links(),
        ClusterLinks(unknown={"links": "refused"}),
        some_links(mirror_topics=(a_mirror(status="STOPPED"), a_mirror("users", status="PENDING_MIRROR"))),
    ],
)
def test_what_works_was_promoted_or_is_not_known_is_no_finding(links: ClusterLinks | None) -> None:
    assert found(links) == []
