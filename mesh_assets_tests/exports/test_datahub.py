"""Metadata files of DataHub: the aspects that its models have, as its own program reads them (`long`)."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from mesh_assets.exports.datahub import datahub_proposals, dataset_urn
from mesh_assets.products.records import TopicPlace
from mesh_assets_tests.exports.products import a_mesh, some_products

DATAHUB = "acryl-datahub==1.7.0.17"


def proposals() -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (one["entityUrn"], one["aspectName"]): one["aspect"]["json"]
        for one in datahub_proposals(some_products()[0], a_mesh())
    }


def test_a_product_has_its_topics_its_domain_and_its_owner() -> None:
    made = proposals()
    urn = "urn:li:dataProduct:warehouse.sales"
    properties = made[urn, "dataProductProperties"]
    assert properties["name"] == "Sales | *all*"
    assert properties["assets"] == [
        {"destinationUrn": dataset_urn(TopicPlace(cluster="warehouse", topic=topic))}
        for topic in ("invoices", "orders")
    ]
    assert made[urn, "domains"] == {"domains": ["urn:li:domain:sales"]}
    assert made["urn:li:domain:sales", "domainProperties"] == {"name": "sales"}
    [owner] = made[urn, "ownership"]["owners"]
    assert owner["owner"] == "urn:li:corpGroup:Team-Shop-shop-example.org"


def test_properties_are_text_and_unknown_ones_are_left_out() -> None:
    custom = proposals()["urn:li:dataProduct:people", "dataProductProperties"]["customProperties"]
    assert all(isinstance(value, str) for value in custom.values())
    assert custom["vanished_topics"] == "warehouse/gone"
    assert custom["cost_share"] == "0.2500"
    assert "quality_completeness" not in custom
    assert "owner" not in custom


@pytest.mark.long
def test_datahub_reads_the_file_and_names_topics_alike(tmp_path: Path) -> None:
    """DataHub's own package, in a separate environment: its dependencies conflict with ours."""
    python = tmp_path / "venv/bin/python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True, timeout=120)
    subprocess.run([python, "-m", "pip", "install", "--quiet", DATAHUB], check=True, timeout=900)
    file, out, recipe = tmp_path / "products.json", tmp_path / "out.json", tmp_path / "recipe.yaml"
    made = list(datahub_proposals(some_products()[0], a_mesh()))
    file.write_text(json.dumps(made))
    recipe.write_text(
        yaml.safe_dump(
            {
                "source": {"type": "file", "config": {"path": str(file)}},
                "sink": {"type": "file", "config": {"filename": str(out)}},
            }
        )
    )
    quiet = {**os.environ, "DATAHUB_TELEMETRY_ENABLED": "false", "HOME": str(tmp_path)}
    program = tmp_path / "venv/bin/datahub"
    for arguments in (["check", "metadata-file", str(file)], ["ingest", "-c", str(recipe)]):
        done = subprocess.run(
            [program, *arguments], env=quiet, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    read = json.loads(out.read_text())
    assert {(one["entityUrn"], one["aspectName"]) for one in read} == {
        (one["entityUrn"], one["aspectName"]) for one in made
    }
    code = (
        "from datahub.emitter.mce_builder import make_dataset_urn_with_platform_instance as urn; "
        "print(urn('kafka', 'orders', 'warehouse', 'PROD'))"
    )
    said = subprocess.run(
        [python, "-c", code], env=quiet, capture_output=True, text=True, timeout=120, check=True
    )
    assert said.stdout.strip() == dataset_urn(TopicPlace(cluster="warehouse", topic="orders"))
