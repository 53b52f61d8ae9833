"""`make screens`: screenshots of Dagster's pages about the mesh, taken by a headless Chromium, in `.screens/`.

They show the instance in DAGSTER_HOME: run `make demo` first. Needs `chromium` on the PATH (Debian:
`apt-get install chromium`).
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import httpx

from mesh_assets.sandbox.state import LOOPBACK, choose_free

FOLDER = Path(".screens")
PAGES = {
    "assets": "/asset-groups",
    "topics": "/assets/inventory/topics",
    "snapshot": "/assets/discovery_snapshot",
    "changes": "/assets/changes",
    "mappings": "/assets/esm/event_source_mappings",
    "jobs": "/jobs",
    "sensors": "/automation",
    "runs": "/runs",
}
_ANSWERS_WITHIN_SECONDS = 120
_PICTURE_SECONDS = 120


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit(
            "make screens: there is no chromium on the PATH; install it (Debian: apt-get install chromium)"
        )
    FOLDER.mkdir(exist_ok=True)
    port = choose_free(())
    url = f"http://{LOOPBACK}:{port}"
    command = [
        str(Path(sys.executable).parent / "dagster-webserver"),
        "--host",
        LOOPBACK,
        "--port",
        str(port),
        "--read-only",
    ]
    with (FOLDER / "webserver.log").open("wb") as log:
        server = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONWARNINGS": "ignore"}
        )
    try:
        _wait(url, server)
        for name, path in PAGES.items():
            _picture(chromium, url + path, FOLDER / f"{name}.png")
    finally:
        server.terminate()
        server.wait(30)


def _wait(url: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _ANSWERS_WITHIN_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/server_info").is_success:
                return
        time.sleep(0.5)
    sys.exit(f"make screens: Dagster's webserver does not answer; read {FOLDER / 'webserver.log'}")


def _picture(chromium: str, url: str, file: Path) -> None:
    file.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        options = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={profile}",
            "--window-size=1800,1100",
            "--virtual-time-budget=20000",
            f"--screenshot={file.absolute()}",
        ]
        done = subprocess.run(
            [chromium, *options, url], capture_output=True, text=True, timeout=_PICTURE_SECONDS, check=False
        )
    if not file.exists():
        sys.exit(f"make screens: chromium made no picture of {url}: {done.stderr.strip().splitlines()[-1:]}")
    sys.stdout.write(f"{file}\n")


if __name__ == "__main__":
    main()
