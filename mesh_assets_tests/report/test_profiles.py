"""What a topic's page in the report shows of its profile."""

import json
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from mesh_assets.inventory.document import Document
from mesh_assets.profiling.records import DataQuality
from mesh_assets.profiling.results import profile_results
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.documents import MOMENT, a_document, a_topic
from mesh_assets_tests.profiling.logs import InMemory, Log, a_record, numbered, profile
from mesh_assets_tests.report.pages import Page

MARKER = "very-private-words"


def a_shop() -> Document:
    return a_document(topics=(a_topic("orders"), a_topic("shipments")))


def keep(store: InventoryStore, **fields: Any) -> None:
    values = [{"order_id": f"{MARKER}{n}", **({} if n == 7 else {"note": MARKER})} for n in range(40)]
    records = numbered([a_record(json.dumps(one).encode(), key=b"%d" % n) for n, one in enumerate(values)])
    (found,) = profile(InMemory({"orders": Log(records)})).profiles
    shop = a_shop()
    mine = replace(found, cluster=shop.cluster.name, cluster_id=shop.cluster.id)
    kept = DataQuality(profiles=(replace(mine, **fields),), overlaps=(), unprofiled=(), not_allowed=0)
    profile_results(store).put(kept, documents=(), made_at=MOMENT)


def test_a_topic_shows_the_figures_of_its_sample_and_no_value(
    store: InventoryStore, page_of: Callable[..., Page]
) -> None:
    keep(store)
    page = page_of(a_shop())
    (row,) = page.rows("profiles")
    assert page.rows("topics")[row["topic"]]["name"] == "orders"
    assert (row["records"], row["decoded"], row["format"]) == (40, 1.0, "json")
    assert row["faults"] == [["incomplete_field", "note is missing or null in 1 of 40 records"]]
    assert row["fields"] == [["note", "string", 39 / 40, 1, ""], ["order_id", "string", 1.0, 40, ""]]
    assert MARKER not in json.dumps(page.data)


def test_profiles_of_other_clusters_and_topics_are_not_in_the_page(
    store: InventoryStore, page_of: Callable[..., Page]
) -> None:
    keep(store, cluster_id="the cluster that had the name before")
    assert page_of(a_shop()).rows("profiles") == []
    keep(store, topic="gone")
    assert page_of(a_shop()).rows("profiles") == []


def test_unreadable_profiles_affect_nothing_else_of_the_page(
    store: InventoryStore, page_of: Callable[..., Page]
) -> None:
    profile_results(store).objects.put("analysis/data_quality.json", b"{")
    page = page_of(a_shop())
    assert page.rows("profiles") == []
    assert "profiles that the last run kept cannot be read" in page.text
