"""The single number that everything stored contains as `format`.

A version reads everything that earlier ones wrote: later fields have defaults, and documents compressed with gzip are read
as they are. It refuses data that a later version wrote in a different format, which is not damaged and must not be
repaired. Raise FORMAT only where defaults are not enough, and keep reading the earlier one. Events have no such number:
their schemas stay compatible (`mesh_assets_tests/events/earlier/`).
"""

import msgspec

from mesh_assets.errors import NewerFormatError
from mesh_assets.inventory.records import UNDECODABLE

FORMAT = 1


class _Formatted(msgspec.Struct):
    format: int = 1


_decoder = msgspec.json.Decoder(_Formatted)


def refuse_newer_format(data: bytes, *, source: str) -> None:
    """Raises NewerFormatError, which names `source`, if the JSON says that it has a later format. Text that is not JSON is left
    to whoever decodes it."""
    try:
        found = _decoder.decode(data).format
    except UNDECODABLE:
        return
    if found > FORMAT:
        raise newer_format(found, source=source)


def newer_format(found: int, *, source: str) -> NewerFormatError:
    return NewerFormatError(
        f"{source} has format {found}, but this version of mesh-assets reads only up to format {FORMAT}: a later version wrote it; "
        "update mesh-assets here, or restore the store from a backup made before that version used it"
    )
