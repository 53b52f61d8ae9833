"""Files of exports: whole or not at all."""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from mesh_assets.errors import ExportError

Chunks = Iterable[bytes]


def write_stdout(chunks: Chunks) -> None:
    """Raises ExportError when nobody can read it, as when it is closed."""
    if sys.stdout is None:
        raise ExportError("stdout is closed; name a file with --out")
    for chunk in chunks:
        sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()


def write_files(files: Iterable[tuple[Path, Chunks]]) -> list[Path]:
    """Writes each file beside its place, and moves them there only when all are written; returns their paths.

    Creates folders. A link stays, and its target is replaced. What is not a file (`/dev/stdout`, a pipe) is written to, never
    replaced. Raises ExportError, which names the file.
    """
    written: list[tuple[Path, Path]] = []
    plain: list[Path] = []
    path = Path()
    try:
        for path, chunks in files:
            if path.is_dir():
                raise ExportError(f"{path} is a folder; name a file")
            if path.exists() and not path.is_file():
                with open(path, "wb") as stream:
                    stream.writelines(chunks)
                plain.append(path)
                continue
            target = path.resolve()
            target.parent.mkdir(parents=True, exist_ok=True)
            beside = target.with_name(f".{target.name[:200]}.{token_hex(4)}.tmp")
            written.append((beside, target))
            with open(beside, "xb") as stream:
                for chunk in chunks:
                    stream.write(chunk)
                stream.flush()
                os.fsync(stream.fileno())
        for beside, target in written:
            beside.replace(target)
    except FileExistsError as error:
        raise ExportError(f"{path} could not be written: {error.filename} is not a folder") from error
    except OSError as error:
        raise ExportError(f"{path} could not be written: {error.strerror or error}") from error
    finally:
        for beside, _ in written:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
    return plain + [target for _, target in written]
