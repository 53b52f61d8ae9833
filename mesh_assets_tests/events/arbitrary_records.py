"""Arbitrary records of any kind, made from the types of their fields: a new field is covered without a change here."""

from datetime import UTC, datetime
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from mesh_assets.inventory.storage_records import TopicStorage

_T = TypeVar("_T", bound=msgspec.Struct)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)  # UTF-8 holds no lone surrogates
_SIMPLE: dict[Any, SearchStrategy[Any]] = {
    str: _TEXTS,
    bool: st.booleans(),
    int: st.integers(-(2**31), 2**31 - 1),
    float: st.floats(allow_nan=False),
    type(None): st.none(),
    datetime: st.datetimes(
        min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)
    ),
}

# Kafka's record times are whole milliseconds, and so are an event's.
_RECORD_TIMES = st.none() | _SIMPLE[datetime].map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)


def arbitrary(kind: type[_T], **fields: SearchStrategy[Any]) -> SearchStrategy[_T]:
    """Records of `kind`; `fields` instead of what their types would give."""
    made = {
        field.name: fields[field.name] if field.name in fields else _of(field.type)
        for field in msgspec.structs.fields(kind)
    }
    return st.builds(kind, **made)


def _of(annotation: Any) -> SearchStrategy[Any]:
    if annotation in _SIMPLE:
        return _SIMPLE[annotation]
    arguments = get_args(annotation)
    if get_origin(annotation) in (UnionType, Union):
        return st.one_of(*(_of(argument) for argument in arguments))
    match get_origin(annotation):
        case origin if origin is tuple:
            return st.lists(_of(arguments[0]), max_size=2).map(tuple)
        case origin if origin is dict:
            return st.dictionaries(_of(arguments[0]), _of(arguments[1]), max_size=2)
        case origin if origin is Literal:
            return st.sampled_from(arguments)
        case _ if annotation is TopicStorage:
            return arbitrary(TopicStorage, oldest_record_at=_RECORD_TIMES, newest_record_at=_RECORD_TIMES)
        case _:
            return arbitrary(annotation)
