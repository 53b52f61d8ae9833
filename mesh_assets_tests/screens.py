"""`make screens`: the pictures in `docs/pictures`, of the report and of Dagster's pages, taken by headless Chromium.

They show a separate sandbox in a temporary folder: discovered, then discovered again with a broken sink, and analysed by the
job. Needs `chromium` on the PATH (Debian: `apt-get install chromium`).
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from mesh_assets.errors import MeshError
from mesh_assets.sandbox.progress import Lines
from mesh_assets.sandbox.servers import Sandbox
from mesh_assets.sandbox.state import LOOPBACK, choose_free
from mesh_assets_tests.chromium import ChromiumError, Tab, chromium

FOLDER = Path("docs/pictures")
MOST_BYTES = 150_000
ROOT = Path(__file__).parents[1]
TOPIC = "warehouse/topics/pizza_orders"
SINK = "pizza-orders-sink"
_READY = "document.querySelector('#mesh svg, #view:not([hidden]) h1')"
_HEAD = "document.querySelector('#view:not([hidden]) h1')"
# Dagster's pages load part by part, with grey bars or `Loading...` until then.
_FILLED = (
    "document.body && !/Loading/.test(document.body.innerText) && document.body.innerText.includes({text!r})"
)
_SETTLES_SECONDS = 5
_ANSWERS_WITHIN_SECONDS = 900  # on a busy machine
_FAILS_WITHIN_SECONDS = 120
_WORKSPACE = """load_from:
  - python_module: {{module_name: downstream.definitions, location_name: downstream, working_directory: {project}}}
  - python_module: {{module_name: mesh_assets.definitions, location_name: mesh_assets, working_directory: {root}}}
"""
_REFRESH = """
import asyncio, sys
from pathlib import Path
import dagster as dg
from mesh_assets.components import KafkaEstateComponent
project = Path(sys.argv[1])
sys.path.insert(0, str(project))
[component] = dg.ComponentTree.for_project(project).get_all_components(of_type=KafkaEstateComponent)
asyncio.run(component.refresh_state(project))
"""


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="screens-") as name:
        folder = Path(name)
        try:
            with chromium() as tab, analysed(folder):
                _run("-m", "mesh_assets.cli.main", "report", "--out", str(folder / "report.html"))
                _report(tab, (folder / "report.html").as_uri())
                with _dagster(folder) as url:
                    _pages(tab, url)
        except (ChromiumError, MeshError, httpx.HTTPError) as error:
            sys.exit(f"make screens: {error}")


@contextmanager
def analysed(folder: Path) -> Iterator[None]:
    """A sandbox with the results of the commands and the job `analysis`, all in `folder`; its servers are stopped at the end.
    The environment of this process names its estate, store and instance. Raises ChromiumError, MeshError."""
    instance = folder / "instance"
    instance.mkdir()
    settings = (ROOT / "dagster.yaml").read_text()
    (instance / "dagster.yaml").write_text(settings.replace(" .dagster", f" {instance}/.dagster"))
    box = Sandbox(folder / "sandbox")
    try:
        endpoints = box.start(progress=Lines(print))
        os.environ["MESH_ESTATE"] = str(endpoints.estate_file)
        os.environ["MESH_STORE"] = str(folder / "store")
        os.environ["DAGSTER_HOME"] = str(instance)
        _run("-m", "mesh_assets.cli.main", "discover")
        _break_sink(endpoints.connect_url)
        _run("-m", "mesh_assets.cli.main", "discover")
        _job("analysis")
        yield
    finally:
        box.stop()


def _break_sink(connect: str) -> None:
    """Gives the sink a converter that cannot read its topic, and waits until its task has failed."""
    here = f"{connect}/connectors/{SINK}"
    config = httpx.get(f"{here}/config").raise_for_status().json()
    config |= {
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "true",
    }
    httpx.put(f"{here}/config", json=config).raise_for_status()
    deadline = time.monotonic() + _FAILS_WITHIN_SECONDS
    while all(task["state"] != "FAILED" for task in httpx.get(f"{here}/status").json()["tasks"]):
        if time.monotonic() > deadline:
            raise ChromiumError(f"{SINK} still runs, with a converter that cannot read its topic")
        time.sleep(1)


def _report(tab: Tab, url: str) -> None:
    tab.size(1_360, 850)
    tab.look()
    tab.open(url, _READY)
    _keep(tab, "report", whole=1_150)
    tab.look(scheme="dark")
    _keep(tab, "report-dark")
    tab.look()
    for name, view, height in (
        ("report-topic", f"topic/{TOPIC.replace('/topics', '')}", 1_400),
        ("report-lineage", "lineage", 880),
    ):
        tab.value(f"void (location.hash = '#{view}')")
        tab.wait(_HEAD)
        _keep(tab, name, whole=height)
    tab.open("about:blank", "true")
    tab.look(medium="print")
    tab.size(794, 1_123)  # A4 at 96 dots an inch
    tab.open(url, _READY)
    tab.value("void window.dispatchEvent(new Event('beforeprint'))")
    _keep(tab, "report-print")
    tab.open("about:blank", "true")
    tab.look()
    tab.size(390, 844)
    tab.open(url, _READY)
    _keep(tab, "report-narrow")
    if tab.errors:
        raise ChromiumError(f"the report's script failed: {tab.errors[0]}")


def _pages(tab: Tab, url: str) -> None:
    """In Dagster: a domain with its topics and connectors, a topic, and a connector's checks."""
    sizes = {"dagster-domain": (1_700, 960), "dagster-topic": (1_280, 1_100)}
    pages = {
        "dagster-domain": ("/locations/downstream/asset-groups/pizza/lineage", "pizza_orders"),
        "dagster-topic": (f"/assets/{TOPIC}", "Columns"),
        "dagster-check": (f"/assets/warehouse/connectors/{SINK}?view=checks", "Failed"),
    }
    for name, (path, text) in pages.items():
        tab.size(*sizes.get(name, (1_280, 960)))
        tab.open(url + path, _FILLED.format(text=text))
        time.sleep(_SETTLES_SECONDS)
        tab.wait(_FILLED.format(text=text))
        _keep(tab, name)


def _keep(tab: Tab, name: str, *, whole: int | None = None) -> None:
    file = FOLDER / f"{name}.png"
    tab.picture(file, whole=whole)
    size = file.stat().st_size
    if size > MOST_BYTES:
        raise ChromiumError(
            f"{file} has {size:,} bytes; pictures have at most {MOST_BYTES:,}: show less of the page"
        )
    sys.stdout.write(f"{file}   {size:,} bytes\n")


@contextmanager
def _dagster(folder: Path) -> Iterator[str]:
    """Dagster's webserver, with the example's project showing the whole cluster and this project. Raises ChromiumError."""
    project = folder / "downstream"
    shutil.copytree(ROOT / "examples" / "downstream", project, ignore=shutil.ignore_patterns(".*"))
    for name in ("totals.py", "automation.py"):
        (project / "downstream" / "defs" / name).unlink()
    component = project / "downstream" / "defs" / "kafka" / "defs.yaml"
    shown = component.read_text().replace(
        '"warehouse/topics/downstream-orders"', '"warehouse/*", "datasets/*"'
    )
    component.write_text(shown)
    _run("-W", "ignore", "-c", _REFRESH, str(project))
    # Only now do they report what the component shows: new records and failing checks.
    _job("discovery", "--tags", '{"dagster/partition": "warehouse"}')
    _job("analysis")
    workspace = folder / "workspace.yaml"
    workspace.write_text(_WORKSPACE.format(project=project, root=ROOT))
    port = choose_free(())
    url = f"http://{LOOPBACK}:{port}"
    program = str(Path(sys.executable).parent / "dagster-webserver")
    command = [program, "--workspace", str(workspace), "--host", LOOPBACK, "--port", str(port), "--read-only"]
    with (folder / "webserver.log").open("wb") as log:
        server = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONWARNINGS": "ignore"}
        )
    try:
        deadline = time.monotonic() + _ANSWERS_WITHIN_SECONDS
        while not _answers(url):
            if server.poll() is not None or time.monotonic() > deadline:
                said = (folder / "webserver.log").read_text(encoding="utf-8", errors="replace")[-1_000:]
                raise ChromiumError(f"Dagster's webserver does not answer: {said}")
            time.sleep(0.5)
        yield url
    finally:
        server.terminate()
        server.wait(90)


def _answers(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{url}/server_info").is_success
    return False


def _job(name: str, *options: str) -> None:
    _run("-m", "dagster", "job", "execute", "-m", "mesh_assets.definitions", "-j", name, *options)


def _run(*arguments: str) -> None:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ChromiumError(
            f"{' '.join(arguments)[:200]} failed: {(done.stderr or done.stdout).strip()[-1_000:]}"
        )


if __name__ == "__main__":
    main()
