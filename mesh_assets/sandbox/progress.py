"""How the sandbox reports what it is doing to its caller, since the library itself prints nothing."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Sized(Protocol):
    """What a download's progress needs to know about a file."""

    @property
    def file_name(self) -> str: ...

    @property
    def size_bytes(self) -> int: ...


class Progress(Protocol):
    """`say` reports one line; `download` shows files arriving and yields a function to call for each."""

    def say(self, line: str) -> None: ...

    def download(self, files: Sequence[Sized]) -> AbstractContextManager[Callable[[Sized], None]]: ...


class Lines:
    """Progress as plain lines passed to a function: for logs, tests and output that is not a terminal."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def say(self, line: str) -> None:
        self._write(line)

    @contextmanager
    def download(self, files: Sequence[Sized]) -> Iterator[Callable[[Sized], None]]:
        total = sum(f.size_bytes for f in files)
        done = 0
        next_tenth = 1
        self._write(f"downloading {len(files)} files, {_megabytes(total)}, once for this machine")

        def count(file: Sized) -> None:
            nonlocal done, next_tenth
            done += file.size_bytes
            if done * 10 >= total * next_tenth:
                next_tenth = done * 10 // total + 1
                self._write(f"  {_megabytes(done)} of {_megabytes(total)}")

        yield count
        self._write(f"all {len(files)} files have the expected SHA-256")


def _megabytes(count: int) -> str:
    return f"{count / 1_000_000:.0f} MB"


def silent() -> Lines:
    return Lines(lambda _: None)
