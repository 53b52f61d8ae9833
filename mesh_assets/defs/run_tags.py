"""What the tags of a run say: why it was made, whether the inbox asked for it, and which process works on it."""

from collections.abc import Mapping

import dagster as dg
import msgspec

from mesh_assets.errors import MeshError
from mesh_assets.inventory.triggers import TRIGGER_TYPES, Trigger
from mesh_assets.snapshot.lock import is_gone, this_process
from mesh_assets.store.pointers import Holder

# The trigger of a run: from its tags, which every way of launching can set.

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


# The tag of runs that were launched for what waits in the inbox.

FROM_INBOX_TAG = "mesh/from_inbox"


def is_from_inbox(tags: Mapping[str, str]) -> bool:
    """Whether the run's trigger tags are a copy of one of the triggers in the inbox."""
    return tags.get(FROM_INBOX_TAG) == "true"


# Which process works on a run, in a tag of it: so that a run whose process was killed without a word is not
# waited for.
#
# Dagster's default launcher looks after no run: one that `kill -9` ended stays STARTED until the run
# monitoring's longest time is over. Where a run works in a pod or a task of its own, this host knows
# nothing of
# it, and the launcher's own health check does the work.

PROCESS_TAG = "mesh/process"

_decoder = msgspec.json.Decoder(Holder)


def note_process(instance: dg.DagsterInstance, run_id: str) -> None:
    """To be called by the run itself, first of all."""
    instance.add_run_tags(run_id, {PROCESS_TAG: msgspec.json.encode(this_process(run_id)).decode()})


def end_if_lost(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Reports the run as failed if it is started and its process, on this host, is certainly gone; whether it
    was."""
    if run.status is not dg.DagsterRunStatus.STARTED or PROCESS_TAG not in run.tags:
        return False
    try:
        process = _decoder.decode(run.tags[PROCESS_TAG])
    except msgspec.DecodeError:  # somebody else's tag
        return False
    if not is_gone(process):
        return False
    # What was read of the run may be older than its end: a process that is gone writes no more, so what
    # stands there now is the last word.
    last = instance.get_run_by_id(run.run_id)
    if last is None or last.status is not dg.DagsterRunStatus.STARTED:
        return False
    instance.report_run_failed(
        run,
        f"Process {process.pid} on {process.host}, which worked on this run, is gone without having ended it.",
    )
    return True
