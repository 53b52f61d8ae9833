"""The table of packages and their imports in docs/decisions/rooms.md matches the code; and what tests import."""

import re
from collections.abc import Iterator
from pathlib import Path

import grimp

TABLE = Path(__file__).parents[1] / "docs/decisions/rooms.md"
FAMILIES = {"platforms", "esm", "sandbox"}
"""Many small parts of one kind, which may be large together."""
MOST_LINES = 3_000
EVERYBODYS = {"errors", "importing"}
"""What the table leaves out of the imports, since any package may use it."""


NONE = "\N{EN DASH}"


def rows() -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, imports in re.findall(
        r"^\| `(\w+)` \| (.+) \|$", TABLE.read_text(encoding="utf-8"), re.MULTILINE
    ):
        yield name, () if imports == NONE else tuple(imports.split(", "))


def imports_of_packages() -> dict[str, set[str]]:
    graph = grimp.build_graph("mesh_assets")
    found: dict[str, set[str]] = {child.split(".")[1]: set() for child in graph.find_children("mesh_assets")}
    for module in graph.modules - {"mesh_assets"}:
        package = module.split(".")[1]
        found[package] |= {
            imported.split(".")[1]
            for imported in graph.find_modules_directly_imported_by(module)
            if imported != "mesh_assets"
        }
    return {package: imported - {package} - EVERYBODYS for package, imported in found.items()}


def test_the_table_of_packages_names_each_and_what_it_imports() -> None:
    order = [name for name, _ in rows()]
    actual = imports_of_packages()
    expected = {
        package: tuple(sorted(imported, key=lambda one: order.index(one) if one in order else len(order)))
        for package, imported in actual.items()
    }
    assert dict(rows()) == expected, "\n".join(
        ("write these rows:", *(f"| `{name}` | {', '.join(of) or NONE} |" for name, of in expected.items()))
    )


def test_each_package_of_the_table_imports_only_those_above_it() -> None:
    above: set[str] = set()
    for name, imports in rows():
        assert set(imports) <= above, f"{name} stands above what it imports: move its row down"
        above.add(name)


def test_no_package_but_the_families_is_too_large_to_know() -> None:
    root = Path(__file__).parents[1] / "mesh_assets"
    lines = {
        package.name: sum(
            len(file.read_text(encoding="utf-8").splitlines()) for file in package.rglob("*.py")
        )
        for package in root.iterdir()
        if (package / "__init__.py").is_file() and package.name not in FAMILIES
    }
    assert lines
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_tests_share_code_only_through_modules_that_are_not_tests() -> None:
    imported = re.compile(
        r"^ *(?:from|import) mesh_assets_tests(?:\.\w+)*(?:\.| import .*\b)(?:test_\w+|conftest)\b",
        re.MULTILINE,
    )
    files = list(Path(__file__).parent.rglob("*.py"))
    assert files
    found = {str(file): imported.findall(file.read_text(encoding="utf-8")) for file in files}
    assert {file: lines for file, lines in found.items() if lines} == {}
