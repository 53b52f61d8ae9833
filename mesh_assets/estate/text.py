"""Text files as people's programs write them: with or without a byte order mark, and in UTF-16 where Windows
PowerShell's `>` wrote them."""

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
"""When a file was last written, in nanoseconds, and its size: what tells that it is another now."""


def stamp_of(path: Path) -> Stamp | None:
    """None where the file cannot be looked at."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def read_text(path: Path, stamps: dict[Path, Stamp | None]) -> str:
    """The file's text. Its stamp of before goes into `stamps`, so that what is written meanwhile is noticed. Raises OSError,
    and ValueError for what is no text or no path."""
    stamps[path] = stamp_of(path)
    return decoded_text(path.read_bytes())
