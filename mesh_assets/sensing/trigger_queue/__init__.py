"""Messages of the trigger queue: read as triggers, put into the inbox, and only then deleted."""

from mesh_assets.sensing.trigger_queue.forms import read_message
from mesh_assets.sensing.trigger_queue.intake import (
    LONGEST_WAIT_SECONDS,
    DeadLetters,
    Intake,
    TakenIn,
    Target,
    TriggerQueue,
    take_in,
)
from mesh_assets.sensing.trigger_queue.message import (
    Ignored,
    Meaning,
    NotUnderstood,
    Understood,
)

__all__ = [
    "LONGEST_WAIT_SECONDS",
    "DeadLetters",
    "Ignored",
    "Intake",
    "Meaning",
    "NotUnderstood",
    "TakenIn",
    "Target",
    "TriggerQueue",
    "Understood",
    "read_message",
    "take_in",
]
