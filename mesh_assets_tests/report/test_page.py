"""What the report contains, and that nothing in it runs or loads except its own script."""

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bench.report import a_described_estate, keep_analysis
from mesh_assets.errors import EstateError, StoreError
from mesh_assets.estate.model import Estate
from mesh_assets.findings.history import findings_results, judge_estate
from mesh_assets.report import read_report, render_report
from mesh_assets.report.data import MOST_CHANGES
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.documents import (
    MOMENT,
    NOT_CONFIGURED,
    STALE,
    a_connector,
    a_document,
    a_group,
    a_topic,
)
from mesh_assets_tests.published import publish
from mesh_assets_tests.report.a_shop import LATER, a_shop
from mesh_assets_tests.report.pages import Page, own_scripts, source, static

PageOf = Callable[..., Page]
MARK = "<img src=x onerror=alert(1)></script><b>"


def test_problems_come_first_with_figures_what_to_do_and_their_start(
    estate: Estate, store: InventoryStore, page_of: PageOf
) -> None:
    shop = a_shop()
    publish(store, replace(shop, discovery_timestamp=MOMENT - timedelta(days=2), sequence=0))
    found, read = judge_estate(store, estate, None)
    findings_results(store).put(found, documents=read, made_at=MOMENT)

    text = page_of(shop).text

    assert text.index("Failed connector") < text.index("Clusters") < text.index("The mesh by domain")
    assert "no room" in text
    assert "Read the trace" in text
    assert "since 2026-11-21 16:40 UTC" in text


def test_a_cluster_lacks_only_what_its_estate_could_name(
    page_of: PageOf,
) -> None:
    text = page_of(
        replace(
            a_shop(),
            sections={**a_shop().sections, "schemas": NOT_CONFIGURED, "cluster_links": NOT_CONFIGURED},
        )
    ).text
    assert "schemas: not configured" in text
    assert "cluster links" not in text


def test_changes_come_newest_first_with_their_time(page: Page) -> None:
    assert "2026-11-23 17:40 UTC created" in page.text
    [change] = [one for one in page.rows("changes") if one["resource"] == "shipments"]
    assert (change["kind"], change["resource_type"], change["at"]) == (
        "created",
        "topic",
        int(LATER.timestamp()),
    )


def test_a_topic_has_its_figures_fields_readers_writers_domain_and_keys(page: Page) -> None:
    topics, schemas, groups = page.rows("topics"), page.rows("schemas"), page.rows("groups")
    nodes, entities = page.rows("nodes"), page.rows("entities")
    orders = next(one for one in topics if one["name"] == "orders")
    place = topics.index(orders)

    assert (orders["message_count"], orders["records_in"], orders["config"]) == (
        10,
        2.5,
        {"retention.ms": "60000"},
    )
    assert page.rows("domains")[orders["domain"]]["name"] == "sales"
    [[schema, role]] = orders["subjects"]
    fields = [page.data["fields"][one] for one in schemas[schema]["fields"]]
    assert (role, fields) == ("value", [["order_id", "string", 0], ["note", "string", 1]])
    reads = [
        (groups[one["group"]]["name"], one["lag"]) for one in page.rows("reads") if one["topic"] == place
    ]
    assert reads == [("fraud-detection", 5)]
    [node] = [number for number, one in enumerate(nodes) if one["topic"] == place]
    writers = [nodes[one["source"]]["name"] for one in page.rows("edges") if one["target"] == node]
    assert writers == ["orders-source"]
    [order] = [one for one in entities if one["key"] == "order_id"]
    assert {topics[use[0]]["name"] for use in order["uses"]} == {"orders", "shipments"}


def test_data_products_and_the_largest_consumers_come_with_what_is_unknown(page: Page) -> None:
    assert "Data products Product Owner" in page.text
    assert "sales warehouse.sales, candidate unknown 2 2 order 1.00 " in page.text
    assert "without completeness, validity, freshness" in page.text
    assert "warehouse: connector orders-source on main" in page.text
    assert "warehouse: orders no prices unknown unknown unknown unknown 1 (50.0%) 2 (100.0%)" in page.text


def test_products_and_costs_that_were_not_kept_are_not_computed_for_the_page_which_says_so(
    page_of: PageOf,
) -> None:
    text = page_of(a_shop()).text

    assert (
        "data products and costs are not known: the job analysis has not run with this estate file yet"
        in text
    )
    assert "Data products Not known: the job analysis has kept none for this estate." in text
    assert "What uses most Not known: the job analysis has kept no costs for this estate." in text
    assert "warehouse.sales" not in text


def test_missing_and_old_data_is_reported_at_the_top(page_of: PageOf) -> None:
    page = page_of(a_document(sections={"schemas": STALE}), made_at=MOMENT + timedelta(days=3))

    assert "cluster payments has not been discovered yet" in page.text
    assert "warehouse was last discovered 3 days before this page was made" in page.text
    assert "section schemas is of 2026-11-23 16:40 UTC: connection refused" in page.text
    assert "changes are not known, since the store has only one document to compare" in page.text
    assert page.text.index("connection refused") < page.text.index("Clusters")


def test_unknown_values_are_not_a_figure(page_of: PageOf) -> None:
    topic = a_topic("orders", config=None)
    unknown = replace(
        topic,
        config=None,
        details=replace(topic.details, message_count=None, message_count_is="unknown", cleanup_policy=None),
    )
    group = a_group(members=None, offsets=None, total_lag_records=None, error="no right to describe it")
    page = page_of(a_document(topics=(unknown,), consumer_groups=(group,)))

    [row], [of_group], [read] = page.rows("topics"), page.rows("groups"), page.rows("reads")
    assert (row["message_count"], row["config"], row["cleanup"], row["records_in"]) == (
        None,
        None,
        None,
        None,
    )
    assert (of_group["lag"], of_group["members"], of_group["error"]) == (
        None,
        None,
        "no right to describe it",
    )
    assert (read["lag"], read["note"]) == (None, "no right to describe it")


def test_an_estate_without_anything_in_it_has_a_page(page_of: PageOf) -> None:
    page = page_of(a_document())

    assert "Nothing is wrong" in page.text
    assert "No topics are known to belong together" in page.text
    assert page.rows("topics") == []


def test_names_and_traces_with_markup_are_text(page_of: PageOf) -> None:
    group, connector = a_group(MARK, state="Empty"), a_connector(MARK, status="FAILED", trace=f"boom {MARK}")
    page = page_of(a_document(topics=(a_topic("orders"),), connectors=(connector,), consumer_groups=(group,)))

    assert not [tag for tag, attributes in page.elements if tag == "img" or "onerror" in attributes]
    assert len([tag for tag, _ in page.elements if tag == "script"]) == 2
    assert MARK in page.text
    assert [one["name"] for one in page.rows("groups")] == [MARK]
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]


def test_invisible_characters_in_a_name_are_shown(page_of: PageOf) -> None:
    hidden = "pay\u202eroll\u200b"
    page = page_of(a_document(topics=(a_topic("orders"),), consumer_groups=(a_group(hidden, state="Empty"),)))

    assert [one["name"] for one in page.rows("groups")] == ["pay\ufffdroll\ufffd"]
    assert "\u202e" not in page.text


def test_the_page_allows_only_its_own_script_and_style_and_loads_nothing(page: Page) -> None:
    [script], [style] = page.scripts, [text for tag, _, text in page.raw if tag == "style"]

    assert page.policy.startswith("default-src 'none'; ")
    assert f"script-src {source(script)};" in page.policy
    assert f"style-src {source(style)};" in page.policy
    addresses = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in ("href", "src", "action", "data", "style") and value is not None
    ]
    assert addresses
    assert all(address.startswith("#") for address in addresses)
    assert "url(" not in style.replace("url(#", "")
    assert "@import" not in style


def test_no_script_of_ours_turns_text_into_markup_or_code() -> None:
    for name, script in own_scripts().items():
        found = re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|fetch\(|XMLHttpRequest",
            script,
        )
        assert not found, f"{name}.js: {found}"
        assert "</script" not in script


def test_the_library_is_the_published_file() -> None:
    """@dagrejs/dagre 3.1.3, dist/dagre.min.js, from npm; its licence is included in every page."""
    digest = hashlib.sha256(static("dagre.min.js").encode()).hexdigest()

    assert digest == "54a503e346f93ca0bb10abe7999587e037262935687aca45eb4e4b0f64bbb578"
    assert "Permission is hereby granted" in static("dagre.LICENSE.txt")


def test_screen_readers_and_keyboards_find_landmarks_headings_and_table_heads(page: Page) -> None:
    tags = [tag for tag, _ in page.elements]

    assert next(attributes["lang"] for tag, attributes in page.elements if tag == "html") == "en"
    assert {"header", "nav", "main", "footer", "h1", "title"} <= set(tags)
    assert tags.count("h1") == 1
    assert all(attributes.get("scope") for tag, attributes in page.elements if tag == "th")
    assert page.elements[tags.index("a")] == ("a", {"class": "skip", "href": "#main"})


def test_more_changes_than_the_page_holds_are_counted(page_of: PageOf) -> None:
    many = tuple(a_topic(f"t{number}") for number in range(MOST_CHANGES + 5))
    page = page_of(a_document(), a_document(topics=many))

    assert len(page.rows("changes")) == MOST_CHANGES
    assert page.data["left_out"]["changes"] == 5


def test_an_unknown_or_undiscovered_cluster_is_an_error(estate: Estate, store: InventoryStore) -> None:
    with pytest.raises(EstateError, match="no cluster 'nowhere'"):
        read_report(estate, store, ["nowhere"], made_at=LATER)
    with pytest.raises(StoreError, match="run `mesh-assets discover` first"):
        read_report(estate, store, made_at=LATER)


def test_the_page_of_a_tenth_of_a_large_estate_is_below_a_tenth_of_the_bar(
    estate: Estate, store: InventoryStore
) -> None:
    """The whole, below 5 MB, is measured by `python -m bench.report`."""
    publish(store, a_described_estate(0.1))
    keep_analysis(store)

    html = render_report(read_report(estate, store, made_at=LATER))

    assert len(Page(html).rows("topics")) == 900
    assert len(html.encode()) < 500_000
