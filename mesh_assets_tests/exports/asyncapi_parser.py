"""AsyncAPI's own parser: npm's package `@asyncapi/parser`, one file of which holds everything it needs."""

from collections.abc import Sequence
from pathlib import Path

from mesh_assets_tests import node

_VERSION = "3.6.6"
_INTEGRITY = "DppE3OStajt6gHc+RsVf9VxRwW9WACagHnFvkOML5rZGwS9hXxtFYTxnsH3mHPRgHom0rClMs6DpbjNY65Y54A=="
_NEWER = "The latest version of AsyncAPi is not used."
# The file is made for browsers, where the global object is called `self`. Severities: 0 error, 1 warning, 2 information.
_SCRIPT = """
globalThis.self = globalThis;
const parser = new (require(process.argv[1]))();
const texts = process.argv.slice(2).map(path => require('fs').readFileSync(path, 'utf8'));
Promise.all(texts.map(text => parser.validate(text))).then(every => console.log(JSON.stringify(
  every.map(found => found.map(one => [one.severity, one.message, one.path.join('/')])))));
"""


def parser_file() -> Path:
    """The parser, fetched if it is not in the cache."""
    return node.file_of_package("@asyncapi/parser", _VERSION, _INTEGRITY, "package/browser/index.js")


def diagnostics(parser: Path, documents: Sequence[Path]) -> list[list[tuple[int, str, str]]]:
    """The parser's findings on each document: severity, sentence and place, except that there is a newer AsyncAPI."""
    return [
        [(severity, words, place) for severity, words, place in found if not words.startswith(_NEWER)]
        for found in node.run(_SCRIPT, parser, *documents)
    ]
