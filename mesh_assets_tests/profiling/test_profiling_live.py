"""The job `profiling` on the sandbox: planted faults are found, no group is joined, and no value stays anywhere."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from mesh_assets.estate.file import load_estate
from mesh_assets.expectations.records import expectation_results
from mesh_assets.platforms.kafka import WireReader, client_properties
from mesh_assets.profiling.records import DataQuality
from mesh_assets.profiling.results import profile_results
from mesh_assets.sandbox.estate.quality import FAULTY_TOPICS, PREFIX, SHARED_KEYS, planted_faults
from mesh_assets.sandbox.planting import planted
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets_tests.report.pages import Page
from mesh_assets_tests.workplace import Workplace, workplace_in

pytestmark = pytest.mark.sandbox

MARKERS = (b".doe@example.com", b"person-00", b"member-00", b"QO-00", b"QC-00", b"stays black")
"""Parts of keys and values that were planted."""


@pytest.fixture(scope="module")
def profiled(
    sandbox: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Workplace, dict[str, object], str]]:
    """A workplace after the job, the groups before and after it, and the run's output."""
    endpoints: Endpoints = sandbox.endpoints()  # type: ignore[attr-defined]
    workplace = workplace_in(tmp_path_factory.mktemp("profiled"), endpoints)
    estate = yaml.safe_load(workplace.estate.read_text())
    estate["clusters"]["warehouse"]["allow_message_reading"] = [f"{PREFIX}*"]
    workplace.estate.write_text(yaml.safe_dump(estate))
    with planted(endpoints.bootstrap_servers, endpoints.registry_url):
        workplace.discover()
        before = group_names(workplace)
        done = workplace.dagster("job", "execute", "-m", "mesh_assets.definitions", "-j", "profiling")
        assert done.returncode == 0, done.stderr
        yield workplace, {"before": before, "after": group_names(workplace)}, done.stdout + done.stderr


def group_names(workplace: Workplace) -> list[str]:
    """For every group that the cluster knows: anything that commits stays one for a week."""
    cluster = load_estate(workplace.estate).clusters["warehouse"]
    reader = WireReader(client_properties(cluster.kafka), timeout_seconds=30)
    try:
        return sorted(one.group_id for one in reader.groups(lambda _: True).groups)
    finally:
        reader.close()


def contents(path: Path) -> bytes:
    """Including packed content: all but the latest document, and the data in the report's page."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(data)
    return data + json.dumps(Page(data.decode()).data).encode() if path.suffix == ".html" else data


def quality(workplace: Workplace) -> DataQuality:
    kept = profile_results(workplace.store).get()
    assert kept is not None
    return kept.result


def test_every_planted_fault_and_shared_key_is_found_and_no_other(
    profiled: tuple[Workplace, dict[str, object], str],
) -> None:
    found = quality(profiled[0])
    assert [one.topic for one in found.profiles] == sorted(one.name for one in FAULTY_TOPICS)
    assert [one.error for one in found.profiles if one.error is not None] == []
    assert {one.sampled_records for one in found.profiles} <= set(range(1_900, 2_001))
    assert {
        (one.topic, fault.kind, fault.path) for one in found.profiles for fault in one.faults
    } == planted_faults()
    shared = {
        frozenset({(one.topic, one.path), (one.other_topic, one.other_path)})
        for one in found.overlaps
        if one.contained >= 0.3
    }
    assert shared == SHARED_KEYS


def test_no_group_is_joined_and_none_is_left(profiled: tuple[Workplace, dict[str, object], str]) -> None:
    assert profiled[1]["before"] == profiled[1]["after"]


def test_no_planted_value_is_in_store_run_log_report_or_answer(
    profiled: tuple[Workplace, dict[str, object], str],
) -> None:
    workplace, _, printed = profiled
    page = workplace.folder / "report.html"
    assert workplace.mesh_assets("report", "--out", str(page)).returncode == 0
    assert quality(workplace).profiles
    assert expectation_results(workplace.store).get() is not None
    written = {path: contents(path) for path in workplace.folder.rglob("*") if path.is_file()}
    assert b"quality-orders" in written[page]
    assert any(path.name == "data_quality.json" for path in written)
    held = [(path, marker) for path, data in written.items() for marker in MARKERS if marker in data]
    assert held == []
    assert [marker for marker in MARKERS if marker.decode() in printed] == []
