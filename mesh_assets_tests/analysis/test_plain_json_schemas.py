"""The reader for plain schemas finds what the general reader finds."""

import json
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from mesh_assets.analysis.field_walk import DEEPEST
from mesh_assets.analysis.json_schema_fields import json_schema_fields
from mesh_assets.analysis.plain_json_schemas import plain_json_schema_fields
from mesh_assets.inventory.definitions import UnreadableDefinitionError, parse_json

_names = st.sampled_from(["id", "sku", "lines", "a.b", "", "[].x"])
_odd = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=2)
    | st.lists(st.text(max_size=2), max_size=2)
)
_of_a_value = st.one_of(
    st.tuples(st.just("type"), st.sampled_from(["string", "array", "object", "null", ["string", "null"]])),
    st.tuples(st.sampled_from(["type", "format", "description", "const", "$id", "enum", "required"]), _odd),
    st.tuples(st.just("format"), st.just("date")),
    st.tuples(st.just("required"), st.lists(_names, max_size=3)),
)


def _with_more(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(
        st.one_of(
            _of_a_value,
            st.tuples(st.just("properties"), st.dictionaries(_names, inner, max_size=3)),
            st.tuples(st.sampled_from(["items", "additionalProperties"]), inner),
            st.tuples(
                st.sampled_from(["items", "additionalProperties", "properties", "allOf", "$ref"]), _odd
            ),
        ),
        max_size=5,
    ).map(dict)


_schemas = st.recursive(st.lists(_of_a_value, max_size=3).map(dict) | st.booleans(), _with_more, max_leaves=8)


@given(_schemas)
def test_both_readers_find_the_same_fields(schema: Any) -> None:
    text = json.dumps(schema)
    found = plain_json_schema_fields(parse_json(text), length=len(text))
    event("plain" if found is not None else "not plain")
    if found is None:
        return
    assert found == json_schema_fields(parse_json(text))


def _nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


def _text_of(schema: Any) -> Any:
    return plain_json_schema_fields(schema, length=len(json.dumps(schema)))


def test_schemas_that_would_be_cut_go_to_the_reader_that_says_so() -> None:
    assert _text_of(_nested(DEEPEST)) == json_schema_fields(_nested(DEEPEST))
    assert _text_of(_nested(DEEPEST + 1)) is None
    many: dict[str, Any] = {"properties": {f"f{number}": {} for number in range(2_001)}}
    assert _text_of(many) is None
    arrays: dict[str, Any] = {"properties": {"a": {}}}
    for _ in range(DEEPEST + 1):
        arrays = {"type": "array", "items": arrays}
    assert _text_of(arrays) is None
    assert _text_of({"properties": {"a": {}}, "description": "x" * 20_000}) is None


def test_invalid_schemas_go_to_the_reader_that_refuses_them() -> None:
    wrong: list[Any] = [5, "text", None, [], {"properties": {"a": 5}}]
    for schema in wrong:
        assert _text_of(schema) is None
        try:
            json_schema_fields(schema)
        except UnreadableDefinitionError:
            continue
        raise AssertionError(f"{schema} was read")
