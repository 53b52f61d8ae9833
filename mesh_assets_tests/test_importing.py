"""Imports inside functions run in whichever thread comes first, so each is under the one lock."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import mesh_assets

_ROOT = Path(mesh_assets.__file__).parent
# Each is the only one in its process, in its main thread.
_WITHOUT_THREADS = ("cli", "mapping_commands", "sandbox")
# Parsing all files takes seconds, and few have one.
_INDENTED = re.compile(r"^ +(?:from|import) ", re.MULTILINE)


def unlocked(tree: ast.AST) -> Iterator[int]:
    """The lines of imports inside functions that are not under `with importing:`."""
    below: list[tuple[ast.AST, bool, bool]] = [(tree, False, False)]
    while below:
        parent, inside, locked = below.pop()
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, ast.expr):
                continue  # imports are statements, which a lambda cannot contain
            if isinstance(node, ast.Import | ast.ImportFrom) and inside and not locked:
                yield node.lineno
            function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            lock = isinstance(node, ast.With) and any(
                isinstance(item.context_expr, ast.Name) and item.context_expr.id == "importing"
                for item in node.items
            )
            below.append((node, inside or function, (locked or lock) and not function))


def test_every_import_inside_a_function_is_under_the_lock() -> None:
    found = [
        f"{path.relative_to(_ROOT)}:{line}"
        for path in sorted(_ROOT.rglob("*.py"))
        if path.relative_to(_ROOT).parts[0] not in _WITHOUT_THREADS
        and _INDENTED.search(text := path.read_text(encoding="utf-8"))
        for line in unlocked(ast.parse(text))
    ]

    assert found == []


def test_an_import_without_the_lock_is_found_wherever_it_is() -> None:
    text = "import a\ndef f():\n    import b\n    with importing:\n        import c\n        def g():\n            import d\n"

    assert sorted(unlocked(ast.parse(text))) == [3, 7]
