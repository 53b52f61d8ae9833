"""The Dockerfile's image without a container engine: the same steps on the same Debian packages, each in its own namespaces,
and roles started in the result as the Dockerfile's user with a read-only root.

Needs root, for chroot, and Debian's `apt-get` for debootstrap.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from mesh_assets_tests.packaging.dockerfile import (
    Stage,
    assignments,
    context_paths,
    copied,
    read_dockerfile,
)
from mesh_assets_tests.workplace import PROJECT

_STEP_SECONDS = 1800
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# All mounts disappear with the namespace, however the step ends.
_ENTER = """
mount --bind "$ROOT" "$ROOT"
mount -t proc proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
"""


def why_not_here() -> str | None:
    """Why this machine cannot build it; None if it can."""
    if os.geteuid() != 0:
        return "only root may enter another root folder"
    missing = [name for name in ("apt-get", "dpkg-deb", "unshare", "chroot") if shutil.which(name) is None]
    return f"needs {', '.join(missing)}, as Debian has them" if missing else None


@dataclass(slots=True)
class Image:
    """The root folder of a stage, and its instructions for processes in it."""

    root: Path
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": _PATH})
    folder: str = "/"
    user: str = "0:0"

    def megabytes(self) -> int:
        done = subprocess.run(["du", "-sm", "-x", self.root], capture_output=True, text=True, check=True)
        return int(done.stdout.split()[0])


def build_image(place: Path) -> Image:
    """The last stage, built in this folder from the clone's Dockerfile."""
    built: dict[str | None, Image] = {}
    for number, stage in enumerate(read_dockerfile(PROJECT / "Dockerfile")):
        root = place / (stage.name or f"stage-{number}")
        if stage.base in built:
            base = built[stage.base]
            subprocess.run(["cp", "-a", base.root, root], check=True, timeout=_STEP_SECONDS)
            image = Image(root, dict(base.environment), base.folder, base.user)
        else:
            image = Image(root)
            _bootstrap(stage.base, root, place)
        _take_steps(stage, image, built)
        built[stage.name] = image
    return image


def _bootstrap(base: str, root: Path, place: Path) -> None:
    """The packages of Debian's official slim image, in today's versions."""
    name, _, tag = base.partition(":")
    suite, *_, kind = tag.split("-")
    assert (name, kind) == ("debian", "slim"), f"{base} is no slim image of Debian"
    release, security = _sources()
    tool = place / "debootstrap"
    tool.mkdir()
    _run(["apt-get", "download", "debootstrap"], folder=tool)
    [package] = tool.glob("*.deb")
    _run(["dpkg-deb", "-x", str(package), str(tool)])
    _run(
        [str(tool / "usr/sbin/debootstrap"), "--variant=minbase", suite, str(root), release],
        DEBOOTSTRAP_DIR=str(tool / "usr/share/debootstrap"),
    )
    (root / "etc/apt/sources.list").write_text(
        f"deb {release} {suite} main\ndeb {security} {suite}-security main\n"
    )
    _run(["chroot", str(root), "apt-get", "clean"])


def _sources() -> tuple[str, str]:
    """Where this machine's apt finds a release of Debian, and its security updates."""
    command = ["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Identifier: Packages"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    places = dict(line.split() for line in listed.splitlines())
    suites = (one.removesuffix("-security") for one in places if one.endswith("-security"))
    suite = next((one for one in suites if one in places), None)
    assert suite is not None, f"apt has no release with its security updates among its sources:\n{listed}"
    return places[suite], places[f"{suite}-security"]


def _take_steps(stage: Stage, image: Image, built: dict[str | None, Image]) -> None:
    for step in stage.steps:
        match step.instruction:
            case "ENV":
                image.environment |= assignments(step.text)
            case "WORKDIR":
                image.folder = step.text
                (image.root / step.text.lstrip("/")).mkdir(parents=True, exist_ok=True)
            case "USER":
                image.user = step.text
            case "COPY":
                _copy(step.text, image, built)
            case "RUN":
                _run_inside(step.text, image)


def _copy(text: str, image: Image, built: dict[str | None, Image]) -> None:
    stage, sources, target = copied(text)
    allowed = context_paths(PROJECT / ".dockerignore")
    place = image.root / os.path.join(image.folder, target).lstrip("/")
    for source in sources:
        if stage is None:
            assert source in allowed, f"COPY {source}: .dockerignore keeps it from the builder"
            found = PROJECT / source
        else:
            found = built[stage].root / source.lstrip("/")
        if found.is_dir():
            ignore = shutil.ignore_patterns("__pycache__") if stage is None else None
            shutil.copytree(found, place, symlinks=True, ignore=ignore, dirs_exist_ok=True)
            continue
        into = place / found.name if target.endswith("/") else place
        into.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(found, into)


def _run_inside(script: str, image: Image) -> None:
    """A RUN step, with this machine's network, and its certificates where pip uses them."""
    environment = dict(image.environment)
    extra = ""
    if certificates := os.environ.get("PIP_CERT"):
        environment["PIP_CERT"] = "/dev/shm/builders-ca.crt"
        extra = f'mount -t tmpfs tmpfs "$ROOT/dev/shm"; cp {certificates} "$ROOT/dev/shm/builders-ca.crt"'
    inside = f'cd "{image.folder}"; exec sh -c "$SCRIPT"'
    _run(
        [
            *("unshare", "--mount", "--pid", "--fork", "sh", "-ec"),
            f'{_ENTER}\n{extra}\nexec "$CHROOT" "$ROOT" sh -ec \'{inside}\'',
        ],
        environment={**environment, **_whereabouts(image), "SCRIPT": script},
    )


@contextmanager
def role(
    image: Image, command: Sequence[str], *, state: Path, settings: Path, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a process of the image during the block: as its user, with a read-only root, and `state` and `settings` where the
    image expects Dagster's home and the estate's folder. Ends it with everything it started."""
    mounts = f"""
{_ENTER}
mount --bind "$STATE" "$ROOT{image.environment["DAGSTER_HOME"]}"
mount --rbind "$SETTINGS" "$ROOT/etc/mesh-assets"
mount -t tmpfs tmpfs "$ROOT/tmp"
mount -o remount,bind,ro "$ROOT"
mount -o remount,bind,ro "$ROOT/etc/mesh-assets"
cd "$ROOT"
exec "$CHROOT" --userspec={image.user} "$ROOT" sh -c 'cd "{image.folder}"; exec "$@"' role "$@"
"""
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", mounts, "role", *command],
            env={
                **image.environment,
                **_whereabouts(image),
                "STATE": str(state),
                "SETTINGS": str(settings),
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _whereabouts(image: Image) -> dict[str, str]:
    # Not on the image's path, which lacks what only root needs.
    return {"ROOT": str(image.root), "CHROOT": shutil.which("chroot") or "chroot"}


def _run(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    environment: dict[str, str] | None = None,
    **more: str,
) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**(os.environ if environment is None else environment), **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_STEP_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
