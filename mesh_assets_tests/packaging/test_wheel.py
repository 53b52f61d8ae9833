"""The wheel's content and requirements: built once, in half a second, and not installed."""

import re
import zipfile
from collections.abc import Mapping
from email.message import Message
from email.parser import Parser
from importlib import import_module
from importlib.metadata import EntryPoints, packages_distributions
from pathlib import Path

import grimp
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mesh_assets_tests.packaging.wheel import build_wheel
from mesh_assets_tests.workplace import PROJECT

SHIPPED_EXTRAS = {"azure", "dg", "gcs", "kubernetes", "otlp", "postgres", "sandbox", "vault"}
DEVELOPERS_EXTRAS = {"check", "test"}
WITHOUT_A_MODULE = {"dagster-aws", "dagster-webserver"}
"""Named by configuration, or started as a process."""
AT_AN_EDGE = {
    "mesh_assets.platforms.secrets.stores": "vault",
    "mesh_assets.sandbox": "sandbox",
    "mesh_assets.service.otlp": "otlp",
    "mesh_assets.store.azure_blob": "azure",
    "mesh_assets.store.gcs": "gcs",
}
"""Where a package of an extra is imported and the error names the missing extra."""
PARTS = {"botocore": "boto3", "pydantic-core": "pydantic"}
"""Packages that belong to another one, in a version that it pins."""
NOT_OURS_TO_BRING = {"gssapi"}
"""Needs Kerberos' own libraries and a compiler; the error says how to install it."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(build_wheel(tmp_path_factory.mktemp("wheel")))


def _described(wheel: zipfile.ZipFile, name: str) -> str:
    [path] = [path for path in wheel.namelist() if path.endswith(f".dist-info/{name}")]
    return wheel.read(path).decode()


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    return Parser().parsestr(_described(wheel, "METADATA"))


@pytest.fixture(scope="module")
def required(metadata: Message) -> Mapping[str, set[str]]:
    """The packages that each extra requires; the base's under an empty name."""
    found: dict[str, set[str]] = {"": set()}
    for line in metadata.get_all("Requires-Dist", []):
        requirement = Requirement(line)
        named = re.search(r"extra == ['\"]([\w-]+)['\"]", str(requirement.marker or ""))
        found.setdefault(named[1] if named else "", set()).add(canonicalize_name(requirement.name))
    return found


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package_byte_for_byte_and_nothing_else(
    wheel: zipfile.ZipFile,
) -> None:
    files = {
        str(path.relative_to(PROJECT)): path.read_bytes()
        for path in (PROJECT / "mesh_assets").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    held = {name: wheel.read(name) for name in wheel.namelist() if ".dist-info/" not in name}
    assert sorted(held) == sorted(files)
    assert [name for name in files if held[name] != files[name]] == []
    kinds = {Path(name).suffix for name in files}
    assert {".avsc", ".jinja", ".js", ".css", ".json", ".txt", ".yaml"} <= kinds  # it is not only Python


def test_the_wheels_commands_and_components_are_where_it_says(wheel: zipfile.ZipFile) -> None:
    points = EntryPoints._from_text_for(_described(wheel, "entry_points.txt"), None)  # type: ignore[attr-defined]
    found = {(point.group, point.name): point.value for point in points}
    assert found == {
        ("console_scripts", "mesh-assets"): "mesh_assets.cli.main:main",
        ("dagster_dg_cli.registry_modules", "mesh_assets"): "mesh_assets.components",
    }
    for value in found.values():
        module, _, attribute = value.partition(":")
        assert f"{module.replace('.', '/')}.py" in wheel.namelist() or (
            f"{module.replace('.', '/')}/__init__.py" in wheel.namelist()
        )
        assert not attribute or callable(getattr(import_module(module), attribute))


def test_the_wheel_has_the_extras_of_the_readme_and_those_of_developers(metadata: Message) -> None:
    assert set(metadata.get_all("Provides-Extra", [])) == SHIPPED_EXTRAS | DEVELOPERS_EXTRAS
    readme = (PROJECT / "README.md").read_text("utf-8")
    table = readme[readme.index("| Extra |") : readme.index("\n\n", readme.index("| Extra |"))]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == SHIPPED_EXTRAS


def test_every_base_dependency_has_its_reason_in_the_decision(required: Mapping[str, set[str]]) -> None:
    text = (PROJECT / "docs/decisions/what-a-wheel-brings.md").read_text("utf-8")
    rows = re.findall(r"^\| [a-z].* \| ([a-z].*) \|$", text, re.MULTILINE)
    assert {name for row in rows for name in row.split(", ")} == required[""]


@pytest.mark.slow
def test_the_code_imports_exactly_what_it_requires(required: Mapping[str, set[str]]) -> None:
    """A package that only another one brings may disappear with that one's next version."""
    owners = {
        name: {canonicalize_name(owner) for owner in owned}
        for name, owned in packages_distributions().items()
    }
    graph = grimp.build_graph("mesh_assets", include_external_packages=True)
    used: set[str] = set()
    missing = []
    for module in sorted(name for name in graph.modules if name.partition(".")[0] == "mesh_assets"):
        extras = {extra for place, extra in AT_AN_EDGE.items() if f"{module}.".startswith(f"{place}.")}
        here = required[""].union(*(required[extra] for extra in extras))
        for imported in graph.find_modules_directly_imported_by(module):
            top = imported.partition(".")[0]
            if top == "mesh_assets" or top in NOT_OURS_TO_BRING or top not in owners:
                continue  # of the standard library, where no distribution owns it
            brought = {PARTS.get(owner, owner) for owner in owners[top]}
            used |= brought
            if not brought & here:
                missing.append(f"{module} imports {top}, which nothing that it asks for is")
    assert missing == [], "\n".join(missing)
    assert required[""] - used == WITHOUT_A_MODULE, "asked for and imported nowhere"
