"""The files from Maven Central: the pinned list, how to fetch them, and the cache of verified files.

The cache serves all sandboxes of a machine: `$XDG_CACHE_HOME/mesh-assets` (default
`~/.cache/mesh-assets`). A file gets its final name there only after its SHA-256 matched the list, so anything
in the cache can be used without asking again. Fetching, through jgo, is the only thing that the sandbox does
outside this machine.
"""

import hashlib
import json
import logging
import os
import shutil
import tarfile
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.folder import locked
from mesh_assets.sandbox.progress import Progress

_DOWNLOADS_IN_FLIGHT = 6
# Another process may be downloading everything over a slow line.
_LOCK_SECONDS = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One pinned file. `part`: `kafka` (on its class path), `connect-file` (the plugin) or `apicurio` (the archive)."""

    group: str
    name: str
    version: str
    packaging: str
    classifier: str
    part: str
    sha256: str
    size_bytes: int

    @property
    def file_name(self) -> str:
        classifier = f"-{self.classifier}" if self.classifier else ""
        return f"{self.name}-{self.version}{classifier}.{self.packaging}"

    @property
    def coordinates(self) -> str:
        return ":".join(filter(None, (self.group, self.name, self.version, self.packaging, self.classifier)))

    def path(self, cache: Path) -> Path:
        # The digest is part of the path: a changed pin never picks up an old file.
        return cache / "artifacts" / self.part / self.sha256[:16] / self.file_name


Download = Callable[[Artifact, Path], Path]
"""Fetches an artifact into a folder; returns the file."""


def pinned_artifacts() -> tuple[Artifact, ...]:
    """The committed list; `python -m mesh_assets.sandbox.pin` rewrites it."""
    text = resources.files("mesh_assets.sandbox").joinpath("artifacts.json").read_text()
    return tuple(Artifact(**entry) for entry in json.loads(text))


def machine_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "mesh-assets"


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def ensure_artifacts(
    artifacts: Sequence[Artifact], *, cache: Path, download: Download, progress: Progress
) -> None:
    """Put every missing artifact into the cache, verified. Needs no network when none is missing.

    Raises `SandboxError` when a file cannot be fetched or has the wrong SHA-256.
    """
    if not _missing(artifacts, cache):
        return
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / "download.lock", timeout_seconds=_LOCK_SECONDS, what=f"the downloads in {cache}"):
        # Another process may have fetched them while this one waited.
        missing = _missing(artifacts, cache)
        if not missing:
            return
        with (
            tempfile.TemporaryDirectory(prefix="incoming-", dir=cache) as incoming,
            progress.download(missing) as count,
        ):
            pool = ThreadPoolExecutor(_DOWNLOADS_IN_FLIGHT, thread_name_prefix="download")
            try:
                waiting = {
                    pool.submit(_fetch, a, cache=cache, incoming=Path(incoming), download=download): a
                    for a in missing
                }
                for done in as_completed(waiting):
                    done.result()
                    count(waiting[done])
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def ensure_unpacked(archive: Artifact, *, cache: Path, progress: Progress) -> Path:
    """The folder of the unpacked archive, made once. Raises `SandboxError` when it cannot be unpacked."""
    target = cache / "unpacked" / f"{archive.name}-{archive.version}-{archive.sha256[:16]}"
    if target.is_dir():
        return target
    with locked(cache / "download.lock", timeout_seconds=_LOCK_SECONDS, what=f"the downloads in {cache}"):
        if target.is_dir():
            return target
        progress.say(f"unpacking {archive.file_name}")
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix="incoming-", dir=target.parent))
        try:
            with tarfile.open(archive.path(cache)) as tar:
                tar.extractall(fresh, filter="data")
            fresh.replace(target)
        except (tarfile.TarError, OSError) as error:
            raise SandboxError(f"{archive.file_name} could not be unpacked into {target}: {error}") from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return target


def _missing(artifacts: Sequence[Artifact], cache: Path) -> list[Artifact]:
    """Those absent or not of their full size, e.g. because the disk filled up."""
    return [a for a in artifacts if not _is_there(a, cache)]


def _is_there(artifact: Artifact, cache: Path) -> bool:
    try:
        return artifact.path(cache).stat().st_size == artifact.size_bytes
    except FileNotFoundError:
        return False


def _fetch(artifact: Artifact, *, cache: Path, incoming: Path, download: Download) -> None:
    fetched = download(artifact, incoming)
    actual = sha256_of(fetched)
    if actual != artifact.sha256:
        fetched.unlink()
        raise SandboxError(
            f"{artifact.coordinates} has the SHA-256 {actual}, but {artifact.sha256} is expected: "
            "the file was deleted and is not used; check the Maven repository this machine is configured for"
        )
    target = artifact.path(cache)
    target.parent.mkdir(parents=True, exist_ok=True)
    fetched.replace(target)


_TIMEOUT_SECONDS = 60
_ATTEMPTS = 3


def maven_context(repo_cache: Path) -> Any:
    """jgo's view of Maven, with `repo_cache` as its local repository.

    This machine's settings decide where Maven Central is: the mirror in Maven's own settings, else the
    repositories in jgo's, else jgo's default. Raises `SandboxError` when jgo is not installed.
    """
    try:
        from jgo.config import GlobalSettings
        from jgo.maven import MavenContext
    except ImportError as error:
        raise SandboxError(
            "the sandbox needs its extra packages: pip install 'mesh-assets[sandbox]'"
        ) from error
    # It warns about a missing `jar` tool, which only matters for starting programs with jgo.
    logging.getLogger("jgo.env._builder").setLevel(logging.CRITICAL)
    repositories = _mirror_of_maven_settings() or dict(GlobalSettings.load().repositories) or None
    return MavenContext(repo_cache=repo_cache, remote_repos=repositories, timeout=_TIMEOUT_SECONDS)


def download(artifact: Artifact, folder: Path) -> Path:
    """Fetch the artifact into `folder`; the caller checks its checksum. Raises `SandboxError` when it cannot be fetched."""
    from requests import RequestException

    for attempt in range(1, _ATTEMPTS + 1):
        # A folder for each attempt: jgo mistakes the remains of an interrupted one for the whole file.
        context = maven_context(folder / f"attempt-{attempt}")
        component = context.project(artifact.group, artifact.name).at_version(artifact.version)
        try:
            return Path(component.artifact(artifact.classifier, artifact.packaging).resolve())
        except (RequestException, RuntimeError, OSError) as error:
            if attempt == _ATTEMPTS:
                raise SandboxError(
                    f"{artifact.coordinates} could not be fetched from Maven Central: {_short(error)}; "
                    "the first start needs the network (or a mirror in ~/.m2/settings.xml), later ones do not"
                ) from error
    raise AssertionError("unreachable")


def _mirror_of_maven_settings() -> dict[str, str] | None:
    """The mirror of Maven Central named in Maven's user settings, if any."""
    settings = Path(os.environ.get("MAVEN_USER_SETTINGS") or Path.home() / ".m2" / "settings.xml")
    try:
        root = ElementTree.parse(settings).getroot()
    except FileNotFoundError:
        return None
    except ElementTree.ParseError as error:
        raise SandboxError(f"{settings} is not valid XML: {error}") from error
    namespace = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
    for mirror in root.iter(f"{namespace}mirror"):
        mirrored = {part.strip() for part in (mirror.findtext(f"{namespace}mirrorOf") or "").split(",")}
        url = (mirror.findtext(f"{namespace}url") or "").strip()
        if url and mirrored & {"*", "central", "external:*"} and "!central" not in mirrored:
            return {"central": url.rstrip("/")}
    return None


def _short(error: Exception) -> str:
    # requests puts whole connection objects into its messages, and repository addresses may carry credentials:
    # the type says enough.
    return (
        type(error).__name__
        if not isinstance(error, RuntimeError)
        else "not found in the configured repositories"
    )
