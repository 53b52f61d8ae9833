"""Nothing unverified is ever used, nothing is fetched twice."""

import hashlib
import re
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.artifacts import (
    Artifact,
    ensure_artifacts,
    ensure_unpacked,
    machine_cache,
    maven_context,
    pinned_artifacts,
)
from mesh_assets.sandbox.progress import Lines, silent

CONTENT = b"a jar"


def an_artifact(name: str = "thing", content: bytes = CONTENT, packaging: str = "jar") -> Artifact:
    return Artifact(
        group="org.example",
        name=name,
        version="1.0",
        packaging=packaging,
        classifier="",
        part="kafka",
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
    )


class Repository:
    """Stands in for Maven Central: serves bytes and counts."""

    def __init__(self, content: bytes = CONTENT) -> None:
        self.content = content
        self.served: list[str] = []
        self._lock = threading.Lock()

    def download(self, artifact: Artifact, folder: Path) -> Path:
        with self._lock:
            self.served.append(artifact.name)
        path = folder / artifact.file_name
        path.write_bytes(self.content)
        return path


def test_a_file_is_fetched_once_and_then_used_offline(tmp_path: Path) -> None:
    artifacts = [an_artifact("one"), an_artifact("two")]
    repository = Repository()
    ensure_artifacts(artifacts, cache=tmp_path, download=repository.download, progress=silent())
    assert sorted(repository.served) == ["one", "two"]
    assert [a.path(tmp_path).read_bytes() for a in artifacts] == [CONTENT, CONTENT]

    def no_network(artifact: Artifact, folder: Path) -> Path:
        raise AssertionError(f"{artifact.name} was asked for in {folder}, though it is there")

    ensure_artifacts(artifacts, cache=tmp_path, download=no_network, progress=silent())


def test_a_wrong_checksum_is_refused_deleted_and_reported(tmp_path: Path) -> None:
    artifact = an_artifact()
    forged = Repository(b"not what was pinned")
    with pytest.raises(
        SandboxError,
        match=r"org\.example:thing:1\.0:jar has the SHA-256 .* is expected: the file was deleted",
    ):
        ensure_artifacts([artifact], cache=tmp_path, download=forged.download, progress=silent())
    assert not artifact.path(tmp_path).exists()
    assert list(tmp_path.rglob("*.jar")) == []


def test_two_simultaneous_fetches_download_once(tmp_path: Path) -> None:
    artifact = an_artifact()
    repository = Repository()
    with ThreadPoolExecutor(4) as pool:
        for done in [
            pool.submit(
                ensure_artifacts, [artifact], cache=tmp_path, download=repository.download, progress=silent()
            )
            for _ in range(4)
        ]:
            done.result()
    assert repository.served == ["thing"]


def test_a_truncated_file_is_fetched_again(tmp_path: Path) -> None:
    artifact = an_artifact()
    artifact.path(tmp_path).parent.mkdir(parents=True)
    artifact.path(tmp_path).write_bytes(CONTENT[:2])
    ensure_artifacts([artifact], cache=tmp_path, download=Repository().download, progress=silent())
    assert artifact.path(tmp_path).read_bytes() == CONTENT


def test_progress_is_reported_in_plain_lines(tmp_path: Path) -> None:
    lines: list[str] = []
    ensure_artifacts(
        [an_artifact()], cache=tmp_path, download=Repository().download, progress=Lines(lines.append)
    )
    assert lines == [
        "downloading 1 files, 0 MB, once for this machine",
        "  0 MB of 0 MB",
        "all 1 files have the expected SHA-256",
    ]


def test_an_archive_is_unpacked_once_and_whole(tmp_path: Path) -> None:
    archive = an_artifact(packaging="tar.gz")
    path = archive.path(tmp_path)
    path.parent.mkdir(parents=True)
    (tmp_path / "run.jar").write_text("run")
    with tarfile.open(path, "w:gz") as tar:
        tar.add(tmp_path / "run.jar", arcname="run.jar")
    home = ensure_unpacked(archive, cache=tmp_path, progress=silent())
    assert (home / "run.jar").read_text() == "run"
    path.unlink()
    assert ensure_unpacked(archive, cache=tmp_path, progress=silent()) == home


def test_a_broken_archive_leaves_nothing_that_looks_unpacked(tmp_path: Path) -> None:
    archive = an_artifact(packaging="tar.gz")
    archive.path(tmp_path).parent.mkdir(parents=True)
    archive.path(tmp_path).write_bytes(b"no archive")
    with pytest.raises(SandboxError, match="could not be unpacked"):
        ensure_unpacked(archive, cache=tmp_path, progress=silent())
    assert list((tmp_path / "unpacked").iterdir()) == []


def test_the_pinned_list_names_every_file_with_its_digest_and_no_address() -> None:
    pinned = pinned_artifacts()
    assert {a.part for a in pinned} == {"kafka", "connect-file", "apicurio"}
    assert all(re.fullmatch(r"[0-9a-f]{64}", a.sha256) and a.size_bytes > 0 for a in pinned)
    assert {a.version for a in pinned if a.group == "org.apache.kafka"} == {"4.3.1"}
    assert not any("://" in str(a) for a in pinned)


def test_the_cache_is_the_machines_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert machine_cache() == tmp_path / "mesh-assets"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert machine_cache() == Path.home() / ".cache" / "mesh-assets"


def test_the_mirror_in_mavens_own_settings_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = tmp_path / "settings.xml"
    settings.write_text(
        '<settings xmlns="http://maven.apache.org/SETTINGS/1.2.0"><mirrors><mirror><id>m</id><mirrorOf>central</mirrorOf>'
        "<url>http://127.0.0.1:9/maven/</url></mirror></mirrors></settings>"
    )
    monkeypatch.setenv("MAVEN_USER_SETTINGS", str(settings))
    assert maven_context(tmp_path).remote_repos == {"central": "http://127.0.0.1:9/maven"}
