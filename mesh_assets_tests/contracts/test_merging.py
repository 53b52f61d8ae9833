"""A contract that people edit while it is regenerated."""

import copy
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from mesh_assets.contracts.folder import (
    GENERATED,
    Written,
    file_name,
    generated_before,
    load,
    merged,
    text_of,
)
from mesh_assets.contracts.generating import contract_of
from mesh_assets.contracts.merging import Merge
from mesh_assets_tests.contracts.facts import ORDER, facts, fields_of, orders, schema_problems, users

FIRST = contract_of(facts())


def write(folder: Path, contract: dict[str, Any]) -> Written:
    made = merged(folder, contract, before=generated_before(folder, contract["id"]))
    (folder / GENERATED).mkdir(exist_ok=True)
    made.path.write_text(made.text, encoding="utf-8")
    (folder / GENERATED / made.path.name).write_text(made.base, encoding="utf-8")
    return made


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / file_name("shop-orders")
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_writing_twice_changes_nothing(tmp_path: Path) -> None:
    assert write(tmp_path, FIRST).is_new
    text = (tmp_path / file_name("shop-orders")).read_text(encoding="utf-8")
    again = write(tmp_path, contract_of(facts(), before=FIRST))
    assert (again.text, again.changes, again.conflicts, again.is_new) == (text, (), (), False)


def test_human_edits_stay_with_their_comments_while_the_estate_adds(tmp_path: Path) -> None:
    write(tmp_path, FIRST)
    edit(tmp_path, "status: draft\n", "status: active  # agreed on 3 November\nprice: {priceAmount: 3}\n")
    edit(tmp_path, "description: Unique for ever.", "description: 'As printed on the invoice.'  # ask Ann")
    edit(tmp_path, "  name: team-shop\n", "  name: team-checkout\n  members:\n    - username: ann\n")
    more = {**ORDER, "fields": [*ORDER["fields"], {"name": "note", "type": "string"}]}
    made = write(tmp_path, contract_of(facts(orders(fields=fields_of(more)), users()), before=FIRST))
    assert made.conflicts == ()
    assert set(made.changes) == {"version is 1.1.0, was 1.0.0", "schema.orders-v2.properties.note is new"}
    for kept in (
        "status: active  # agreed on 3 November",
        "price: {priceAmount: 3}",
        "description: 'As printed on the invoice.'  # ask Ann",
        "  name: team-checkout",
        "    - username: ann",
    ):
        assert kept in made.text
    assert schema_problems(load(made.path)) == []


def test_where_both_changed_the_person_wins_and_the_conflict_is_named(tmp_path: Path) -> None:
    write(tmp_path, FIRST)
    edit(tmp_path, "name: team-shop", "name: team-checkout")
    made = write(tmp_path, contract_of(facts(owner="team-new"), before=FIRST))
    assert [tuple(one) for one in made.conflicts] == [
        ("team.name", "the file says team-checkout, the estate team-new")
    ]
    assert "team-checkout" in made.text
    assert "team-new" in made.base


def test_what_the_estate_lost_is_removed_unless_a_person_changed_it(tmp_path: Path) -> None:
    write(tmp_path, FIRST)
    edit(tmp_path, "description: Unique for ever.", "description: Mine.")
    less = {**ORDER, "fields": ORDER["fields"][3:]}
    made = write(
        tmp_path, contract_of(facts(orders(fields=fields_of(less), references=()), users()), before=FIRST)
    )
    assert {
        "schema.orders-v2.properties.user_id is gone",
        "schema.orders-v2.properties.total is gone",
    } <= set(made.changes)
    assert [one.place for one in made.conflicts] == ["schema.orders-v2.properties.order_id"]
    assert "description: Mine." in made.text


def test_what_a_person_removed_stays_out_until_the_estate_changes_it(tmp_path: Path) -> None:
    write(tmp_path, FIRST)
    edit(tmp_path, "domain: orders\n", "")
    assert "domain:" not in write(tmp_path, contract_of(facts(), before=FIRST)).text
    made = write(tmp_path, contract_of(facts(domain="sales"), before=FIRST))
    assert [tuple(one) for one in made.conflicts] == [
        ("domain", "was taken out of the file, and the estate now says sales")
    ]
    assert "domain:" not in made.text


def test_a_file_written_by_people_alone_keeps_everything(tmp_path: Path) -> None:
    own = "# ours\napiVersion: v3.0.2\nkind: DataContract\nid: shop-orders\nversion: 4.0.0\nstatus: active\n"
    (tmp_path / file_name("shop-orders")).write_text(own, encoding="utf-8")
    made = write(tmp_path, FIRST)
    assert made.text.startswith(own)
    assert {one.place for one in made.conflicts} == {"apiVersion", "version", "status"}
    assert {"schema is new", "team is new"} <= set(made.changes)


def test_levels_with_one_id_and_topics_with_one_name_are_kept_apart() -> None:
    def contract(hours: int, partitions: int) -> dict[str, Any]:
        return {
            "schema": [
                {"name": "shoes", "physicalName": "shoes", "partitions": 1},
                {"name": "shoes_2", "physicalName": "shoes", "partitions": partitions},
            ],
            "slaProperties": [
                {"id": "fresh", "element": "shoes", "value": 1},
                {"id": "fresh", "element": "shoes_2", "value": hours},
            ],
        }

    mine = contract(5, 1)
    merge = Merge(mine).with_new(contract(1, 1), contract(1, 3))
    assert (merge.mine, merge.conflicts) == (contract(5, 3), [])
    assert merge.changes == ["schema.shoes (shoes_2).partitions is 3, was 1"]


SCALARS = st.one_of(st.booleans(), st.integers(0, 2), st.sampled_from(["a", "b"]))
ENTRIES = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from(["p", "q", "r"]), "v": SCALARS}), max_size=3
)
VALUES: st.SearchStrategy[Any] = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    ENTRIES,
    st.dictionaries(st.sampled_from(["id", "schema", "tags"]), SCALARS | ENTRIES, max_size=3),
)
CONTRACTS = st.dictionaries(st.sampled_from(["id", "schema", "servers", "tags", "z"]), VALUES, max_size=4)


@example({"tags": ["b"]}, {"tags": "b"})
@given(CONTRACTS, CONTRACTS)
def test_an_untouched_file_becomes_what_is_generated(base: dict[str, Any], new: dict[str, Any]) -> None:
    merge = Merge(copy.deepcopy(base)).with_new(base, new)
    assert merge.conflicts == []
    assert _without_order(merge.mine) == _without_order(new)


@given(CONTRACTS, CONTRACTS)
def test_the_file_stays_where_the_estate_changed_nothing(base: dict[str, Any], mine: dict[str, Any]) -> None:
    merge = Merge(copy.deepcopy(mine)).with_new(base, copy.deepcopy(base))
    assert (merge.mine, merge.conflicts, merge.changes) == (mine, [], [])


@given(CONTRACTS, CONTRACTS, CONTRACTS)
def test_a_value_changed_by_a_person_is_never_lost(
    base: dict[str, Any], mine: dict[str, Any], new: dict[str, Any]
) -> None:
    merge = Merge(copy.deepcopy(mine)).with_new(base, new)
    for key, value in mine.items():
        if not isinstance(value, dict | list) and base.get(key) != value:
            assert merge.mine[key] == value


def _without_order(value: Any) -> Any:
    """Entries of lists keep their place in the file."""
    if isinstance(value, dict):
        return {key: _without_order(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return sorted(repr(_without_order(inner)) for inner in value)
    return value


def test_text_reads_back_as_written() -> None:
    assert text_of(FIRST).startswith("apiVersion: v3.2.0\nkind: DataContract\nid: shop-orders\n")
