from datetime import timedelta

from mesh_assets.discovering.section_shown import complete_check
from mesh_assets.discovering.snapshot_shown import OLDEST_HOURS, current_check
from mesh_assets.inventory.records import Metrics, MetricsSource
from mesh_assets.inventory.sections import SECTION_NAMES, MetricsSection, SectionName, SectionState
from mesh_assets_tests.documents import FRESH, MOMENT, NEVER_READ, NOT_CONFIGURED, STALE, some_metrics


def section(metrics: Metrics, *, stale: bool = False) -> MetricsSection:
    return MetricsSection(cluster_id="lkc-1", state=STALE if stale else FRESH, records=metrics)


def test_metrics_are_complete_when_every_source_answered() -> None:
    check = complete_check(
        section(some_metrics(sources=(MetricsSource(name="offsets"), MetricsSource(name="cloudwatch")))),
    )
    assert (check.passed, check.description) == (True, None)


def test_a_failed_source_fails_the_check_of_a_section_that_is_fresh_by_the_offsets() -> None:
    sources = (
        MetricsSource(name="offsets"),
        MetricsSource(name="confluent_cloud", error="the key needs MetricsViewer"),
    )
    check = complete_check(section(some_metrics(sources=sources)))
    assert (check.passed, check.description) == (False, "the key needs MetricsViewer")


def test_a_stale_section_fails_its_check_with_the_reason() -> None:
    check = complete_check(section(some_metrics(), stale=True))
    assert (check.passed, check.description) == (False, "connection refused")


# Whether a snapshot is current depends on when its sections were read, not on when it was published.

ALL_FRESH: dict[SectionName, SectionState] = dict.fromkeys(SECTION_NAMES, FRESH)


def test_recently_read_sections_are_current_even_if_the_newest_reading_failed() -> None:
    sections = {**ALL_FRESH, "schemas": STALE, "connectors": NOT_CONFIGURED}

    assert current_check(sections, now=MOMENT + timedelta(hours=OLDEST_HOURS)).passed


def test_a_section_not_read_for_long_or_ever_is_named() -> None:
    old = current_check(
        {**ALL_FRESH, "schemas": STALE}, now=MOMENT + timedelta(hours=OLDEST_HOURS, seconds=1)
    )
    never = current_check({**ALL_FRESH, "schemas": NEVER_READ}, now=MOMENT)

    assert (old.passed, never.passed) == (False, False)
    assert never.description == "older than 12 hours or never read: schemas"
