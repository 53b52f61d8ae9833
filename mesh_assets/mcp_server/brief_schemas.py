"""JSON schemas without what says nothing: an agent reads those of all tools before it asks anything."""

from typing import Any

_NAMED = ("properties", "$defs")
"""Their keys are names, and no keywords."""


def brief_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Without titles that pydantic makes of names, and without null: an argument may be left out instead, and
    answers leave out what is not known. Accepts the same values otherwise.
    """
    found: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "title" or (key == "default" and value is None):
            continue
        if key in _NAMED and isinstance(value, dict):
            found[key] = {name: brief_schema(one) for name, one in value.items()}
        elif key == "anyOf":
            kept = [brief_schema(one) for one in value if one != {"type": "null"}]
            found.update(kept[0] if len(kept) == 1 else {"anyOf": kept})
        elif isinstance(value, dict) and key not in ("default", "const"):
            found[key] = brief_schema(value)
        else:
            found[key] = value
    return found
