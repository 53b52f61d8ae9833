from mesh_assets.defs.assets.inventory import complete_check
from mesh_assets.inventory.records import Metrics, MetricsSource
from mesh_assets.inventory.sections import MetricsSection
from mesh_assets_tests.documents import FRESH, STALE
from mesh_assets_tests.inventory.test_key_figures import some_metrics


def section(metrics: Metrics, *, stale: bool = False) -> MetricsSection:
    return MetricsSection(cluster_id="lkc-1", state=STALE if stale else FRESH, records=metrics)


def test_metrics_are_complete_when_every_source_answered() -> None:
    check = complete_check(
        "metrics",
        section(some_metrics(sources=(MetricsSource(name="offsets"), MetricsSource(name="cloudwatch")))),
    )
    assert (check.passed, check.description) == (True, None)


def test_a_source_that_failed_fails_the_check_of_a_section_that_is_fresh_by_the_offsets() -> None:
    sources = (
        MetricsSource(name="offsets"),
        MetricsSource(name="confluent_cloud", error="the key needs MetricsViewer"),
    )
    check = complete_check("metrics", section(some_metrics(sources=sources)))
    assert (check.passed, check.description) == (False, "the key needs MetricsViewer")


def test_a_stale_section_fails_its_check_with_the_reason() -> None:
    check = complete_check("metrics", section(some_metrics(), stale=True))
    assert (check.passed, check.description) == (False, "connection refused")
