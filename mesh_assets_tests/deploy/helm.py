"""Renders Helm charts without a cluster: with Helm as a library, or else with `helm` on PATH."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
CHART = KUBERNETES / "mesh-assets"
NOT_HERE = (
    "deploy/kubernetes is not checked: helm-python-sdk has no build for this machine and no `helm` is on PATH; "
    "install Helm 3 or later, then run this again"
)

# The library brings Go's runtime, so it gets its own process. That also distinguishes its errors from a crash.
_LIBRARY = """\
import json, sys
import helm_python
def told(order):
    try:
        with helm_python.Chart.load(order["chart"]) as chart:
            return {"rendered": chart.render(order["values"], name=order["release"], namespace=order["namespace"])}
    except helm_python.HelmError as error:
        return {"refused": str(error)}
json.dump([told(order) for order in json.load(sys.stdin)], sys.stdout)
"""


class Refused(Exception):  # noqa: N818  # an answer of Helm's, not a mistake of ours
    """Helm does not render the chart with these values: what it said."""


def can_render() -> bool:
    return find_spec("helm_python") is not None or shutil.which("helm") is not None


def render(
    values: Mapping[str, Any], *, chart: Path = CHART, release: str = "mesh-assets"
) -> list[dict[str, Any]]:
    """The manifests of the chart, those of its tests too.

    Raises Refused, also for values that disagree with the chart's schema.
    """
    [answer] = outcomes([values], chart=chart, release=release)
    if isinstance(answer, Refused):
        raise answer
    return answer


def outcomes(
    several: Sequence[Mapping[str, Any]], *, chart: Path = CHART, release: str = "mesh-assets"
) -> list[list[dict[str, Any]] | Refused]:
    """The manifests for each of them, or the error. Starting the library takes longer than rendering."""
    orders = [
        {"chart": str(chart), "values": values, "release": release, "namespace": "mesh"} for values in several
    ]
    if find_spec("helm_python") is None:
        return [_by_program(order) for order in orders]
    done = subprocess.run(
        [sys.executable, "-c", _LIBRARY],
        input=json.dumps(orders),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return [
        Refused(one["refused"]) if "refused" in one else _documents(one["rendered"])
        for one in json.loads(done.stdout)
    ]


def read(*files: Path) -> dict[str, Any]:
    """The values of files, of which a later one wins, like Helm's `-f`."""
    merged: dict[str, Any] = {}
    for file in files:
        merge(merged, yaml.safe_load(file.read_text(encoding="utf-8")))
    return merged


def merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    """As Helm does: maps by key, everything else as a whole."""
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value


def _by_program(order: Mapping[str, Any]) -> list[dict[str, Any]] | Refused:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as values:
        json.dump(order["values"], values)
        values.flush()
        arguments = ["template", order["release"], order["chart"], "--namespace", order["namespace"]]
        done = subprocess.run(
            ["helm", *arguments, "-f", values.name],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    return Refused(done.stderr) if done.returncode != 0 else _documents({"all.yaml": done.stdout})


def _documents(rendered: Mapping[str, str]) -> list[dict[str, Any]]:
    texts = [text for name, text in rendered.items() if name.endswith((".yaml", ".yml"))]
    return [one for text in texts for one in yaml.safe_load_all(text) if one is not None]
