import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from mesh_assets.errors import ConflictError, StoreError
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.layout import open_store

_ROUNDS = 20


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def _add_one_often(root: Path) -> int:
    """Increments a number with compare-and-swap. Returns the number of conflicts."""
    store, conflicts, done = FolderStore(root), 0, 0
    while done < _ROUNDS:
        found = store.get("number")
        assert found is not None
        try:
            store.put_if("number", str(int(found[0]) + 1).encode(), found[1])
            done += 1
        except ConflictError:
            conflicts += 1
    return conflicts


def _create(root: Path) -> bool:
    try:
        FolderStore(root).put_new("a/new", str(os.getpid()).encode())
    except ConflictError:
        return False
    return True


def _write_and_drop(root: Path) -> None:
    store = FolderStore(root)
    for _ in range(_ROUNDS):
        store.put("a/b/c", b"x" * 100_000)
        store.delete("a/b/c")


def _four_times(workers: Executor, job: Callable[[Path], object], root: Path) -> list[object]:
    return list(workers.map(job, [root] * 4))


@pytest.fixture(scope="module", params=["processes", "threads"])
def workers(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """Four that begin at once."""
    pool = (
        ThreadPoolExecutor(4)
        if request.param == "threads"
        else ProcessPoolExecutor(4, mp_context=get_context("spawn"))
    )
    with pool:
        yield pool


@pytest.mark.slow
def test_no_update_is_lost_under_concurrent_compare_and_swap(
    store: FolderStore, tmp_path: Path, workers: Executor
) -> None:
    store.put("number", b"0")
    _four_times(workers, _add_one_often, tmp_path / "store")
    found = store.get("number")
    assert found is not None
    assert found[0] == str(4 * _ROUNDS).encode()


@pytest.mark.slow
def test_only_one_of_several_creates_an_object(tmp_path: Path, workers: Executor) -> None:
    created = _four_times(workers, _create, tmp_path / "store")
    assert sorted(map(bool, created)) == [False, False, False, True]


def test_folders_that_appear_and_disappear_disturb_no_writer(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        _four_times(threads, _write_and_drop, tmp_path / "store")
    assert FolderStore(tmp_path / "store").list("") == []


def test_a_reader_never_sees_half_an_object(store: FolderStore) -> None:
    contents = [bytes([letter]) * 500_000 for letter in b"ab"]
    store.put("a", contents[0])
    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(lambda: [store.put("a", contents[number % 2]) for number in range(40)])
        while not writing.done():
            found = store.get("a")
            assert found is not None
            assert found[0] in contents


def test_what_a_killed_process_was_writing_is_invisible_and_removed_after_a_day(
    store: FolderStore, tmp_path: Path
) -> None:
    store.put("a", b"1")
    left = tmp_path / "store" / ".tmp" / "4711-left"
    left.write_bytes(b"half")
    assert [entry.key for entry in store.list("")] == ["a"]
    store.put("b", b"2")
    assert left.exists()
    yesterday = time.time() - 90_000
    os.utime(left, (yesterday, yesterday))
    store.put("b", b"3")
    assert not left.exists()


def test_the_lock_of_a_killed_process_is_free(store: FolderStore, tmp_path: Path) -> None:
    store.put("a", b"1")
    program = "import fcntl, os, signal, sys; fcntl.flock(open(sys.argv[1], 'ab'), fcntl.LOCK_EX); os.kill(os.getpid(), signal.SIGKILL)"
    subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "store" / ".lock")], timeout=30, check=False
    )
    store.put("a", b"2")


def test_a_write_leaves_nothing_but_the_object(store: FolderStore, tmp_path: Path) -> None:
    store.put("a/b", b"1")
    with pytest.raises(ConflictError):
        store.put_new("a/b", b"2")
    files = {
        path.relative_to(tmp_path / "store").as_posix()
        for path in (tmp_path / "store").rglob("*")
        if path.is_file()
    }
    assert files == {"a/b", ".lock"}


def test_nothing_in_the_store_is_open_to_others(store: FolderStore, tmp_path: Path) -> None:
    before = os.umask(0o000)
    try:
        store.put("a/b/c", b"x")
        store.put_new("a/d", b"x")
        store.delete("a/d")
    finally:
        os.umask(before)

    root = tmp_path / "store"
    modes = {path.name: path.stat().st_mode & 0o777 for path in (root, *root.rglob("*"))}

    assert modes == {"store": 0o770, ".tmp": 0o770, ".lock": 0o660, "a": 0o770, "b": 0o770, "c": 0o660}


def test_objects_have_no_more_rights_than_the_umask_leaves(store: FolderStore, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        store.put("a", b"1")
    finally:
        os.umask(before)
    assert (tmp_path / "store" / "a").stat().st_mode & 0o777 == 0o640


def test_a_store_that_is_not_a_folder_is_a_sentence_that_names_mesh_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="MESH_STORE"):
        FolderStore(tmp_path / "file").put_new("a", b"1")
    with pytest.raises(StoreError, match=r"MESH_STORE is .*, which is a file; expected a folder"):
        open_store(str(tmp_path / "file"))


def test_an_unlistable_folder_is_an_error_and_not_empty(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a/b", b"1")

    def refused(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(StoreError, match="a could not be read: Permission denied"):
        store.list("a/")


def test_things_that_are_not_files_are_not_listed_and_unreadable_ones_are_an_error(
    store: FolderStore, tmp_path: Path
) -> None:
    store.put("a/b", b"1")
    os.mkfifo(tmp_path / "store/a/pipe")  # opening it would block forever
    (tmp_path / "store/a/dangling").symlink_to("nowhere")
    assert [entry.key for entry in store.list("a/")] == ["a/b"]
    (tmp_path / "store/a/round").symlink_to("round")
    with pytest.raises(StoreError, match="round could not be read: Too many levels of symbolic links"):
        store.list("a/")


def test_a_file_whose_name_is_not_a_key_is_not_listed(store: FolderStore, tmp_path: Path) -> None:
    store.put("a/b", b"1")
    (tmp_path / "store/a/back\\slash").write_text("")
    (tmp_path / os.fsdecode(b"store/a/no-text-\xff")).write_text("")

    assert [entry.key for entry in store.list("a/")] == ["a/b"]


def test_a_large_object_replaced_by_one_of_the_same_size_has_another_version(
    store: FolderStore, tmp_path: Path
) -> None:
    """Large content is not hashed at each reading."""
    key, size = "inventories/a.json", 2_000_000
    store.put_new(key, b"a" * size)
    first = store.get(key)
    assert first is not None
    assert store.get(key) == first

    FolderStore(tmp_path / "store").put(key, b"b" * size)

    with pytest.raises(ConflictError, match="written by another"):
        store.delete_if(key, first[1])
    second = store.get(key)
    assert second is not None
    assert (second[0][:1], second[1] == first[1]) == (b"b", False)
    store.delete_if(key, second[1])
    assert store.get(key) is None
