"""Our own sentences survive the masking: whoever reads one with a word of it masked looks for a secret that there is not.

They are taken from the source, so no error needs to be raised: every text of several words that is not a docstring, with values of
some forms in place of what is not known here.
"""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

import mesh_assets
from mesh_assets.masking.text import mask_text

ROOT = Path(mesh_assets.__file__).parent
VALUES = ("orders", "orders-2", "/mesh/estate.yaml:3", "403 Forbidden")
FEWEST_BLANKS = 3


class Text(NamedTuple):
    """`parts`: what is written; between two of them comes a value."""

    line: int
    parts: Sequence[str]
    quoted: Sequence[bool]


def written(node: ast.expr) -> tuple[list[str], list[bool]] | None:
    """The parts of a text, and for each value whether `!r` quotes it; None: this is no text."""
    if isinstance(node, ast.Constant):
        return ([node.value], []) if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        parts, quoted = [""], []
        for one in node.values:
            if isinstance(one, ast.Constant):
                parts[-1] += str(one.value)
            else:
                parts.append("")
                quoted.append(isinstance(one, ast.FormattedValue) and one.conversion == ord("r"))
        return parts, quoted
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = written(node.left), written(node.right)
        if left is None and right is None:
            return None
        (first, quotes), (second, more) = left or (["", ""], [False]), right or (["", ""], [False])
        return [*first[:-1], first[-1] + second[0], *second[1:]], [*quotes, *more]
    return None


def texts(node: ast.AST) -> Iterator[Text]:
    """Those below `node`, whole ones before those in their values. Without docstrings."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    found = written(node) if isinstance(node, ast.expr) else None
    if found is not None and sum(part.count(" ") for part in found[0]) >= FEWEST_BLANKS:
        yield Text(node.lineno, *found)  # type: ignore[attr-defined] # an expression has a line
    for below in ast.iter_child_nodes(node):
        if found is None or not isinstance(below, ast.Constant | ast.JoinedStr):
            yield from texts(below)


def sentences(path: Path) -> Iterator[Text]:
    """In the sandbox, only those of its errors: the configs that it writes have passwords."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if path.is_relative_to(ROOT / "sandbox"):
        raised = (one.exc for one in ast.walk(tree) if isinstance(one, ast.Raise) and one.exc is not None)
        return (text for error in raised for text in texts(error))
    return texts(tree)


@pytest.mark.slow
def test_no_word_of_our_own_sentences_is_masked() -> None:
    harmed, count = [], 0
    for path in sorted(ROOT.rglob("*.py")):
        for text in sentences(path):
            count += 1
            for value in VALUES:
                first, *others = text.parts
                filled = first + "".join(
                    (repr(value) if quoted else value) + part
                    for quoted, part in zip(text.quoted, others, strict=True)
                )
                masked = mask_text(filled)
                if masked != filled:
                    harmed.append(f"{path.relative_to(ROOT)}:{text.line}: {masked}")
    assert harmed == []
    assert count > 2_000
