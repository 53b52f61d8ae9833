"""What agents learn about data products and about what topics use."""

from collections.abc import Callable
from datetime import UTC, datetime

from msgspec.structs import replace

from mesh_assets.answering.known_products import keep_estate_products, product_results
from mesh_assets.answering.products import read_estate_products
from mesh_assets_tests.mcp_server.served import ESTATE, Served
from mesh_assets_tests.products.estates import a_shop

RULES = """domains: {patterns: {sales: ["order*", "invoice*"], people: ["user*"]}}
products: {decisions: [{product: warehouse.sales, name: Sales, owner: team-shop}, {product: x, topics: [noise, gone]}]}
costs: {currency: EUR, prices: [{partition_hour: 0.01}]}
"""


def analyse(served: Served) -> None:
    """As the job `analysis` does."""
    estate, store, now = served.known.estate, served.known.store, datetime.now(UTC)
    keep_estate_products(store, read_estate_products(estate, store, now=now), made_at=now)


def test_products_come_with_owner_members_score_and_what_they_use(
    make_served: Callable[..., Served],
) -> None:
    analyse(make_served(a_shop("gone"), estate=ESTATE + RULES))
    served = make_served(a_shop(), estate=ESTATE + RULES)
    analyse(served)
    page = served.answer("list_data_products")
    assert (page["total"], page["total_outside"], page["about"]["cluster"]) == (3, 0, "all")
    sales = next(one for one in page["products"] if one["product"] == "warehouse.sales")
    assert (sales["name"], sales["status"], sales["owner"]) == ("Sales", "accepted", "team-shop")
    assert sales["topics"] == ["warehouse/invoices", "warehouse/orders"]
    assert sales["parts"]["schema"] == 1.0
    assert "no topic has a profile" in sales["unknown_parts"]["completeness"]
    assert sales["takes"]["quantities"]["partitions"] == 2.0
    assert sales["takes"]["shares"]["partitions"] == 0.5
    assert "metrics" in sales["takes"]["unknown"]["bytes_in_per_second"]
    assert (round(sales["takes"]["cost"], 2), sales["takes"]["currency"]) == (14.6, "EUR")
    assert "joins" not in sales
    other = next(one for one in page["products"] if one["product"] == "x")
    assert other["vanished"][0].startswith("warehouse/gone, missed since ")


def test_one_product_comes_with_drafts_of_joins(make_served: Callable[..., Served]) -> None:
    served = make_served(a_shop(), estate=ESTATE + RULES)
    analyse(served)
    [sales] = served.answer("list_data_products", product="warehouse.sales")["products"]
    [join] = sales["joins"]
    assert (join["left"], join["right"]) == ("warehouse/invoices", "warehouse/orders")
    assert "SELECT" in join["sql"]
    assert "there is no data product 'y'; there are: warehouse.people" in served.refusal(
        "list_data_products", product="y"
    )


def test_a_topic_names_its_product_and_what_it_uses(make_served: Callable[..., Served]) -> None:
    served = make_served(a_shop(), estate=ESTATE + RULES)
    assert "data_product" not in served.answer("describe_topic", topic="orders")
    analyse(served)
    topic = served.answer("describe_topic", topic="orders")
    assert (topic["data_product"]["product"], topic["data_product"]["role"]) == ("warehouse.sales", "output")
    assert topic["takes"]["shares"]["partitions"] == 0.25


def test_products_without_an_analysis_are_not_invented(make_served: Callable[..., Served]) -> None:
    served = make_served(a_shop(), estate=ESTATE + RULES)
    assert "the job analysis has not run" in served.refusal("list_data_products")


def test_products_of_an_earlier_document_say_so_and_a_damaged_result_is_a_note(
    make_served: Callable[..., Served],
) -> None:
    served = make_served(a_shop(), replace(a_shop(), sequence=2), estate=ESTATE + RULES)
    analyse(served)
    results = product_results(served.known.store)
    kept = results.get()
    assert kept is not None
    earlier = tuple(replace(one, sequence=1) for one in kept.documents)
    results.put(replace(kept.result, settings="others"), documents=earlier, made_at=kept.made_at)
    notes = served.answer("list_data_products")["about"]["notes"]
    assert any("decisions or prices have changed since" in note for note in notes)
    assert any("it is based on document 1, and the newest is 2" in note for note in notes)
    served.known.store.objects.put(results.key, b"{")
    notes = served.answer("describe_topic", topic="orders")["about"]["notes"]
    assert any(note.startswith("data product and costs: ") for note in notes)
