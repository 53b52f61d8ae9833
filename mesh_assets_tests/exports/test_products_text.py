"""Data products as Markdown."""

from msgspec.structs import replace

from mesh_assets.exports.products_text import products_markdown, text
from mesh_assets.products.records import DataProducts
from mesh_assets_tests.exports.products import some_products


def test_a_person_finds_the_open_decisions() -> None:
    lines = list(products_markdown(*some_products()))
    assert "## People" in lines
    assert "| id | `people`, accepted |" in lines
    assert "| quality: completeness | not known: no topic has a profile (docs/profiles.md) |" in lines
    assert "| consumers | application fraud |" in lines
    assert "| partitions | 2, 50.0% of the estate |" in lines
    assert "| cost per month | 15 EUR, 50.0% of the estate |" in lines
    assert "| written a second | not known: metrics: the estate configures no source |" in lines
    assert any(line.startswith("- **warehouse/gone: it is no longer in the inventory") for line in lines)
    assert any(line.startswith("- `warehouse/noise`: no rule names it") for line in lines)


def test_foreign_names_end_no_line_and_no_cell_of_a_table() -> None:
    assert text("a|b\n# c `d`<x>") == "a\\|b # c \\`d\\`\\<x\\>"
    lines = list(products_markdown(*some_products()))
    assert "## Sales \\| *all*" in lines


def test_a_draft_is_a_block_of_sql_and_a_missing_one_gives_the_reason() -> None:
    products, costs = some_products()
    lines = list(products_markdown(products, costs))
    at = lines.index("### invoices with orders, by order_id")
    assert lines[at + 2] == "```sql"
    assert "```" in lines[at + 3 :]
    [sales] = [one for one in products.products if one.joins]
    without = replace(
        sales, joins=(replace(sales.joins[0], sql=None, reason="of a type without a sure one"),)
    )
    shown = list(products_markdown(replace(products, products=(without,)), costs))
    assert "No draft: of a type without a sure one." in shown


def test_an_estate_without_products_says_so() -> None:
    empty = DataProducts(products=(), outside=(), identities=())
    costs = replace(some_products()[1], notes=())
    assert list(products_markdown(empty, costs)) == [
        "# Data products",
        "",
        "No topic belongs to a product.",
        "",
    ]
