import pytest

from mesh_assets.answering.answers import Answer, BadArgumentError
from mesh_assets.answering.pages import build_page, matches


class Row(Answer):
    name: str


class Rows(Answer):
    rows: list[Row]
    total: int
    next_cursor: str | None
    hint: str | None


def page(
    names: list[str],
    *,
    cursor: str | None = None,
    limit: int | None = 2,
    question: str = "q",
    version: str = "1",
) -> Rows:
    return build_page(
        Rows,
        "rows",
        names,
        place=lambda name: (name,),
        row=lambda name: Row(name=name),
        limit=limit,
        cursor=cursor,
        question=(question,),
        version=version,
    )


def names(page: Rows) -> list[str]:
    return [row.name for row in page.rows]


def test_a_cursor_continues_after_the_last_row_and_says_when_a_newer_document_arrived() -> None:
    first = page(["a", "c", "d"])
    assert (names(first), first.hint) == (["a", "c"], "1 more: pass next_cursor, or narrow with pattern")
    second = page(["a", "b", "d", "e"], cursor=first.next_cursor, version="2")
    assert names(second) == ["d", "e"]
    assert second.hint == "a newer document has arrived since the previous page; rows may have come or gone"


def test_a_cursor_belongs_to_its_list() -> None:
    with pytest.raises(BadArgumentError, match="another list"):
        page(["a", "b", "c"], cursor=page(["a", "b", "c"]).next_cursor, question="other")


def test_a_page_is_cut_by_bytes_and_holds_at_least_one_row() -> None:
    long = ["a" * 3_000, "b" * 3_000]
    assert names(page(long, limit=None)) == long[:1]
    assert names(page(["x" * 100_000])) == ["x" * 100_000]


def test_a_pattern_is_a_shell_pattern_or_part_of_a_name() -> None:
    assert [name for name in ("orders", "eu-Orders", "users") if matches(name, "order")] == [
        "orders",
        "eu-Orders",
    ]
    assert [name for name in ("orders", "eu-orders") if matches(name, "orders*")] == ["orders"]
    assert matches("anything", None)
