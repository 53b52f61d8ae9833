"""A store with two documents of one cluster, and reports of it."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from mesh_assets.answering.known_products import keep_estate_products
from mesh_assets.answering.products import read_estate_products
from mesh_assets.estate.file import load_estate
from mesh_assets.estate.model import Estate
from mesh_assets.inventory.document import Document
from mesh_assets.report import read_report, render_report
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.documents import MOMENT
from mesh_assets_tests.published import publish
from mesh_assets_tests.report.a_shop import ESTATE, LATER, a_shop
from mesh_assets_tests.report.pages import Page


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    (tmp_path / "estate.yaml").write_text(ESTATE)
    return load_estate(tmp_path / "estate.yaml")


@pytest.fixture
def store(tmp_path: Path) -> InventoryStore:
    return InventoryStore(FolderStore(tmp_path / "store"))


@pytest.fixture
def page_of(estate: Estate, store: InventoryStore) -> Callable[..., Page]:
    """The page on these documents, published one after the other, an hour apart. `products`: with those that the job
    `analysis` keeps."""

    def read(*documents: Document, made_at: object = LATER, products: bool = False) -> Page:
        for number, document in enumerate(documents):
            publish(
                store,
                replace(document, sequence=number + 1, discovery_timestamp=MOMENT + timedelta(hours=number)),
            )
        if products:
            keep_estate_products(store, read_estate_products(estate, store, now=LATER), made_at=LATER)
        return Page(render_report(read_report(estate, store, made_at=made_at)))  # type: ignore[arg-type]

    return read


@pytest.fixture
def page(page_of: Callable[..., Page]) -> Page:
    """Of a shop whose topic `shipments` is new."""
    shop = a_shop()
    return page_of(replace(shop, topics=shop.topics[:1]), shop, products=True)
