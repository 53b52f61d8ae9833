"""`python -m mesh_assets_tests.compiled` compiles what the tests import, and looks for the constants that Hypothesis tries, before
they start: in a clean checkout, each of pytest's workers would do all of it at the same time, 19 CPU seconds each. Skips what
is up to date."""

import compileall
import importlib.util
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import ModuleType

from _pytest.assertion import rewrite
from hypothesis.internal.constants_ast import constants_from_module

import mesh_assets

_TESTS = Path(__file__).parent


def _prepare(path: Path) -> None:
    if path.name == "conftest.py" or path.name.startswith("test_"):
        _compile_as_pytest_does(path)
    else:
        compileall.compile_file(path, quiet=1)
        module = ModuleType(path.stem)
        module.__file__ = str(path)
        constants_from_module(module)  # Hypothesis stores them by the hash of the file


def _compile_as_pytest_does(path: Path) -> None:
    """With rewritten assertions, under pytest's own file name, for which it has no interface."""
    kept = Path(importlib.util.cache_from_source(str(path))).with_name(path.stem + rewrite.PYC_TAIL)
    if rewrite._read_pyc(path, kept) is None:
        source, code = rewrite._rewrite_test(path, None)  # type: ignore[arg-type]  # its settings, of which we have none
        kept.parent.mkdir(exist_ok=True)
        fresh = kept.with_name(f"{kept.name}.{os.getpid()}")
        with fresh.open("wb") as file:
            rewrite._write_pyc_fp(file, source, code)
        fresh.replace(kept)


def main() -> None:
    files = [path for root in (Path(mesh_assets.__file__).parent, _TESTS) for path in root.rglob("*.py")]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(_prepare, files, chunksize=20):
            pass


if __name__ == "__main__":
    main()
