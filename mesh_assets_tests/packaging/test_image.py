"""The image, built with the Dockerfile's own steps on Debian's packages, and each of its roles."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from mesh_assets_tests.packaging.dockerfile import command, read_dockerfile
from mesh_assets_tests.packaging.image import Image, build_image, role, why_not_here
from mesh_assets_tests.packaging.roles import (
    NAMES,
    SERVICE,
    commands,
    free_ports,
    run_once,
    started_after,
    write_settings,
)
from mesh_assets_tests.workplace import PROJECT

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(why_not_here() is not None, reason=f"no image here: {why_not_here()}"),
]

MOST_MEGABYTES = 1_100
_LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError {
  __typename ... on PythonError { message } } } } } }"""


class Installation:
    """The image with settings. `ports`: of each role."""

    def __init__(self, image: Image, folder: Path) -> None:
        self.image, self.folder = image, folder
        self.ports = dict(zip(NAMES, free_ports(len(NAMES)), strict=True))
        state, settings = write_settings(folder, image, self.ports["code server"])
        self.places = {"state": state, "settings": settings}

    def once(self, *words: str) -> tuple[int, str]:
        return run_once(self.image, words, log=self.folder / "once.log", **self.places)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    folder = tmp_path_factory.mktemp("image")
    return Installation(build_image(folder), folder)


@pytest.fixture(scope="module")
def roles(installation: Installation) -> Iterator[Installation]:
    """With all of them running."""
    with ExitStack() as running:
        for name, words in commands(installation.ports).items():
            log = installation.folder / f"{name}.log"
            process = running.enter_context(role(installation.image, words, log=log, **installation.places))
            try:
                started_after(
                    name,
                    process,
                    installation.ports[name],
                    image=installation.image,
                    places=installation.places,
                )
            except AssertionError as error:
                raise AssertionError(f"{error}\n{log.read_text('utf-8', errors='replace')}") from error
        yield installation


def test_the_images_default_command_lists_its_commands(installation: Installation) -> None:
    words = command(read_dockerfile(PROJECT / "Dockerfile")[-1].last("CMD"))
    code, said = installation.once(*words)
    assert (code, "Kafka estates" in said) == (0, True), said


def test_the_images_user_writes_in_dagsters_home_and_tmp_and_nowhere_else(installation: Installation) -> None:
    code, said = installation.once("sh", "-c", "id -u && touch /var/lib/mesh-assets/a /tmp/a")
    assert (code, said) == (0, "10001\n")
    for place in ("/", "/opt/mesh-assets", "/etc/mesh-assets", "/usr/local", "/var/log", "/var/tmp"):
        code, said = installation.once("sh", "-c", f"touch {place}/a")
        assert (code, "Read-only file system" in said) == (1, True), (place, said)


def test_the_image_has_no_tool_that_builds_or_installs_python_packages(installation: Installation) -> None:
    for tool in ("pip", "pip3", "hatchling", "uv", "cc", "gcc", "make", "git"):
        assert installation.once("sh", "-c", f"command -v {tool}")[0] != 0, tool
    assert installation.once("python3", "-c", "import pip")[0] == 1


def test_the_image_is_no_larger_than_the_page_says(installation: Installation) -> None:
    assert installation.image.megabytes() < MOST_MEGABYTES


def test_the_webserver_shows_the_code_servers_location(roles: Installation) -> None:
    with httpx.Client(trust_env=False, timeout=120) as client:
        answer = client.post(
            f"http://127.0.0.1:{roles.ports['webserver']}/graphql", json={"query": _LOCATIONS}
        )
    entries: list[dict[str, Any]] = answer.json()["data"]["workspaceOrError"]["locationEntries"]
    assert entries == [{"name": "mesh_assets", "locationOrLoadError": {"__typename": "RepositoryLocation"}}]


def test_the_service_and_the_mcp_server_answer(roles: Installation) -> None:
    with httpx.Client(trust_env=False, timeout=60) as client:
        for name in SERVICE:
            assert client.get(f"http://127.0.0.1:{roles.ports[name]}/healthz").status_code == 200
        assert client.get(f"http://127.0.0.1:{roles.ports['mcp']}/mcp").status_code in (400, 401, 405, 406)


def test_a_run_worker_runs_a_job_and_says_why_a_cluster_cannot_be_read(roles: Installation) -> None:
    code, said = roles.once(
        *("dagster", "job", "execute", "-m", "mesh_assets.definitions", "-j", "discovery"),
        *("--tags", '{"dagster/partition": "warehouse"}'),
    )
    assert code == 1
    assert "127.0.0.1:1 could not be reached" in said, said
