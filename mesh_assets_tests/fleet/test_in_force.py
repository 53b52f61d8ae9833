"""While people edit the estate file, everything continues with the last good one."""

import logging
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mesh_assets.errors import EstateError
from mesh_assets.estate.file import load_estate, parse_estate
from mesh_assets.fleet import in_force
from mesh_assets.fleet.in_force import EstateInForce, estate_in_force
from mesh_assets.fleet.last_good import keep_last_good, last_good
from mesh_assets.store.folder import FolderStore

ONE = "clusters:\n  a: {kafka: {bootstrap_servers: 'a:1'}}\n"
TWO = f"{ONE}  b: {{kafka: {{bootstrap_servers: 'b:1'}}}}\n"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "estate.yaml"
    path.write_text(ONE)
    return path


@pytest.fixture
def objects(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def in_a_process(file: Path, objects: FolderStore) -> EstateInForce:
    """As in a new process, which knows nothing yet."""
    return EstateInForce(file, lambda: objects)


def names(estate: EstateInForce) -> list[str]:
    return list(estate.now().estate.clusters)


def test_a_change_is_in_force_at_the_next_look(file: Path, objects: FolderStore) -> None:
    estate = in_a_process(file, objects)
    assert names(estate) == ["a"]

    file.write_text(TWO)
    assert names(estate) == ["a", "b"]


def test_a_file_that_did_not_change_is_not_read_again(file: Path, objects: FolderStore) -> None:
    estate = in_a_process(file, objects)
    assert estate.now() is estate.now()


def test_names_are_at_most_a_second_old(
    file: Path, objects: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(in_force, "monotonic", lambda: clock[0])
    estate = in_a_process(file, objects)
    assert list(estate.lately().estate.clusters) == ["a"]

    file.write_text(TWO)
    clock[0] += 0.9
    assert list(estate.lately().estate.clusters) == ["a"]
    clock[0] += 0.2
    assert list(estate.lately().estate.clusters) == ["a", "b"]


@pytest.mark.parametrize("broken", ["clusters:\n  a: {kafka: {}}\n", "clusters: [", "", None])
def test_a_broken_file_leaves_the_last_good_one_in_force_and_says_so_once(
    file: Path, objects: FolderStore, caplog: pytest.LogCaptureFixture, broken: str | None
) -> None:
    estate = in_a_process(file, objects)
    assert names(estate) == ["a"]
    if broken is None:
        file.unlink()
    else:
        file.write_text(broken)

    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            known = estate.now()
            assert list(known.estate.clusters) == ["a"]
            assert known.fault is not None
            assert "estate.yaml" in known.fault

        [said] = caplog.messages
        assert said.startswith("the estate file is broken; the last good one stays in force (1 cluster): ")
        file.write_text(TWO)
        assert (names(estate), estate.now().fault) == (["a", "b"], None)
        assert caplog.messages[1:] == [f"the estate file {file} is sound again, and in force"]


def test_answers_meanwhile_say_since_when_the_file_is_broken_however_it_is(
    file: Path, objects: FolderStore
) -> None:
    moment = [datetime(2026, 11, 29, 22, 10, tzinfo=UTC)]
    estate = EstateInForce(file, lambda: objects, clock=lambda: moment[0])
    assert estate.now().problem is None

    for broken in ("clusters: {}\n", "clusters: [\n"):
        file.write_text(broken)
        known = estate.now()
        assert known.problem == (
            "the estate file is broken (seen since 2026-11-29 22:10:00 UTC); until it is fixed, the last good estate stays in "
            f"force, with 1 cluster: {known.fault}"
        )
        moment[0] += timedelta(hours=1)

    file.write_text(TWO)
    assert estate.now().problem is None
    file.write_text("clusters: {}\n")
    assert "seen since 2026-11-30 00:10:00 UTC" in (estate.now().problem or "")


def test_a_process_that_starts_while_the_file_is_broken_continues_with_the_stored_one(
    file: Path, objects: FolderStore
) -> None:
    file.write_text(TWO)
    assert in_a_process(file, objects).keep()
    file.write_text("clusters: {}\n")

    known = in_a_process(file, objects).now()

    assert list(known.estate.clusters) == ["a", "b"]
    assert known.fault == f"{file}:1: clusters: names no cluster; expected at least one"


def test_a_broken_file_is_never_stored_and_a_good_one_is_written_once(
    file: Path, objects: FolderStore
) -> None:
    estate = in_a_process(file, objects)
    assert estate.keep()
    assert not estate.keep()
    file.write_text("clusters: {}\n")
    assert not estate.keep()
    file.write_text(TWO)
    assert estate.keep()


def test_without_any_good_one_the_fault_is_raised(file: Path, objects: FolderStore) -> None:
    file.write_text("clusters: {}\n")
    with pytest.raises(EstateError, match="names no cluster"):
        in_a_process(file, objects).now()


def test_the_stored_estate_of_another_file_is_ignored(
    file: Path, objects: FolderStore, tmp_path: Path
) -> None:
    in_a_process(file, objects).keep()
    with pytest.raises(EstateError, match="there is no estate file"):
        in_a_process(tmp_path / "other.yaml", objects).now()


@pytest.mark.parametrize("kept", [b"{", b'{"path": "x", "estate": {"clusters": {}}}', b'{"format": 2}'])
def test_an_unreadable_stored_estate_is_reported_beside_the_fault_of_the_file(
    file: Path, objects: FolderStore, kept: bytes
) -> None:
    in_a_process(file, objects).keep()
    [entry] = objects.list("private/estates/")
    objects.put(entry.key, kept)
    file.write_text("clusters: {}\n")

    with pytest.raises(EstateError) as caught:
        in_a_process(file, objects).now()

    first, second = str(caught.value).splitlines()
    assert "names no cluster" in first
    assert second.startswith(f"the last good estate cannot be read either: {objects.location(entry.key)} ")


@pytest.mark.parametrize("page", ["policy", "findings", "triggers", "store"])
def test_a_stored_estate_reads_back_as_it_was(file: Path, objects: FolderStore, page: str) -> None:
    example = (ROOT / "mesh_assets/configuration/project/estate.yaml").read_text()
    parts = re.findall(r"```yaml\n(.*?)```", (ROOT / f"docs/{page}.md").read_text(), re.DOTALL)
    assert parts
    for part in parts:
        estate = parse_estate(example + part, source=str(file))

        keep_last_good(objects, file, estate)

        assert last_good(objects, file) == estate


def test_a_process_has_one_for_each_file(file: Path, tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    assert estate_in_force(file, store) is estate_in_force(file, store)
    assert estate_in_force(file, store) is not estate_in_force(file, str(tmp_path / "other"))
    assert estate_in_force(file, store).now().estate == load_estate(file)
