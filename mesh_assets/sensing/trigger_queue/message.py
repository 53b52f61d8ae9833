"""What a message can turn out to be, and the text that strangers wrote in it, made harmless before it is kept."""

import unicodedata

from mesh_assets.inventory.masking import mask_value
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.triggers import Trigger

# What a message can turn out to be.


class Understood(Record, frozen=True, kw_only=True):
    """A message that asks for a discovery.

    `cause` is the same for every delivery of the same event, on whatever way it came. `cluster` was named by
    the sender and must be of the estate; `hints` are names that may or may not be a cluster's. Without either
    that fits, all clusters are meant.
    """

    trigger: Trigger
    cause: str
    cluster: str | None = None
    hints: tuple[str, ...] = ()


class Ignored(Record, frozen=True, kw_only=True):
    """A message that is understood and asks for nothing: an alarm that is over, a read in CloudTrail."""

    reason: str


class NotUnderstood(Record, frozen=True, kw_only=True):
    """A message that no form fits. `reason` never quotes values of the message, only what was expected of it."""

    reason: str


Reading = Understood | Ignored | NotUnderstood


# Text that strangers wrote, made harmless before it is kept: one line, bounded, no control characters, no
# credentials.
#
# It goes into run tags, events and, further on, to readers that are language models: it must stay a short
# quotation.

RESOURCE_CHARACTERS = 200
DETAILS_CHARACTERS = 500

# Far more than is kept, so that masking sees a credential whole, and little enough to be quick.
_READ_CHARACTERS = 4_000


def bounded(value: object, characters: int) -> str | None:
    """`value` as such a text; None when it is no text or nothing is left of it."""
    if not isinstance(value, str):
        return None
    # Cc, Cf, Cs, Co, Cn: control characters and the invisible ones that turn text around or hide it.
    visible = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in value[:_READ_CHARACTERS])
    line = mask_value("", " ".join(visible.split())) or ""
    if len(line) > characters:
        line = line[: characters - 1].rstrip() + "…"
    return line or None


def resource_text(value: object) -> str | None:
    return bounded(value, RESOURCE_CHARACTERS)


def details_text(value: object) -> str | None:
    return bounded(value, DETAILS_CHARACTERS)
