"""Fetching from Maven Central through jgo: the only module that touches the network outside this machine.

Where Maven Central is, decides the machine: the mirror in Maven's own settings, else the repositories in
jgo's, else jgo's default.
"""

import logging
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.artifacts import Artifact

_TIMEOUT_SECONDS = 60
_ATTEMPTS = 3


def maven_context(repo_cache: Path) -> Any:
    """jgo's view of Maven, storing into `repo_cache`."""
    try:
        from jgo.config import GlobalSettings
        from jgo.maven import MavenContext
    except ImportError as error:
        raise SandboxError(
            "the sandbox needs its extra packages: pip install 'mesh-assets[sandbox]'"
        ) from error
    # It warns about a missing `jar` tool, which only matters for starting programs by jgo itself.
    logging.getLogger("jgo.env._builder").setLevel(logging.CRITICAL)
    repositories = _mirror_of_maven_settings() or dict(GlobalSettings.load().repositories) or None
    return MavenContext(repo_cache=repo_cache, remote_repos=repositories, timeout=_TIMEOUT_SECONDS)


def download(artifact: Artifact, folder: Path) -> Path:
    """The artifact's file, fetched into `folder`; its checksum is the caller's to judge."""
    from requests import RequestException

    for attempt in range(1, _ATTEMPTS + 1):
        # A folder an attempt: jgo takes what an interrupted one left for the whole file.
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
        raise SandboxError(f"{settings} is no valid XML: {error}") from error
    namespace = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
    for mirror in root.iter(f"{namespace}mirror"):
        mirrored = {part.strip() for part in (mirror.findtext(f"{namespace}mirrorOf") or "").split(",")}
        url = (mirror.findtext(f"{namespace}url") or "").strip()
        if url and mirrored & {"*", "central", "external:*"} and "!central" not in mirrored:
            return {"central": url.rstrip("/")}
    return None


def _short(error: Exception) -> str:
    # requests puts whole connection objects into its messages; repository addresses may carry credentials, so
    # the type says enough.
    return (
        type(error).__name__
        if not isinstance(error, RuntimeError)
        else "not found in the configured repositories"
    )
