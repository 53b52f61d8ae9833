"""The one number that stands, as `format`, in everything that is stored.

A version reads what every earlier one wrote: fields that came later have defaults, and documents that were compressed with gzip
are read as they are. What a later version wrote in another format it refuses, as it is neither damaged nor to be
repaired. Raise FORMAT only where defaults cannot do, and read the earlier one, too. Events have no such number: their schemas
stay compatible (`mesh_assets_tests/events/earlier/`).
"""

import msgspec

from mesh_assets.errors import NewerFormatError
from mesh_assets.inventory.records import UNDECODABLE

FORMAT = 1


class _Formatted(msgspec.Struct):
    format: int = 1


_decoder = msgspec.json.Decoder(_Formatted)


def refuse_newer_format(data: bytes, *, source: str) -> None:
    """Raises NewerFormatError naming `source` if the JSON says that it is of a later format. What is no JSON is left to whoever
    decodes it."""
    try:
        found = _decoder.decode(data).format
    except UNDECODABLE:
        return
    if found > FORMAT:
        raise newer_format(found, source=source)


def newer_format(found: int, *, source: str) -> NewerFormatError:
    return NewerFormatError(
        f"{source} has format {found}, but this version of mesh-assets reads only up to format {FORMAT}: a later version wrote it; "
        "update mesh-assets here, or restore the store from a backup of before that version used it"
    )
