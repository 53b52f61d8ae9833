"""What a message can mean, and how text from strangers is made harmless before it is kept."""

import unicodedata

from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.records import Record
from mesh_assets.masking.configs import mask_value


class Understood(Record, frozen=True, kw_only=True):
    """A message that asks for a discovery.

    `cause_id` is the same for every delivery of the same event, however it came. `cluster`: named by the
    sender; it must be in the estate. `hints`: names that may or may not be clusters'. When neither matches,
    all clusters are meant.
    """

    trigger: Trigger
    cause_id: str
    cluster: str | None = None
    hints: tuple[str, ...] = ()


class Ignored(Record, frozen=True, kw_only=True):
    """A message that is understood but asks for nothing: an alarm that is over, a read call in CloudTrail."""

    reason: str


class NotUnderstood(Record, frozen=True, kw_only=True):
    """A message that fits no form. `reason` never quotes values from the message, only what was expected."""

    reason: str


Meaning = Understood | Ignored | NotUnderstood


# --- text from strangers, made harmless: one line, bounded, no control characters, no credentials
#
# It goes into run tags, events and eventually to language models, so it must stay a short quotation.

RESOURCE_CHARACTERS = 200
DETAILS_CHARACTERS = 500

# Far more than is kept, so that masking sees whole credentials, and little enough to be quick.
_READ_CHARACTERS = 4_000


def bounded(value: object, characters: int) -> str | None:
    """`value` as harmless text; None when it is not text, or when none of it is left."""
    if not isinstance(value, str):
        return None
    # Cc, Cf, Cs, Co, Cn: control characters, and invisible ones that reverse or hide text.
    visible = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in value[:_READ_CHARACTERS])
    line = mask_value("", " ".join(visible.split())) or ""
    if len(line) > characters:
        line = line[: characters - 1].rstrip() + "…"
    return line or None


def resource_text(value: object) -> str | None:
    return bounded(value, RESOURCE_CHARACTERS)


def details_text(value: object) -> str | None:
    return bounded(value, DETAILS_CHARACTERS)
