"""The trigger of a run: from its tags, which every way of launching can set."""

from collections.abc import Mapping

from mesh_assets.errors import MeshError
from mesh_assets.inventory.triggers import TRIGGER_TYPES, Trigger

TRIGGER_TAG = "mesh/trigger"
RESOURCE_TAG = "mesh/trigger_resource"
DETAILS_TAG = "mesh/trigger_details"


def trigger_tags(trigger: Trigger) -> dict[str, str]:
    tags = {TRIGGER_TAG: trigger.type, RESOURCE_TAG: trigger.resource, DETAILS_TAG: trigger.details}
    return {name: value for name, value in tags.items() if value is not None}


def trigger_of_run(tags: Mapping[str, str]) -> Trigger:
    """`manual` when nothing says otherwise, `schedule` for a run that a schedule launched."""
    named = tags.get(TRIGGER_TAG) or ("schedule" if "dagster/schedule_name" in tags else "manual")
    known = next((type_ for type_ in TRIGGER_TYPES if type_ == named), None)
    if known is None:
        raise MeshError(
            f"the run's tag {TRIGGER_TAG} is {named!r}; expected one of {', '.join(TRIGGER_TYPES)}"
        )
    return Trigger(type=known, resource=tags.get(RESOURCE_TAG) or None, details=tags.get(DETAILS_TAG) or None)
