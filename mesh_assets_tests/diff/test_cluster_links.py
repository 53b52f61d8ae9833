"""Links and mirror topics that appear, disappear or change state are changes; lag and unknown values are not."""

import pytest

from mesh_assets.diff import diff_documents
from mesh_assets.inventory.cluster_link_records import ClusterLinks
from mesh_assets_tests.documents import a_document, a_link, a_mirror, some_links

NONE = ClusterLinks(links=(), mirror_topics=())


def told(before: ClusterLinks | None, after: ClusterLinks | None) -> list[tuple[str, str, str]]:
    changes = diff_documents(a_document(cluster_links=before), a_document(cluster_links=after))
    return [(change.kind, change.severity, change.sentence) for change in changes]


def test_a_link_and_its_mirror_topic_are_created_and_deleted() -> None:
    assert told(NONE, some_links()) == [
        ("created", "info", "Cluster link dr from lkc-2 was created"),
        ("created", "info", "Topic orders mirrors orders over the link dr: ACTIVE"),
    ]
    assert told(some_links(), NONE) == [
        ("deleted", "warning", "Cluster link dr from lkc-2 is gone"),
        ("deleted", "warning", "Topic orders no longer mirrors orders"),
    ]


@pytest.mark.parametrize(
    ("status", "severity"), [("FAILED", "critical"), ("PAUSED", "warning"), ("STOPPED", "warning")]
)
def test_a_stopped_mirror_is_reported_by_its_severity(status: str, severity: str) -> None:
    stopped = some_links(mirror_topics=(a_mirror(status=status),))
    assert told(some_links(), stopped) == [
        ("updated", severity, f"Mirror topic orders: status ACTIVE → {status}")
    ]
    assert told(stopped, some_links()) == [
        ("updated", "info", f"Mirror topic orders: status {status} → ACTIVE")
    ]


def test_a_failing_and_a_reconfigured_link_are_changes() -> None:
    failed = some_links(links=(a_link(state="UNAVAILABLE", error="AUTHENTICATION_ERROR"),))
    assert told(some_links(), failed) == [
        ("updated", "critical", "Cluster link dr: error none → AUTHENTICATION_ERROR"),
        ("updated", "warning", "Cluster link dr: state ACTIVE → UNAVAILABLE"),
    ]
    moved = some_links(links=(a_link(config={"bootstrap.servers": "elsewhere:9092"}),))
    assert told(some_links(), moved) == [
        ("updated", "info", "Cluster link dr: bootstrap.servers afar:9092 → elsewhere:9092")
    ]


@pytest.mark.parametrize(
    "after",
    [
        None,
        ClusterLinks(unknown={"links": "refused", "mirror_topics": "refused"}),
        some_links(links=(a_link(config=None, config_error="refused"),)),
        some_links(mirror_topics=(a_mirror(lag_records=900, largest_lag_records=900),)),
    ],
)
def test_lag_and_unknown_values_are_not_changes(after: ClusterLinks | None) -> None:
    assert told(some_links(), after) == []
    assert told(after, some_links()) == []
