"""The alert rules and the dashboard: they name only existing metrics and labels, and a real Prometheus accepts them."""

import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from mesh_assets.sandbox.artifacts import machine_cache
from mesh_assets.service.families import FAMILIES
from mesh_assets.service.scrape import unpacked
from mesh_assets.store.layout import open_store
from mesh_assets_tests.documents import a_document, a_group, a_topic
from mesh_assets_tests.service.a_cluster import a_full_document
from mesh_assets_tests.service.asked import CI
from mesh_assets_tests.service.estate_of_metrics import a_scrape, a_world
from mesh_assets_tests.service.running import service

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus/mesh-assets.rules.yaml"
DASHBOARD = DEPLOY / "grafana/mesh-assets.json"
BY_NAME = {family.name: {"cluster", *family.labels} for family in FAMILIES}
_OF_PROMETHEUS = {"job", "instance", "severity", "alertname"}
_SELECTOR = re.compile(r"\b(mesh_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(?:=~|!=|!~|=)\s*"')
SECONDS = 60


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[tuple[str, str]]:
    for rule in rules():
        yield rule.get("alert") or rule["record"], rule["expr"]
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    yield "cluster", board["templating"]["list"][1]["query"]["query"].removeprefix("label_values(")
    for one in board["annotations"]["list"]:
        yield "annotations", one["expr"]
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


def test_every_metric_and_label_in_rules_and_dashboard_exists() -> None:
    found = list(expressions())
    assert len(found) > 40
    for where, expression in found:
        selectors = _SELECTOR.findall(expression)
        assert selectors or "mesh:" in expression or "up{" in expression, where
        for name, matchers in selectors:
            assert name in BY_NAME, f"{where}: {name}"
            labels = set(_MATCHER.findall(matchers))
            assert labels <= BY_NAME[name], f"{where}: {name} has no {labels - BY_NAME[name]}"


def test_alerts_name_only_labels_that_their_metrics_have() -> None:
    for rule in (one for one in rules() if "alert" in one):
        names = _SELECTOR.findall(rule["expr"])
        labels = set.intersection(*(BY_NAME[name] for name, _ in names)) if names else {"cluster"}
        if " or " in rule["expr"]:
            labels |= {"state"}
        for text in rule["annotations"].values():
            used = set(re.findall(r"\$labels\.(\w+)", text))
            assert used <= labels | _OF_PROMETHEUS, f"{rule['alert']}: {used - labels}"
        assert rule["labels"]["severity"] in ("critical", "warning", "info")


def test_legends_of_the_dashboard_name_only_existing_labels() -> None:
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in panels:
        for target in panel["targets"]:
            used = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            known = set.union(*(BY_NAME[name] for name, _ in _SELECTOR.findall(target["expr"])))
            assert used <= known, panel["title"]
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24


# --- by Prometheus itself


@pytest.fixture(scope="session")
def prometheus() -> Path:
    """The folder with `prometheus` and `promtool` from Debian's package, which apt fetches once and checks."""
    folder = machine_cache() / "prometheus"
    if not (folder / "usr/bin/promtool").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for command in (
            ["apt-get", "download", "prometheus"],
            ["sh", "-c", "dpkg-deb -x prometheus_*.deb ."],
        ):
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=300, check=False
            )
            assert done.returncode == 0, f"Debian's package prometheus cannot be had here: {done.stderr}"
    return folder / "usr/bin"


def promtool(prometheus: Path, *arguments: str, text: str = "") -> str:
    done = subprocess.run(
        [prometheus / "promtool", *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.long
def test_promtool_accepts_the_rules_and_they_fire_when_they_should(prometheus: Path) -> None:
    assert f"{len(rules())} rules found" in promtool(prometheus, "check", "rules", str(RULES))
    promtool(prometheus, "test", "rules", str(Path(__file__).with_name("rules_test.yaml")))


@pytest.mark.long
def test_promtool_finds_no_name_that_breaks_the_conventions(prometheus: Path) -> None:
    text = unpacked(a_scrape(a_world(a_full_document())).answer()).decode()
    assert promtool(prometheus, "check", "metrics", text=text) == ""


@contextmanager
def scraping(prometheus: Path, folder: Path, target: str) -> Iterator[httpx.Client]:
    """A client of a Prometheus that scrapes the service every few seconds, with the rules."""
    (folder / "token").write_text(CI["Authorization"].removeprefix("Bearer "))
    scrape = {
        "job_name": "mesh-assets",
        "scrape_interval": "5s",
        "static_configs": [{"targets": [target]}],
        "authorization": {"credentials_file": "token"},
    }
    (folder / "prometheus.yaml").write_text(
        yaml.safe_dump({"rule_files": [str(RULES)], "scrape_configs": [scrape]})
    )
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    options = ("--config.file=prometheus.yaml", f"--web.listen-address={address}", "--storage.tsdb.path=data")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([prometheus / "prometheus", *options], cwd=folder, stderr=log)
    try:
        with httpx.Client(base_url=f"http://{address}/api/v1") as client:
            yield client
    finally:
        process.terminate()
        process.wait(SECONDS)


def instant(client: httpx.Client, query: str) -> list[tuple[dict[str, str], float]]:
    found = client.get("/query", params={"query": query}).json()["data"]["result"]
    return [(one["metric"], float(one["value"][1])) for one in found]


@pytest.mark.long
def test_a_real_prometheus_scrapes_the_service_with_names_of_any_characters(
    prometheus: Path, tmp_path: Path
) -> None:
    names = ('a"b', "a\\b", "two\nlines", "nul\x00", "a\u2028b", "\u202eback", "é", "x" * 2_000, "tab\t", "")
    document = a_document(
        topics=(a_topic("orders"),), consumer_groups=tuple(a_group(name) for name in sorted(names))
    )
    (tmp_path / "estate.yaml").write_text(
        'clusters:\n  warehouse:\n    kafka: {bootstrap_servers: "127.0.0.1:1"}\n'
    )
    a_world(document, store=open_store(str(tmp_path / "store")))
    places = {"MESH_ESTATE": str(tmp_path / "estate.yaml"), "MESH_STORE": str(tmp_path / "store")}
    with service(places) as (own, _), scraping(prometheus, tmp_path, own.base_url.netloc.decode()) as client:
        until = time.monotonic() + SECONDS
        found: list[tuple[dict[str, str], float]] = []
        while not found and time.monotonic() < until:
            time.sleep(0.5)
            try:
                found = instant(client, "mesh_consumer_group_lag_records")
            except httpx.TransportError:
                continue  # it is starting
        groups = {labels.get("group", "") for labels, _ in found}
        [target] = client.get("/targets").json()["data"]["activeTargets"]
        assert target["lastError"] == ""
        assert len(groups) == len(names)
        assert {'a"b', "a\\b", "two\nlines", "nul\u240000", "é", ""} <= groups
        assert instant(client, 'up{job="mesh-assets"}')[0][1] == 1
        firing = {one["labels"]["alertname"] for one in client.get("/alerts").json()["data"]["alerts"]}
        assert "MeshServiceDown" not in firing
