"""Class archives are built once, from the lists of all servers that share one; everything works without them."""

from pathlib import Path

import pytest

from mesh_assets.sandbox.folder import Folder, locked
from mesh_assets.sandbox.java import ClassArchive, make_missing_archives
from mesh_assets.sandbox.progress import Lines

# Does what `java -Xshare:dump` does: reads a list, writes an archive.
DUMPS = """\
#!/bin/sh
for argument in "$@"; do
  case "$argument" in
    -XX:SharedClassListFile=*) list="${argument#*=}" ;;
    -XX:SharedArchiveFile=*) archive="${argument#*=}" ;;
  esac
done
cp "$list" "$archive"
"""
FAILS = "#!/bin/sh\necho 'no space left' >&2\nexit 1\n"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "box")
    made.make()
    return made


def an_archive(tmp_path: Path, java: str = DUMPS, *, flags: tuple[str, ...] = ()) -> ClassArchive:
    home = tmp_path / "jvm"
    for part in ("bin", "lib"):
        (home / part).mkdir(parents=True, exist_ok=True)
    (home / "release").write_text('JAVA_VERSION="25"\n')
    (home / "lib" / "modules").write_text("modules")
    (home / "bin" / "java").write_text(java)
    (home / "bin" / "java").chmod(0o755)
    return ClassArchive(
        name="kafka",
        home=tmp_path / "classes",
        jvm=(str(home / "bin" / "java"), *flags),
        class_path="kafka.jar",
        servers=("broker", "connect"),
    )


def list_classes(archive: ClassArchive, folder: Folder, server: str, text: str) -> None:
    (flag,) = archive.flags(folder, server)
    option, _, path = flag.partition("=")
    assert option == "-XX:DumpLoadedClassList"
    Path(path).write_text(text)


def test_an_archive_is_built_from_the_lists_of_all_who_share_it_and_used_from_then_on(
    tmp_path: Path, folder: Folder
) -> None:
    archive = an_archive(tmp_path)
    lines: list[str] = []
    list_classes(archive, folder, "broker", "# NOTE\njava/lang/Object id: 0\nkafka/Kafka id: 1\nkafka/Ka")
    make_missing_archives([archive], folder, Lines(lines.append))
    assert not archive.file.exists()
    list_classes(
        archive,
        folder,
        "connect",
        "java/lang/Object id: 0\nown/Plugin id: 7 source: file.jar\n@lambda-proxy a b\n",
    )
    make_missing_archives([archive], folder, Lines(lines.append))
    # Without ids, what depends on them, and a line that was still being written.
    assert archive.file.read_text().splitlines() == ["java/lang/Object", "kafka/Kafka", "@lambda-proxy a b"]
    assert archive.flags(folder, "broker") == (f"-XX:SharedArchiveFile={archive.file}",)
    assert list(folder.run.glob("*.classes")) == []
    make_missing_archives([archive], folder, Lines(lines.append))
    assert lines == ["making archives of the servers' classes, once for this machine"]


def test_other_flags_have_another_archive(tmp_path: Path) -> None:
    assert an_archive(tmp_path).file != an_archive(tmp_path, flags=("-XX:+UseG1GC",)).file


def test_a_failure_is_reported_and_leaves_nothing_that_looks_like_an_archive(
    tmp_path: Path, folder: Folder
) -> None:
    archive = an_archive(tmp_path, FAILS)
    lines: list[str] = []
    for server in archive.servers:
        list_classes(archive, folder, server, "java/lang/Object\n")
    make_missing_archives([archive], folder, Lines(lines.append))
    assert lines[1:] == [
        "no class archives were made, so the next start is no faster than this one: "
        "the JVM could not archive the classes of kafka: no space left"
    ]
    assert [path.name for path in archive.home.iterdir()] == ["making.lock"]


def test_another_command_that_is_building_them_is_not_waited_for(tmp_path: Path, folder: Folder) -> None:
    archive = an_archive(tmp_path)
    for server in archive.servers:
        list_classes(archive, folder, server, "java/lang/Object\n")
    archive.home.mkdir()
    with locked(archive.home / "making.lock", timeout_seconds=0, what="the test"):
        make_missing_archives([archive], folder, Lines(lambda _: None))
    assert not archive.file.exists()
