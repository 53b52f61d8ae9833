"""A failed source is never an absence. Here a discovery finds closed ports; that servers survive being stopped is tested in
`sandbox/test_sandbox_live.py`."""

import time
from collections.abc import Iterator

import pytest
import yaml

from mesh_assets.discovering.unreported import read_unreported, unreported_keys
from mesh_assets.inventory.sections import SectionName
from mesh_assets.sandbox.servers import Endpoints
from mesh_assets_tests.doors import Door
from mesh_assets_tests.workplace import Workplace

pytestmark = pytest.mark.sandbox


@pytest.fixture
def doors(endpoints: Endpoints) -> Iterator[dict[str, Door]]:
    """A door to each of the warehouse's servers."""
    urls = {
        "broker": f"kafka://{endpoints.bootstrap_servers}",
        "registry": endpoints.registry_url,
        "connect": endpoints.connect_url,
    }
    made = {server: Door(url) for server, url in urls.items()}
    yield made
    for door in made.values():
        door.close()


def through(doors: dict[str, Door], workplace: Workplace) -> Workplace:
    """It reaches the registry and Connect through these doors."""
    estate = yaml.safe_load(workplace.estate.read_text())
    warehouse = estate["clusters"]["warehouse"]
    warehouse["schema_registry"]["url"] = doors["registry"].url
    warehouse["connect"][0]["url"] = doors["connect"].url
    workplace.estate.write_text(yaml.safe_dump(estate))
    return workplace


def failed_checks(workplace: Workplace, run_id: str) -> set[str]:
    """The assets whose check fails, as Dagster will be told of that discovery."""
    objects = workplace.store.objects
    for keys in unreported_keys(objects).values():
        for key in keys:
            found = read_unreported(objects, key)
            if found is not None and found[0].run_id == run_id:
                return {check.key for check in found[0].checks if not check.passed}
    raise AssertionError(f"nothing is to be told of {run_id}")


def test_with_the_broker_stopped_a_discovery_soon_fails_with_one_sentence_and_writes_nothing(
    workplace: Workplace, doors: dict[str, Door]
) -> None:
    estate = yaml.safe_load(workplace.estate.read_text())
    estate["clusters"]["warehouse"]["kafka"]["bootstrap_servers"] = doors["broker"].address
    workplace.estate.write_text(yaml.safe_dump(estate))

    with doors["broker"].closed():
        start = time.monotonic()
        done = workplace.mesh_assets("discover")
        seconds = time.monotonic() - start

    assert done.returncode == 1
    assert seconds < 30
    [sentence] = done.stderr.strip().splitlines()
    assert doors["broker"].address in sentence
    assert sentence.startswith("mesh-assets: warehouse: ")
    assert done.stdout == ""
    # Only the reason, for Dagster.
    assert [entry.key for entry in workplace.store.objects.list("")] == ["unreported/warehouse/failure.json"]


SOURCES: tuple[tuple[str, SectionName], ...] = (("connect", "connectors"), ("registry", "schemas"))


def test_with_a_source_stopped_its_section_is_stale_with_the_last_good_data_and_nothing_is_deleted(
    workplace: Workplace, doors: dict[str, Door]
) -> None:
    through(doors, workplace).discover()
    before = workplace.latest()

    for server, section in SOURCES:
        with doors[server].closed():
            report = workplace.discover()
        during = workplace.latest()

        assert getattr(during, section) == getattr(before, section)
        assert during.sections[section].status == "stale"
        assert during.sections[section].collected_at == before.sections[section].collected_at
        assert during.sections[section].error
        # What was stale before has recovered.
        stale = {name: state.error for name, state in during.sections.items() if state.status == "stale"}
        assert stale.keys() == {section}, stale
        assert report["first_changes"] == []
        assert failed_checks(workplace, report["run_id"]) == {f"inventory/{section}"}
        before = during
    healed = workplace.discover()

    assert healed["first_changes"] == []
    assert "stale" not in {section["status"] for section in healed["sections"].values()}
    assert failed_checks(workplace, healed["run_id"]) == set()


def test_a_first_discovery_without_a_source_says_that_nothing_is_known_about_it(
    workplace: Workplace, doors: dict[str, Door]
) -> None:
    through(doors, workplace)
    with doors["connect"].closed():
        done = workplace.mesh_assets("discover")
    second = workplace.discover()

    assert done.returncode == 0, done.stderr
    assert "STALE           connectors (nothing known)" in done.stdout
    # The first reading of a section is a baseline, not forty new connectors.
    assert second["first_changes"] == []
    assert second["summary"]["total_connectors"] == 40
