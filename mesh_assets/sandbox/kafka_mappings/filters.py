"""Whether a record passes a mapping's filters: EventBridge's patterns, as far as Lambda supports them for Kafka.

Patterns see a record as `{"topic", "partition", "offset", "timestamp", "key", "value"}`, with key and value decoded, and
parsed if they are JSON. A pattern for fields of a value that is not a JSON object never matches; one for a text may.
"""

import json
import operator
from collections.abc import Mapping, Sequence
from typing import Any

_ABSENT = object()


def passes(filters: Sequence[Mapping[str, Any]], record: Mapping[str, Any]) -> bool:
    """Whether any of the patterns matches; without patterns, everything passes. Raises `ValueError` for a bad pattern."""
    patterns = [_pattern(one["Pattern"]) for one in filters if one.get("Pattern")]
    return not patterns or any(_matches(pattern, record) for pattern in patterns)


def _pattern(text: str) -> Mapping[str, Any]:
    try:
        pattern = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError("Invalid filter pattern: it is not JSON") from error
    if not isinstance(pattern, dict) or not pattern:
        raise ValueError("Invalid filter pattern: it is not a JSON object with a field")
    return pattern


def checked(filters: Sequence[Mapping[str, Any]]) -> None:
    """Check the patterns. Raises `ValueError` for a bad one."""
    for one in filters:
        _pattern(one.get("Pattern") or "")


def _matches(pattern: Mapping[str, Any], value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    for name, wanted in pattern.items():
        if name == "$or":
            if not any(_matches(one, value) for one in wanted):
                return False
            continue
        found = value.get(name, _ABSENT)
        if isinstance(wanted, dict):
            if not _matches(wanted, found):
                return False
        elif not any(_is(rule, found) for rule in wanted):
            return False
    return True


def _is(rule: Any, found: Any) -> bool:
    if isinstance(found, list):
        return any(_is(rule, one) for one in found)
    if not isinstance(rule, dict):
        return found is not _ABSENT and type(rule) is type(found) and rule == found
    [(word, argument)] = rule.items()
    match word:
        case "exists":
            return (found is not _ABSENT) is bool(argument)
        case "prefix":
            return isinstance(found, str) and found.startswith(argument)
        case "suffix":
            return isinstance(found, str) and found.endswith(argument)
        case "equals-ignore-case":
            return isinstance(found, str) and found.lower() == argument.lower()
        case "anything-but":
            refused = argument if isinstance(argument, list) else [argument]
            return found is not _ABSENT and not any(_is(one, found) for one in refused)
        case "numeric":
            return isinstance(found, int | float) and _in_range(found, argument)
    raise ValueError(f"Invalid filter pattern: unrecognized match type {word}")


_COMPARED = {"=": operator.eq, ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}


def _in_range(number: float, rule: Sequence[Any]) -> bool:
    return all(_COMPARED[word](number, limit) for word, limit in zip(rule[::2], rule[1::2], strict=True))
