"""Ministack, the stand-in for AWS: an environment of its own, made once for this machine.

It cannot live in ours: it pins another botocore. `ministack.lock.txt` names every package with its hashes,
made by `make lock` from `ministack==…` with uv; whatever index this machine's pip is set up for serves them.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from importlib import resources
from pathlib import Path

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.artifacts import machine_cache
from mesh_assets.sandbox.folder import locked
from mesh_assets.sandbox.progress import Progress

_LOCK = "ministack.lock.txt"
# 35 MB over a slow line; measured on a fast one: 7 s with the environment.
_INSTALL_SECONDS = 600.0


def lock_text() -> str:
    return resources.files("mesh_assets.sandbox").joinpath(_LOCK).read_text()


def ministack_home(cache: Path | None = None) -> Path:
    """Where the environment is or will be. The pins and Python's version are part of the path: a changed pin
    is another environment."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    pins = hashlib.sha256(f"{lock_text()}\0{python}\0{sys.base_prefix}".encode()).hexdigest()[:16]
    return (cache or machine_cache()) / "ministack" / f"python{python}-{pins}"


def ministack_python(cache: Path | None = None) -> Path:
    return ministack_home(cache) / "bin" / "python"


def ensure_ministack(progress: Progress, *, cache: Path | None = None) -> None:
    """The environment is complete afterwards. Does nothing, and needs no network, when it is there."""
    home = ministack_home(cache)
    if home.is_dir():
        return
    home.parent.mkdir(parents=True, exist_ok=True)
    with locked(
        home.parent / "install.lock",
        timeout_seconds=_INSTALL_SECONDS,
        what=f"the environment in {home.parent}",
    ):
        if home.is_dir():  # another process made it while this one waited
            return
        progress.say("installing the stand-in for AWS (ministack), once for this machine")
        fresh = Path(tempfile.mkdtemp(prefix="incoming-", dir=home.parent))
        try:
            _install(fresh)
            fresh.replace(home)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def _install(folder: Path) -> None:
    lock = folder / _LOCK
    lock.write_text(lock_text())
    _run([sys.executable, "-m", "venv", str(folder)], "Python's venv could not make an environment")
    pip = [
        str(folder / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
    ]
    _run(
        # One retry: where no index can be reached the user should learn it in seconds.
        [*pip, "--retries", "1", "--only-binary", ":all:", "--require-hashes", "--requirement", str(lock)],
        "its packages could not be installed; the first start needs the package index that pip is set up for",
    )


def _run(command: list[str], failure: str) -> None:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_USER")
    }
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SandboxError(f"the stand-in for AWS: {failure} ({type(error).__name__})") from error
    if done.returncode != 0:
        lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise SandboxError(
            f"the stand-in for AWS: {failure} (it said: {lines[-1][:200] if lines else 'nothing'})"
        )
