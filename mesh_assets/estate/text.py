"""Text files as people's programs write them: with or without a byte order mark, and in UTF-16 if Windows PowerShell's
`>` wrote them."""

import codecs
from pathlib import Path

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decoded_text(data: bytes) -> str:
    """The text without its byte order mark, lines ending in `\\n`. Raises UnicodeDecodeError."""
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    return data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")


Stamp = tuple[int, int]
"""When a file was last written, in nanoseconds, and its size: what shows that it has changed."""


def stamp_of(path: Path) -> Stamp | None:
    """None if the file cannot be examined."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def read_text(path: Path, stamps: dict[Path, Stamp | None]) -> str:
    """The file's text. Its stamp from before reading goes into `stamps`, so that a write in the meantime is noticed. Raises
    OSError, and ValueError for something that is not text or not a path."""
    stamps[path] = stamp_of(path)
    return decoded_text(path.read_bytes())
