"""The summary says what the report says, no more and no less."""

import pytest
from msgspec.structs import replace

from mesh_assets.cli.text import discovery_text, size_text
from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.sections import SECTION_NAMES, SectionState
from mesh_assets_tests.discovering.a_report import REPORT
from mesh_assets_tests.documents import MOMENT, NEVER_READ, NOT_CONFIGURED


def test_the_summary_of_a_discovery_where_all_is_well() -> None:
    assert discovery_text(REPORT).splitlines() == [
        "data-mesh-cluster (lkc-nd1ng3, agentic-data-mesh)   sequence 4   1.8 s   "
        "9 requests to Kafka, 7 over HTTP plus 74 for compatibility levels   trigger: schema_updated users-value",
        "      37 topics      222 partitions   18,204 messages",
        "      37 connectors  37 active",
        "      37 schemas     33 AVRO, 2 JSON, 2 PROTOBUF",
        "       4 consumer groups   1 behind by 1,204 records",
        "       3 brokers     controller 100   1 fenced",
        "         access      1,200 ACLs, 1 client quota, 0 SCRAM users",
        "       1 change      users-value: Schema version 1 → 2",
        "  event           discovery-events[0]@3   412 kB, 38 kB compressed, about 103,000 tokens",
        "  document        .mesh/inventories/lkc-nd1ng3/inventory-2026-11-23T16-40-02Z.json",
    ]


def test_the_summary_lists_what_is_wrong() -> None:
    stale = SectionState(status="stale", collected_at=MOMENT, error="connection refused")
    report = replace(
        REPORT,
        inactive_connectors=("orders-sink",),
        sections={**REPORT.sections, "schemas": stale, "metrics": NEVER_READ},
        notes=("the registry did not answer",),
        summary=replace(REPORT.summary, total_messages=None, active_connectors=36),
    )

    text = discovery_text(report)

    assert "222 partitions   unknown messages" in text
    assert "36 active   not active: orders-sink" in text
    assert "STALE           schemas (as of 2026-11-23 16:40:02 UTC): connection refused" in text
    assert "STALE           metrics (nothing known): connection refused; never read before" in text
    assert "NOTE            the registry did not answer" in text


def test_unread_sections_are_unknown_and_not_zero() -> None:
    nothing = replace(REPORT.summary, total_connectors=0, active_connectors=0, total_schemas=0)
    sections = {**REPORT.sections, "connectors": NEVER_READ, "schemas": NEVER_READ}
    lines = discovery_text(
        replace(REPORT, sections=sections, summary=nothing, schemas_by_type={})
    ).splitlines()

    assert lines[2:4] == ["       ? connectors  unknown", "       ? schemas     unknown"]


def test_unconfigured_sections_are_not_counted_as_zero() -> None:
    text = discovery_text(
        replace(REPORT, sections={**REPORT.sections, "connectors": NOT_CONFIGURED, "schemas": NOT_CONFIGURED})
    )

    assert "connectors" not in text
    assert " schemas " not in text


def test_a_first_snapshot_compares_with_nothing_and_an_unchanged_one_has_no_changes() -> None:
    assert "the first snapshot: nothing to compare with" in discovery_text(
        replace(REPORT, total_changes=None, first_changes=())
    )
    assert "       0 changes" in discovery_text(replace(REPORT, total_changes=0, first_changes=()))


def test_many_changes_are_cut_with_their_number() -> None:
    text = discovery_text(replace(REPORT, total_changes=20, first_changes=("a: b", "c: d")))

    assert "      20 changes     a: b" in text
    assert "and 18 more: `mesh-assets diff` shows all" in text


def test_sizes_are_short() -> None:
    assert [size_text(n) for n in (0, 999, 1_000, 999_499, 11_300_000)] == [
        "0 B",
        "999 B",
        "1 kB",
        "999 kB",
        "11.3 MB",
    ]


def test_control_and_direction_characters_in_names_do_not_reach_the_terminal() -> None:
    text = discovery_text(replace(REPORT, first_changes=("Consumer group \x1b[31mred\u202e created",)))

    assert "Consumer group \ufffdred\ufffd created" in text


@pytest.mark.parametrize(
    ("behind", "unknown", "said"),
    [
        (1, 0, "1 behind by 1,204 records"),
        (1, 2, "1 behind by 1,204 records, lag of 2 unknown"),
        (0, 2, "lag of 2 unknown, none of the others behind"),
        (0, 0, "none behind"),
    ],
)
def test_a_group_with_unknown_lag_does_not_count_as_caught_up(behind: int, unknown: int, said: str) -> None:
    report = replace(REPORT, groups_behind=behind, groups_of_unknown_lag=unknown)

    assert f"       4 consumer groups   {said}" in discovery_text(report).splitlines()


def test_unread_sections_have_no_number() -> None:
    report = replace(REPORT, sections=dict.fromkeys(SECTION_NAMES, NEVER_READ))

    assert discovery_text(report).splitlines()[1:5] == [
        "       ? topics      unknown",
        "       ? connectors  unknown",
        "       ? schemas     unknown",
        "       ? consumer groups   unknown",
    ]


def test_long_names_are_abbreviated_in_the_summary() -> None:
    long = "g" * 40_000 + "-end"
    shown = discovery_text(
        replace(
            REPORT,
            trigger=Trigger(type="resource_created", resource=long),
            inactive_connectors=(long, "b"),
            first_changes=(f"Consumer group {long} created: Stable", "words of a group " * 5_000),
            total_changes=2,
        )
    )

    lines = shown.splitlines()
    assert max(map(len, lines)) < 600
    assert sum("ggg…ggg" in line and "-end" in line for line in lines) == 3
    assert "Consumer group ggg" in shown
    assert "-end created: Stable" in shown
    assert "not active: ggg" in shown
    assert ".mesh/inventories/lkc-nd1ng3/inventory-2026-11-23T16-40-02Z.json" in shown


@pytest.mark.parametrize(
    ("ids", "opened", "hanging", "line"),
    [
        (5, 2, 1, "       5 transactional ids   2 open transactions, 1 hanging"),
        (1, 0, 0, "       1 transactional id   0 open transactions"),
        (5, None, 1, "       5 transactional ids   1 hanging"),
        (5, None, None, "       5 transactional ids"),
        (None, None, 1, "       ? transactional ids   1 hanging"),
    ],
)
def test_transactions_are_summed_up_as_far_as_they_are_known(
    ids: int | None, opened: int | None, hanging: int | None, line: str
) -> None:
    summary = replace(
        REPORT.summary,
        total_transactional_ids=ids,
        open_transactions=opened,
        hanging_transactions=hanging,
    )
    assert line in discovery_text(replace(REPORT, summary=summary)).splitlines()
