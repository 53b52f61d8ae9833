"""A source that fails is never an absence. The servers are really stopped."""

import re
import time
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from typing import Any

import dagster as dg
import pytest

from mesh_assets.sandbox.servers import Sandbox
from mesh_assets_tests.workplace import Workplace

pytestmark = pytest.mark.sandbox


@contextmanager
def stopped(sandbox: Sandbox, server: str) -> Iterator[None]:
    sandbox.stop([server])
    try:
        yield
    finally:
        sandbox.start()


def failed_checks(workplace: Workplace, run_id: str) -> set[str]:
    # The instance's folders are relative to where its commands run.
    with chdir(workplace.folder), dg.DagsterInstance.from_config(str(workplace.folder)) as instance:
        evaluations = [
            record.event_log_entry.dagster_event.asset_check_evaluation_data
            for record in instance.get_records_for_run(
                run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
            ).records
            if record.event_log_entry.dagster_event is not None
        ]
    return {"/".join(evaluation.asset_key.path) for evaluation in evaluations if not evaluation.passed}


def changes_of_anything_but_groups(report: dict[str, Any]) -> list[str]:
    """The sinks' own groups are really empty while Connect is stopped, which is a change and no deletion."""
    assert report["total_changes"] == len(report["first_changes"])
    groups = [
        sentence
        for sentence in report["first_changes"]
        if re.search(r"^Consumer group .*: (active → empty|empty → active)$", sentence)
    ]
    return [sentence for sentence in report["first_changes"] if sentence not in groups]


def test_with_the_broker_stopped_a_discovery_fails_soon_with_one_sentence_and_writes_nothing(
    sandbox: Sandbox, workplace: Workplace
) -> None:
    with stopped(sandbox, "broker"):
        start = time.monotonic()
        done = workplace.mesh_assets("discover")
        seconds = time.monotonic() - start

    assert done.returncode == 1
    assert seconds < 30
    [sentence] = done.stderr.strip().splitlines()
    assert sandbox.endpoints().bootstrap_servers in sentence
    assert sentence.startswith("mesh-assets: warehouse: ")
    assert done.stdout == ""
    assert workplace.store.objects.list("") == []


@pytest.mark.parametrize(("server", "section"), [("registry", "schemas"), ("connect", "connectors")])
def test_with_a_source_stopped_its_section_is_stale_with_the_last_good_data_and_nothing_is_deleted(
    sandbox: Sandbox, workplace: Workplace, server: str, section: str
) -> None:
    workplace.discover()
    before = workplace.latest()

    with stopped(sandbox, server):
        report = workplace.discover()
    during = workplace.latest()
    healed = workplace.discover()

    assert getattr(during, section) == getattr(before, section)
    assert during.sections[section].status == "stale"  # type: ignore[index]  # a section's name
    assert during.sections[section].collected_at == before.sections[section].collected_at  # type: ignore[index]
    assert during.sections[section].error  # type: ignore[index]
    assert {name for name, state in during.sections.items() if state.status == "fresh"} == set(
        during.sections
    ) - {section}
    assert changes_of_anything_but_groups(report) == []
    assert failed_checks(workplace, report["run_id"]) == {f"inventory/{section}"}
    assert changes_of_anything_but_groups(healed) == []
    assert healed["sections"][section]["status"] == "fresh"
    assert failed_checks(workplace, healed["run_id"]) == set()


def test_a_first_discovery_without_a_source_says_that_nothing_is_known_of_it(
    sandbox: Sandbox, workplace: Workplace
) -> None:
    with stopped(sandbox, "connect"):
        done = workplace.mesh_assets("discover")
    second = workplace.discover()

    assert done.returncode == 0, done.stderr
    assert "STALE           connectors (nothing known)" in done.stdout
    # The first reading of a section is a baseline, not forty new connectors.
    assert changes_of_anything_but_groups(second) == []
    assert second["summary"]["total_connectors"] == 40
