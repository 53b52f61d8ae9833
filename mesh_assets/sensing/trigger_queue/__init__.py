"""What arrives on the trigger queue: read as a trigger, put into the inbox, and only then deleted."""

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
    NotUnderstood,
    Reading,
    Understood,
)

__all__ = [
    "LONGEST_WAIT_SECONDS",
    "DeadLetters",
    "Ignored",
    "Intake",
    "NotUnderstood",
    "Reading",
    "TakenIn",
    "Target",
    "TriggerQueue",
    "Understood",
    "read_message",
    "take_in",
]
