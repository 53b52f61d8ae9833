"""Imports inside functions run in whatever thread comes first: each is under the one lock."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import mesh_assets

_ROOT = Path(mesh_assets.__file__).parent
# Each is the only one in its process, in its main thread.
_WITHOUT_THREADS = ("cli", "mapping_commands", "sandbox")


def unlocked(tree: ast.AST, *, inside: bool = False, locked: bool = False) -> Iterator[int]:
    """The lines of imports inside functions that are not under `with importing:`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and inside and not locked:
            yield node.lineno
        function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        lock = isinstance(node, ast.With) and any(
            isinstance(item.context_expr, ast.Name) and item.context_expr.id == "importing"
            for item in node.items
        )
        yield from unlocked(node, inside=inside or function, locked=(locked or lock) and not function)


@pytest.mark.slow
def test_every_import_inside_a_function_is_under_the_lock() -> None:
    found = [
        f"{path.relative_to(_ROOT)}:{line}"
        for path in sorted(_ROOT.rglob("*.py"))
        if path.relative_to(_ROOT).parts[0] not in _WITHOUT_THREADS
        for line in unlocked(ast.parse(path.read_text(encoding="utf-8")))
    ]

    assert found == []


def test_an_import_without_the_lock_is_found_wherever_it_is() -> None:
    text = "import a\ndef f():\n    import b\n    with importing:\n        import c\n        def g():\n            import d\n"

    assert list(unlocked(ast.parse(text))) == [3, 7]
