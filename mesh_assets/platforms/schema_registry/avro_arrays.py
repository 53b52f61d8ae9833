"""Avro arrays whose items take no bytes: a record of ten bytes may hold 2⁶² of them, so we read none."""

from collections.abc import Mapping
from typing import Any


def has_unbounded_array(schema: Any, named: Mapping[str, Any]) -> bool:
    """`schema` as fastavro parsed it, `named`: every type that it names or refers to."""
    empty: dict[str, bool] = {}
    waiting = [schema, *named.values()]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, dict):
            if part.get("type") == "array" and _is_empty(part["items"], named, empty):
                return True
            waiting.extend(field["type"] for field in part.get("fields", ()))
            waiting.extend(part[key] for key in ("type", "items", "values") if key in part)
    return False


def _is_empty(part: Any, named: Mapping[str, Any], known: dict[str, bool]) -> bool:
    """Whether every value takes no bytes. A type that contains itself counts as one: it cannot be read
    anyway."""
    if isinstance(part, str):
        if part not in named:
            return part == "null"
        if part not in known:
            known[part] = False
            known[part] = _is_empty(named[part], named, known)
        return known[part]
    if not isinstance(part, dict):
        return False  # a union takes a byte for its choice
    if part["type"] in ("record", "error"):
        return all(_is_empty(field["type"], named, known) for field in part["fields"])
    return part.get("size") == 0 if part["type"] == "fixed" else _is_empty(part["type"], named, known)
