"""The list as a whole: order, ids, muting, time, and the page that describes it."""

import re
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mesh_assets.estate.findings import FINDING_KINDS, FindingThresholds
from mesh_assets.findings.case import Case
from mesh_assets.findings.docs import with_reference
from mesh_assets.findings.finding import count_findings, count_muted, finding_position, shown_findings
from mesh_assets.findings.history import ClusterFindings, GoneFinding, remembered
from mesh_assets.findings.judge import judge
from mesh_assets.findings.kinds import KINDS
from mesh_assets.findings.past import past_of
from mesh_assets.inventory.document import Document
from mesh_assets_tests.documents import MOMENT, a_connector, a_document, a_group, a_topic

FAILED = a_connector("shop", status="FAILED")


def with_mute(**mute: Any) -> FindingThresholds:
    return FindingThresholds.model_validate({"mute": [{"reason": "known", **mute}]})


def reasons(thresholds: FindingThresholds, *, today: date | None = None) -> list[str | None]:
    document = a_document(connectors=(FAILED,), topics=(a_topic(),))
    return [one.muted for one in judge(Case(document, thresholds=thresholds), today=today)]


@pytest.mark.parametrize(
    ("mute", "expected"),
    [
        ({"kind": "failed_connector"}, ["known", None]),
        ({"resource": "ord*"}, [None, "known"]),
        ({"kind": "failed_connector", "resource": "other"}, [None, None]),
        ({"kind": "failed_connector", "cluster": "prod-*"}, [None, None]),
        ({"kind": "failed_connector", "cluster": "ware*"}, ["known", None]),
    ],
)
def test_the_estate_mutes_by_kind_resource_and_cluster(
    mute: dict[str, str], expected: list[str | None]
) -> None:
    assert reasons(with_mute(**mute)) == expected


def test_a_mute_ends_after_its_last_day() -> None:
    thresholds = with_mute(kind="failed_connector", until="2026-12-31")
    assert reasons(thresholds, today=date(2026, 12, 31))[0] == "known"
    assert reasons(thresholds, today=date(2027, 1, 1))[0] is None


def test_muted_findings_are_counted_separately() -> None:
    document = a_document(connectors=(FAILED,), topics=(a_topic(),))
    findings = judge(Case(document, thresholds=with_mute(kind="missing_schema")))
    assert (count_findings(findings), count_muted(findings)) == ({"failed_connector": 1}, 1)
    assert [one.kind for one in shown_findings(findings)] == ["failed_connector"]


def test_two_connectors_with_one_name_are_two_findings_the_worse_one_first() -> None:
    other = replace(FAILED, connect="other")
    findings = judge(Case(a_document(connectors=(FAILED, other), topics=(a_topic(),))))
    assert [one.kind for one in findings] == ["failed_connector", "failed_connector", "missing_schema"]
    assert len({one.id for one in findings}) == 3
    assert list(findings) == sorted(findings, key=finding_position)


def test_an_id_stays_while_figures_change() -> None:
    first, second = (
        judge(Case(a_document(connectors=(a_connector("shop", tasks=tasks),))))
        for tasks in (("FAILED",), ("FAILED", "FAILED"))
    )
    assert first[0].id == second[0].id
    assert first[0].sentence != second[0].sentence


def test_every_kind_explains_what_it_means_and_what_to_do() -> None:
    assert tuple(KINDS) == FINDING_KINDS
    settings = {name for kind in KINDS.values() for name in (kind.threshold or "").split(", ") if name}
    assert settings == FindingThresholds.model_fields.keys() - {"mute"}


def test_the_page_describes_the_kinds_as_they_are() -> None:
    page = (Path(__file__).parents[2] / "docs/findings.md").read_text(encoding="utf-8")
    assert with_reference(page) == page, "run: python -m mesh_assets.findings.docs docs/findings.md"


# --- since when


def at(days: float, *documents_of: Document) -> ClusterFindings:
    [document] = documents_of
    return ClusterFindings(
        cluster="warehouse",
        cluster_id="lkc-1",
        judged_at=MOMENT + timedelta(days=days),
        findings=judge(Case(document)),
    )


ILL, WELL = a_document(connectors=(FAILED,)), a_document()


def test_a_finding_keeps_the_time_it_was_first_seen() -> None:
    first = remembered(at(0, ILL), None)
    second = remembered(at(1, ILL), first)
    assert [one.since for one in second.findings] == [MOMENT]


def test_resolved_findings_are_kept_with_their_times_for_thirty_days() -> None:
    here = remembered(at(1, ILL), remembered(at(0, ILL), None))
    gone = remembered(at(2, WELL), here)
    assert gone.gone == (
        GoneFinding(
            id=here.findings[0].id,
            kind="failed_connector",
            resource="shop",
            first_seen=MOMENT,
            last_seen=MOMENT + timedelta(days=1),
        ),
    )
    assert len(remembered(at(31, WELL), gone).gone) == 1
    assert remembered(at(31.1, WELL), gone).gone == ()


@pytest.mark.parametrize(("back_after_days", "since_days"), [(1.0, 0.0), (1.5, 1.5)])
def test_a_finding_back_within_a_day_never_went_away(back_after_days: float, since_days: float) -> None:
    gone = remembered(at(0.5, WELL), remembered(at(0, ILL), None))
    back = remembered(at(back_after_days, ILL), gone)
    assert [one.since for one in back.findings] == [MOMENT + timedelta(days=since_days)]
    assert back.gone == ()


# --- size


def estate_of(topics: int) -> tuple[Document, Document]:
    names = [f"shop.events-{number:05}" for number in range(topics)]
    document = a_document(
        topics=tuple(a_topic(name, partitions=4, config={"cleanup.policy": "delete"}) for name in names),
        connectors=tuple(a_connector(f"sink-{name}") for name in names[: topics // 9]),
        consumer_groups=tuple(a_group(f"group-{name}", topics=(name,)) for name in names[: topics // 4]),
    )
    return replace(document, discovery_timestamp=MOMENT + timedelta(days=7)), document


def seconds_to_judge(topics: int) -> float:
    document, week_ago = estate_of(topics)
    began = time.process_time()
    past = past_of(week_ago)
    judge(Case(document, before=past, earlier=past))
    return time.process_time() - began


@pytest.mark.slow
def test_nine_thousand_topics_are_judged_in_linear_time() -> None:
    small = min(seconds_to_judge(2_250) for _ in range(2))
    large = min(seconds_to_judge(9_000) for _ in range(2))
    assert large < 8 * small + 0.1  # four times as many; a square would take sixteen times as long
    assert large < 5


def test_sentences_have_no_line_breaks_of_their_own() -> None:
    document, week_ago = estate_of(20)
    past = past_of(week_ago)
    assert all(re.search(r"[\r\n]", one.sentence) is None for one in judge(Case(document, earlier=past)))


def test_a_finding_about_a_connector_names_its_endpoint_and_whether_another_shares_its_name() -> None:
    failed = a_connector("sink", connect="lab", status="FAILED")
    [one] = judge(Case(a_document(connectors=(failed,))))
    [shared] = judge(Case(a_document(connectors=(failed, a_connector("sink", connect="main")))))

    assert (one.connect, one.shares_name) == ("lab", False)
    assert (shared.connect, shared.shares_name) == ("lab", True)
    assert shared.id == one.id
