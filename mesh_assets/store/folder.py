"""A folder as an object store. Safe across threads, processes, and machines that share the file system's locks."""

import fcntl
import hashlib
import os
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from mesh_assets.errors import ConflictError, StoreError
from mesh_assets.store.objects import PRIVATE, StoredObject, checked_key, is_key

_LOCK_SECONDS = 30.0  # the lock is held for a rename and an fsync: milliseconds
_ABANDONED_SECONDS = 86_400.0
# Bytes. Of files from this size on, which take longer to write than the clock of the file system takes to move on, what was read
# once is not added up again while the file is the same: a document of 26 MB is read three times in a discovery.
_LARGE = 1 << 20
_Stamp = tuple[int, int, int]


class FolderStore:
    """Objects are files below `root`. `.tmp` holds files being written; `.lock` is locked while something is
    replaced or removed.

    A file appears under its key complete and synced, or not at all: it is written to `.tmp`, then linked
    (create-only) or renamed. The version is the SHA-256 of the content. Modes follow the umask, but never
    give access to others: documents name every topic and hold configs.
    """

    shared = False

    def __init__(self, root: Path) -> None:
        self._root = root
        self._temporary = root / ".tmp"
        self._seen: dict[Path, tuple[_Stamp, str]] = {}

    def get(self, key: str) -> tuple[bytes, str] | None:
        path = self._path(key)
        try:
            with open(path, "rb") as file:
                stamp, data = _stamp(os.fstat(file.fileno())), file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StoreError(f"{path} could not be read: {error.strerror}") from error
        known = self._seen.get(path)
        if known is not None and known[0] == stamp:
            return data, known[1]
        version = _version(data)
        if len(data) >= _LARGE:
            self._seen[path] = stamp, version
        return data, version

    def put(self, key: str, data: bytes) -> str:
        path = self._path(key)
        with self._written(key, data) as temporary, self._locked():
            self._place(temporary, path, os.replace)
        return _version(data)

    def put_new(self, key: str, data: bytes) -> str:
        path = self._path(key)
        with self._written(key, data) as temporary:
            self._place(temporary, path, os.link)
        return _version(data)

    def put_if(self, key: str, data: bytes, version: str) -> str:
        path = self._path(key)
        with self._written(key, data) as temporary, self._locked():
            self._expect(key, version)
            self._place(temporary, path, os.replace)
        return _version(data)

    def delete(self, key: str) -> None:
        path = self._path(key)
        with _store_errors(path, "removed"), self._locked(), suppress(FileNotFoundError):
            self._remove(path)

    def delete_if(self, key: str, version: str) -> None:
        path = self._path(key)
        with _store_errors(path, "removed"), self._locked():
            self._expect(key, version)
            self._remove(path)

    def list(self, prefix: str) -> "list[StoredObject]":
        folder_part = prefix.rpartition("/")[0]
        top = self._root / (checked_key(folder_part) if folder_part else "")
        found = []
        for folder, folders, files in os.walk(top, onerror=_unreadable):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in files:
                path = Path(folder, name)
                key = path.relative_to(self._root).as_posix()
                if key.startswith(prefix) and is_key(key):
                    try:
                        status = path.stat()
                    except OSError as error:
                        _unreadable(error)  # unless it was removed since it was listed
                        continue
                    if stat.S_ISREG(status.st_mode):  # reading a pipe would wait forever
                        found.append(
                            StoredObject(
                                key=key,
                                bytes=status.st_size,
                                modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
                            )
                        )
        return sorted(found, key=lambda entry: entry.key)

    def uri(self, key: str) -> str:
        return self._path(key).absolute().as_uri()

    def location(self, key: str) -> str:
        return str(self._path(key))

    def _path(self, key: str) -> Path:
        return self._root / checked_key(key)

    def _expect(self, key: str, version: str) -> None:
        path = self._path(key)
        if (known := self._seen.get(path)) is not None and known[1] == version:
            # Opened, since a network file system asks its server then; what it says of a name may be a minute old.
            with suppress(OSError), open(path, "rb") as file:
                if _stamp(os.fstat(file.fileno())) == known[0]:
                    return
        current = self.get(key)
        if current is None:
            raise ConflictError(f"{self._path(key)} is gone")
        if current[1] != version:
            raise ConflictError(f"{self._path(key)} has been written by another process")

    @contextmanager
    def _written(self, key: str, data: bytes) -> Iterator[Path]:
        """A synced temporary file with the data, removed at the end unless it was renamed."""
        path = self._temporary / f"{os.getpid()}-{uuid.uuid4().hex}"
        with _store_errors(self._path(key), "written"):
            if not self._temporary.is_dir():
                _make_folder(self._temporary)
            self._drop_abandoned()
            try:
                opener = _for_the_owner if key.startswith(PRIVATE) else _not_for_others
                with open(path, "xb", opener=opener) as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                yield path
            finally:
                path.unlink(missing_ok=True)

    def _place(self, temporary: Path, path: Path, how: Callable[[Path, Path], None]) -> None:
        # Removing an object also removes folders that it leaves empty, perhaps the one just created here.
        for _ in range(20):
            missing = _make_folder(path.parent)
            try:
                how(temporary, path)
            except FileNotFoundError:
                continue
            except FileExistsError as error:
                raise ConflictError(f"{path} exists already") from error
            for folder in (path.parent, *(parent.parent for parent in missing)):
                _sync_folder(folder)
            return
        raise StoreError(f"{path.parent} keeps disappearing while {path.name} is written")

    def _remove(self, path: Path) -> None:
        path.unlink()
        _sync_folder(path.parent)
        for parent in path.parents:
            if parent == self._root:
                break
            try:
                parent.rmdir()
            except OSError:  # not empty: still in use
                break

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time. The kernel frees the lock of a process that dies."""
        path = self._root / ".lock"
        _make_folder(self._root)
        with open(path, "ab", opener=_not_for_others) as file:
            deadline = time.monotonic() + _LOCK_SECONDS
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if time.monotonic() > deadline:
                        raise StoreError(
                            f"{path} has been locked by another process for {_LOCK_SECONDS:.0f} s; see who holds it"
                        ) from error
                    time.sleep(0.002)
            yield

    def _drop_abandoned(self) -> None:
        """Removes what a killed process left in `.tmp` long ago."""
        oldest = time.time() - _ABANDONED_SECONDS
        for entry in os.scandir(self._temporary):
            with suppress(FileNotFoundError):
                if entry.stat().st_mtime < oldest:
                    os.unlink(entry.path)


def _stamp(status: os.stat_result) -> _Stamp:
    return status.st_ino, status.st_size, status.st_ctime_ns


def _not_for_others(path: str, flags: int) -> int:
    return os.open(path, flags, 0o660)


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _make_folder(path: Path) -> list[Path]:
    """Also makes missing parents, which `Path.mkdir` would create with the default mode. Returns those that were missing."""
    if path.is_dir():  # usually: looking at each parent takes longer than writing a small file
        return []
    missing = [folder for folder in (*reversed(path.parents), path) if not folder.is_dir()]
    for folder in missing:
        folder.mkdir(mode=0o770, exist_ok=True)
    return missing


def _unreadable(error: OSError) -> None:
    """Anything that does not exist is empty; anything that cannot be read is an error."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise StoreError(f"{error.filename} could not be read: {error.strerror}") from error


def _version(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sync_folder(path: Path) -> None:
    """Makes adding, renaming or removing a name in the folder survive a power failure."""
    with suppress(FileNotFoundError):  # another process removed it as empty
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _store_errors(path: Path, done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{path} could not be {done}: {error.strerror}; the store (MESH_STORE) must be a folder you can write to"
        ) from error
