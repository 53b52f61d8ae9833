"""Links and mirror topics that no longer carry anything."""

import pytest

from mesh_assets.findings.case import Case
from mesh_assets.findings.judge import judge
from mesh_assets.inventory.cluster_link_records import ClusterLink, ClusterLinks, LinkTask
from mesh_assets_tests.documents import a_document, a_link, a_mirror, some_links


def found(links: ClusterLinks | None) -> list[tuple[str, str, str, str]]:
    return [
        (one.kind, one.severity, one.resource, one.sentence)
        for one in judge(Case(a_document(cluster_links=links)))
    ]


def test_a_link_that_does_not_reach_its_source_is_reported_with_its_mirrors() -> None:
    failed = a_link(state="UNAVAILABLE", error="AUTHENTICATION_ERROR", error_message="Please check your key")
    promoted = a_mirror("users", status="STOPPED")  # the link no longer matters to it
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
        ("PAUSED", "mirror_topic_paused", "warning"),
    ],
)
def test_a_mirror_that_receives_nothing_is_reported_with_its_start(
    status: str, kind: str, severity: str
) -> None:
    [(found_kind, found_severity, topic, sentence)] = found(
        some_links(mirror_topics=(a_mirror(status=status, source_topic="shop"),))
    )
    assert (found_kind, found_severity, topic) == (kind, severity, "orders")
    assert sentence.startswith(
        f"orders: as a mirror of shop, by the link dr, it is {status} since 2026-11-23 16:40 UTC"
    )
    assert sentence.endswith("3 records wait") is (severity == "warning")


@pytest.mark.parametrize(
    ("status", "link", "told"),
    [
        ("LINK_FAILED", a_link(), "dr: the link from lkc-2 has failed, and 300 mirror topics with it"),
        ("LINK_FAILED", None, "dr: the link has failed, and 300 mirror topics with it"),
        (
            "SOURCE_UNAVAILABLE",
            a_link(error="TIMEOUT"),
            "dr: the link from lkc-2 fails with TIMEOUT, and 300 mirror topics with it",
        ),
        (
            "LINK_PAUSED",
            a_link(state="PAUSED"),
            "dr: the link from lkc-2 is paused, and 300 mirror topics with it; 900 records wait",
        ),
    ],
)
def test_what_a_link_does_to_all_its_mirrors_is_one_finding(
    status: str, link: ClusterLink | None, told: str
) -> None:
    mirrors = tuple(a_mirror(f"t{number}", status=status) for number in range(300))
    links = ClusterLinks(links=None if link is None else (link,), mirror_topics=mirrors)
    [(kind, severity, resource, sentence)] = found(links)
    paused = status == "LINK_PAUSED"
    assert (kind, severity) == (
        ("cluster_link_paused", "warning") if paused else ("cluster_link_failed", "critical")
    )
    assert (resource, sentence) == ("dr", told)


def test_a_paused_link_with_partly_known_lags_gives_a_lower_bound() -> None:
    mirrors = (a_mirror("a", status="LINK_PAUSED"), a_mirror("b", status="LINK_PAUSED", lag_records=None))
    [(_, _, _, sentence)] = found(some_links(mirror_topics=mirrors))
    assert sentence.endswith("is paused, and 2 mirror topics with it; at least 3 records wait")


def test_failures_of_a_link_beyond_mirroring_come_with_the_first_error_of_each_task() -> None:
    tasks = (
        LinkTask(name="ConsumerOffsetSync", state="IN_ERROR", errors=("Not authorized", "again")),
        LinkTask(name="AclSync", state="IN_ERROR"),
        LinkTask(name="TopicConfigsSync", state="ACTIVE"),
        LinkTask(name="AutoCreateMirror", state="NOT_CONFIGURED"),
    )
    assert found(some_links(links=(a_link(tasks=tasks),))) == [
        (
            "cluster_link_task_failed",
            "warning",
            "dr",
            "dr: the link from lkc-2 mirrors, but 2 other tasks failed: ConsumerOffsetSync: Not authorized, AclSync",
        )
    ]
    broken = a_link(tasks=tasks, error="AUTHENTICATION_ERROR")  # which also explains the tasks
    assert [kind for kind, *_ in found(some_links(links=(broken,)))] == ["cluster_link_failed"]


@pytest.mark.parametrize(
    "links",
    [
        None,
        some_links(),
        ClusterLinks(unknown={"links": "refused"}),
        some_links(mirror_topics=(a_mirror(status="STOPPED"), a_mirror("users", status="PENDING_MIRROR"))),
    ],
)
def test_working_promoted_and_unknown_mirrors_are_not_a_finding(links: ClusterLinks | None) -> None:
    assert found(links) == []
