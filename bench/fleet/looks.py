"""What the probe records: a line for each visit of a sensor to a cluster."""

from pathlib import Path

import msgspec


class Look(msgspec.Struct):
    """`began`: seconds since 1970. `failed`: the first words of the reason."""

    sensor: str
    cluster: str
    began: float
    seconds: float
    failed: str | None = None


def read_looks(path: Path) -> list[Look]:
    """An incomplete line was being written when its process was killed."""
    decode = msgspec.json.Decoder(Look).decode
    return [decode(line) for line in path.read_bytes().split(b"\n")[:-1]]
