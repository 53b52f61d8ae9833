"""Text that strangers wrote, made harmless before it is kept: one line, bounded, no control characters, no
credentials.

It goes into run tags, events and, further on, to readers that are language models: it must stay a short
quotation.
"""

import unicodedata

from mesh_assets.inventory.masking import mask_value

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
