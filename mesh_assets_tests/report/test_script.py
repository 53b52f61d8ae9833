"""The report's script in jsdom: every link leads somewhere, tables sort and filter, names stay text."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from msgspec.structs import replace

from mesh_assets.estate.file import load_estate
from mesh_assets.inventory.records import ConnectorTopic
from mesh_assets.report import read_report, render_report
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests import node
from mesh_assets_tests.documents import a_connector, a_group, a_schema, a_topic
from mesh_assets_tests.published import publish
from mesh_assets_tests.report.a_shop import ESTATE, LATER, a_shop

MARK = "<img src=x onerror=alert(1)></script><b>"
HOSTILE = (
    MARK,
    "a/b",
    "100%",
    "%41",
    "#x?y",
    " ",
    "",
    "__proto__",
    "constructor",
    "toString",
    "x\ny",
    "größe 中文",
    "'\"`${1}",
)

Seen = dict[str, Any]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What a reader of one page sees who follows every link in it."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "estate.yaml").write_text(ESTATE)
    store = InventoryStore(FolderStore(folder / "store"))
    shop = a_shop()
    unknown = a_topic("returns")
    unknown = replace(
        unknown, details=replace(unknown.details, message_count=None, message_count_is="unknown")
    )
    many = a_topic("audit")
    many = replace(many, details=replace(many.details, message_count=2_000))
    document = replace(
        shop,
        topics=(*shop.topics, unknown, many),
        connectors=(
            *shop.connectors,
            *(a_connector(name, status="FAILED", trace=f"boom {MARK}") for name in HOSTILE if name),
            a_connector("twice", connect="main"),
            a_connector("twice", connect="other", status="FAILED"),
            *(
                a_connector(
                    f"{name}-archive",
                    topics=(ConnectorTopic(name=name, known="declared"),),
                    config={"errors.deadletterqueue.topic.name": "returns"},
                )
                for name in ("audit", "orders")
            ),
        ),
        schemas=(*shop.schemas, *(a_schema(name) for name in HOSTILE if name)),
        consumer_groups=(*shop.consumer_groups, *(a_group(name, state="Empty") for name in HOSTILE)),
    )
    publish(store, replace(document, topics=document.topics[:1]))
    publish(store, replace(document, sequence=2, discovery_timestamp=LATER))
    page = folder / "report.html"
    page.write_text(
        render_report(read_report(load_estate(folder / "estate.yaml"), store, made_at=LATER)),
        encoding="utf-8",
    )
    found: Seen = node.run(Path(__file__).with_name("browser.js"), node.packages(), page)
    return found


def test_the_script_runs_without_an_error_and_draws_the_mesh(seen: Seen) -> None:
    assert seen["errors"] == []
    assert seen["failed"] == ""
    assert seen["title"] == "What is wrong · Mesh report"
    assert "#topic/warehouse/orders" in seen["drawn"]


def test_a_table_head_sorts_both_ways_with_unknown_values_last(seen: Seen) -> None:
    assert seen["sorting"]["first"] == ["orders", "shipments", "returns", "audit"]
    [down, up] = seen["sorting"]["Records"]
    assert down == ["descending", ["audit", "orders", "shipments", "returns"]]
    assert up == ["ascending", ["orders", "shipments", "audit", "returns"]]
    assert seen["sorting"]["Topic"] == [["ascending", ["audit", "orders", "returns", "shipments"]]]


def test_text_and_choices_filter_a_table_which_counts_the_remaining_rows(seen: Seen) -> None:
    groups = 1 + len(HOSTILE)
    assert seen["filtered"] == {"rows": ["fraud-detection"], "status": f"1 group of {groups}"}
    assert seen["filtered_out"] == {"rows": [], "status": f"0 groups of {groups}"}
    assert "orders-sink" in seen["chosen"]["rows"]
    assert "fraud-detection" not in seen["chosen"]["rows"]
    assert seen["kind"]["picked"] == "failed_connector"
    # The empty name is not among the connectors; the shop's and one of two with a name are.
    assert len(seen["kind"]["rows"]) == len(HOSTILE) + 1


def test_a_slash_opens_the_search_which_finds_by_name(seen: Seen) -> None:
    assert seen["slash"] == "q"
    assert seen["search"]["hash"] == "#search/order"
    assert seen["search"]["heading"] == "Found by “order”"
    assert {"orders", "orders-source", "orders-sink", "orders-value"} <= set(seen["search"]["found"])


def test_every_link_leads_to_a_page_about_what_it_names(seen: Seen) -> None:
    pages = seen["pages"]
    assert {
        f"#{view}"
        for view in (
            "overview",
            "findings",
            "changes",
            "lineage",
            "topics",
            "connectors",
            "schemas",
            "groups",
        )
    } <= set(pages)
    lost = {
        address
        for address, page in pages.items()
        if "has no such" in page["text"] or "No such thing" in page["heading"]
    }
    assert lost == set()
    for kind, names in {"group": HOSTILE, "connector": HOSTILE, "schema": HOSTILE}.items():
        for name in filter(None, names):
            page = pages[f"#{kind}/warehouse/{quote(name, safe=chr(33) + chr(39) + '()*')}"]
            assert page["heading"] == " ".join(name.split())
            assert page["current"] == [f"#{kind}s"]
            assert page["focus"] == "main"
    assert pages["#topic/warehouse/orders"]["title"] == "orders · Mesh report"


@pytest.mark.parametrize(
    "told", ["order_id", "fraud-detection", "orders-source", "Shares keys with", "retention.ms"]
)
def test_the_page_of_a_topic_lists_its_fields_readers_writers_keys_and_configs(seen: Seen, told: str) -> None:
    assert told in seen["pages"]["#topic/warehouse/orders"]["text"]


def test_what_is_wrong_with_a_thing_comes_first_on_its_page(seen: Seen) -> None:
    text = seen["pages"]["#connector/warehouse/orders-sink"]["text"]
    assert text.index("critical") < text.index("State") < text.index("Lineage around it")


def test_of_two_connectors_with_one_name_only_the_broken_one_is_marked_as_broken(seen: Seen) -> None:
    assert "failed connector" in seen["pages"]["#connector/warehouse/twice/other"]["text"]
    assert "failed connector" not in seen["pages"]["#connector/warehouse/twice/main"]["text"]


def test_an_address_without_a_target_has_a_page_that_says_so_or_the_list(seen: Seen) -> None:
    assert seen["odd"] == {
        "#topic/%E0%A4%A": "What is wrong",
        "#nonsense": "What is wrong",
        "#topic": "Topics",
        "#topic/nowhere/x": "Topic x",
        "#group/warehouse": '""',
        "#node/x": "No such thing in this page",
        "#node/999999": "No such thing in this page",
        "#stack": "0 things",
        "#domain": "Lineage",
        "#constructor": "What is wrong",
        "#__proto__/x": "What is wrong",
    }


def test_no_arrow_label_covers_another(seen: Seen) -> None:
    assert seen["labels"] > 1
    assert seen["overlaid"] == []


def test_names_and_traces_are_text_on_every_page(seen: Seen) -> None:
    assert seen["foreign"] == []
    assert seen["handlers"] == []
    assert MARK in seen["pages"]["#groups"]["text"]


def test_what_is_missing_is_printed_even_if_folded(seen: Seen) -> None:
    assert seen["opened"] == [True]


def test_a_trace_keeps_its_causes(page_of: Callable[..., Any]) -> None:
    trace = (
        "A: first\n" + "\tat a.B.c(B.java:1)\n" * 100 + "Caused by: the disk is full\n\tat d.E.f(E.java:2)\n"
    )
    shop = replace(a_shop(), connectors=(a_connector("sink", status="FAILED", trace=trace),))
    [row] = page_of(shop).rows("connectors")
    assert row["trace"].startswith("A: first\n")
    assert row["trace"].endswith("…\nCaused by: the disk is full")
    assert len(row["trace"]) < 700
