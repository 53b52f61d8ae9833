"""What a run's tags say: why it exists, whether it is for the inbox, and which process works on it."""

from collections.abc import Mapping

import dagster as dg
import msgspec

from mesh_assets.errors import MeshError
from mesh_assets.inventory.changes import TRIGGER_TYPES, Trigger
from mesh_assets.snapshot.lock import is_gone, this_process
from mesh_assets.store.pointers import Holder

DISCOVERY_JOB = "discovery"
TRIGGER_TAG = "mesh/trigger"
RESOURCE_TAG = "mesh/trigger_resource"
DETAILS_TAG = "mesh/trigger_details"
FROM_INBOX_TAG = "mesh/from_inbox"
PROCESS_TAG = "mesh/process"
# What is checked; Dagster's UI hides tags with this prefix.
PROCESS_RECORD_TAG = ".dagster/mesh_process"

# Dagster's queue takes the highest first, and 0 if there is no tag (dagster._core.storage.tags). Changes do
# not wait for the schedule's runs of all clusters, and a cluster whose discoveries fail, which may take long,
# lets the others go first.
PRIORITY_TAG = "dagster/priority"
SOONER, LATER = "1", "-1"

_decoder = msgspec.json.Decoder(Holder)


def trigger_tags(trigger: Trigger) -> dict[str, str]:
    tags = {TRIGGER_TAG: trigger.type, RESOURCE_TAG: trigger.resource, DETAILS_TAG: trigger.details}
    return {name: value for name, value in tags.items() if value is not None}


def trigger_of_run(tags: Mapping[str, str]) -> Trigger:
    """Without a tag: `schedule` for a run that a schedule launched, otherwise `manual`.

    Raises MeshError when the tag names an unknown trigger.
    """
    named = tags.get(TRIGGER_TAG) or ("schedule" if "dagster/schedule_name" in tags else "manual")
    known = next((type_ for type_ in TRIGGER_TYPES if type_ == named), None)
    if known is None:
        raise MeshError(
            f"the run's tag {TRIGGER_TAG} is {named!r}; expected one of {', '.join(TRIGGER_TYPES)}"
        )
    return Trigger(type=known, resource=tags.get(RESOURCE_TAG) or None, details=tags.get(DETAILS_TAG) or None)


def is_from_inbox(tags: Mapping[str, str]) -> bool:
    """Whether the run's trigger tags repeat one of the triggers in the inbox."""
    return tags.get(FROM_INBOX_TAG) == "true"


def note_process(instance: dg.DagsterInstance, run_id: str) -> None:
    """Tags the run with this process, so that others notice when it is gone. A run calls it before anything
    else."""
    instance.add_run_tags(run_id, process_tags(this_process(run_id)))


def process_tags(process: Holder) -> dict[str, str]:
    """One for people, one for `end_if_lost`."""
    return {
        PROCESS_TAG: f"{process.pid} on {process.host}",
        PROCESS_RECORD_TAG: msgspec.json.encode(process).decode(),
    }


def end_if_lost(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Reports a started run as failed if its process was on this host and is gone; returns whether it did.

    Dagster's default launcher does not check on its runs: after `kill -9` one stays STARTED until run
    monitoring's `max_runtime` is over. This host knows nothing about a run in a pod or task of its own; its
    launcher's health check covers it.
    """
    if run.status is not dg.DagsterRunStatus.STARTED or PROCESS_RECORD_TAG not in run.tags:
        return False
    try:
        process = _decoder.decode(run.tags[PROCESS_RECORD_TAG])
    except msgspec.DecodeError:  # somebody else's tag
        return False
    # A retry has the tags of the run before it until its own process replaces them.
    if process.run_id != run.run_id or not is_gone(process):
        return False
    # `run` may have been read before the run ended. A process that is gone writes nothing more, so this
    # reading is final.
    last = instance.get_run_by_id(run.run_id)
    if last is None or last.status is not dg.DagsterRunStatus.STARTED:
        return False
    instance.report_run_failed(
        run, f"Process {process.pid} on {process.host}, which worked on this run, is gone without ending it."
    )
    return True
