"""This project's wheel, built as by `make wheel` and installed as by a user: outside the clone, by hash."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from mesh_assets_tests.workplace import PROJECT

_BUILD_SECONDS = 60
_INSTALL_SECONDS = 900
_OURS = ("PYTHON", "VIRTUAL_ENV", "PIP_TARGET", "PIP_USER", "MESH_", "DAGSTER_")
"""Prefixes of variables that would let the installed package find the clone, its environment or its estate."""


def build_wheel(folder: Path) -> Path:
    """Builds it into the folder, in half a CPU second. Returns the file."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=_BUILD_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [wheel] = folder.glob("*.whl")
    return wheel


def strangers_environment(bin_folder: Path | None = None) -> dict[str, str]:
    """The environment of a user without the clone, with the commands of `bin_folder` on the path."""
    kept: Mapping[str, str] = {
        name: value for name, value in os.environ.items() if not name.startswith(_OURS)
    }
    place = {} if bin_folder is None else {"PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
    return {**kept, **place}


def install_wheel(wheel: Path, folder: Path, *, extras: str) -> Path:
    """Creates an environment with the wheel, and everything else by the versions and hashes in `requirements.txt`. With uv if
    installed, which takes seconds; otherwise with pip, which accepts no extras in constraints, so all of `requirements.txt` is
    installed. Returns its folder of commands."""
    venv = folder / "venv"
    wanted = folder / "wanted.txt"
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    wanted.write_text(f"mesh-assets[{extras}] @ {wheel.as_uri()} --hash=sha256:{digest}\n", encoding="utf-8")
    how = ("--require-hashes", "-r", str(wanted), "-c", str(PROJECT / "requirements.txt"))
    python = str(venv / "bin" / "python")
    if shutil.which("uv"):
        _run("uv", "venv", "--quiet", "--python", sys.executable, str(venv))
        _run("uv", "pip", "install", "--quiet", "--python", python, *how)
    else:
        _run(sys.executable, "-m", "venv", str(venv))
        pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        _run(*pip, "--require-hashes", "-r", str(PROJECT / "requirements.txt"))
        _run(*pip, "--no-deps", str(wheel))
    return venv / "bin"


def _run(*command: str) -> None:
    done = subprocess.run(
        command,
        env=strangers_environment(),
        capture_output=True,
        text=True,
        timeout=_INSTALL_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
