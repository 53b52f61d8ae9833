import pytest

from mesh_assets.errors import MeshError
from mesh_assets.inventory.changes import Trigger
from mesh_assets.runs.tags import trigger_of_run, trigger_tags


@pytest.mark.parametrize(
    ("tags", "trigger"),
    [
        ({}, Trigger(type="manual")),
        ({"dagster/schedule_name": "discovery_schedule"}, Trigger(type="schedule")),
        (
            {
                "mesh/trigger": "schema_updated",
                "mesh/trigger_resource": "users-value",
                "mesh/trigger_details": "2 → 3",
            },
            Trigger(type="schema_updated", resource="users-value", details="2 → 3"),
        ),
    ],
)
def test_a_runs_tags_say_why_it_was_launched(tags: dict[str, str], trigger: Trigger) -> None:
    assert trigger_of_run(tags) == trigger


def test_an_unknown_trigger_is_refused_with_the_known_ones() -> None:
    with pytest.raises(MeshError, match="'sunrise'; expected one of manual, schedule"):
        trigger_of_run({"mesh/trigger": "sunrise"})


def test_a_trigger_survives_its_tags() -> None:
    trigger = Trigger(type="external", resource="pipeline", details="by hand")

    assert trigger_of_run(trigger_tags(trigger)) == trigger
