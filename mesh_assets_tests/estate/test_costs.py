"""Prices and decisions in the estate: in the file or in separate ones, and refused where they make no sense."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from mesh_assets.errors import EstateError
from mesh_assets.estate.costs import ClusterPrices, CostSettings
from mesh_assets.estate.file import load_estate, read_estate

CLUSTERS = "clusters:\n  warehouse: {kafka: {bootstrap_servers: 'b:9092'}}\n"


def test_prices_and_decisions_may_be_in_files_of_their_own(tmp_path: Path) -> None:
    estate = tmp_path / "estate.yaml"
    estate.write_text(f"{CLUSTERS}products: {{file: products.yaml}}\ncosts: {{file: prices.yaml}}\n")
    (tmp_path / "products.yaml").write_text("decisions: [{product: a, name: A}]\n")
    (tmp_path / "prices.yaml").write_text("currency: EUR\nprices: [{clusters: 'w*', gib_in: 0.5}]\n")
    read = load_estate(estate)
    assert read.products.decisions[0].name == "A"
    prices = read.costs.of("warehouse")
    assert prices is not None
    assert prices.by_driver == {"bytes_in_per_second": 0.5}
    assert read.costs.of("payments") is None
    assert set(read_estate(estate).stamps) == {
        estate,
        tmp_path / "products.yaml",
        tmp_path / "prices.yaml",
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("costs: {file: none.yaml}", "costs.file: .*none.yaml cannot be read"),
        ("costs: {file: a.yaml, currency: EUR}", "names a file but also has currency itself"),
        ("products: {file: a.yaml}", "a.yaml:1: decisions.0.product: is missing"),
    ],
)
def test_a_missing_or_faulty_file_is_named_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "a.yaml").write_text("decisions: [{name: A}]\n")
    (tmp_path / "estate.yaml").write_text(CLUSTERS + text)
    with pytest.raises(EstateError, match=sentence):
        load_estate(tmp_path / "estate.yaml")


@pytest.mark.parametrize(
    ("prices", "sentence"),
    [
        ({}, "has no price"),
        ({"month": 5}, "month and month_by go together"),
        ({"gib_month_retained": 1, "gib_month_replicas": 1}, "two prices"),
        ({"gib_in": -1}, "greater than or equal to 0"),
        ({"gib_in": float("nan")}, "finite number"),
    ],
)
def test_nonsensical_prices_are_refused(prices: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        ClusterPrices.model_validate(prices)


def test_prices_have_a_currency() -> None:
    with pytest.raises(ValidationError, match="prices without a currency"):
        CostSettings.model_validate({"prices": [{"gib_in": 1}]})
