"""Which records reach the function: EventBridge's patterns, as Lambda accepts them for Kafka.

The grammar is that of EventBridge's event patterns, of which Lambda's guide lists the operators that it supports:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html#filtering-syntax. Lambda answers every
mistake with `Invalid filter pattern definition.`, so the place and the rule are said here.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from mesh_assets.esm.arns import arn_in
from mesh_assets.esm.errors import Violation, fault, warning
from mesh_assets.esm.validation.subject import Subject

_FIELD = "filter_patterns"
_LONGEST_PATTERN = 4_096
_FILTERS_WITHOUT_ASKING, _MOST_FILTERS = 5, 10
_EXAMPLE = 'write it like {"value": {"status": ["failed"]}}'
_FILTERED_BY = "value"
_OR = "$or"
_FEWEST_ALTERNATIVES = 2
_LARGEST_NUMBER = 5e9
"""EventBridge's guide allows no larger number in comparisons."""

_Fault = tuple[str, str, str]
"""The place in the pattern, the rule, what to do."""


def filter_violations(subject: Subject) -> Iterator[Violation]:
    """The patterns, how many there are, and the key that encrypts them."""
    patterns = subject.request.filter_patterns
    for number, pattern in enumerate(patterns or ()):
        yield from _pattern(f"{_FIELD}[{number}]", pattern)
    number = len(patterns or ())
    if number > _MOST_FILTERS:
        yield fault(_FIELD, number, f"a mapping has at most {_MOST_FILTERS} filters", "join some by $or")
    elif number > _FILTERS_WITHOUT_ASKING:
        yield warning(
            _FIELD,
            number,
            f"an account has {_FILTERS_WITHOUT_ASKING} filters per mapping unless more were granted",
            "check the quota",
        )
    if patterns == () and subject.creating:
        yield fault(_FIELD, "()", "is empty", "leave it out to let every record pass")
    key = subject.request.filter_kms_key_arn
    if not key:
        return
    arn = arn_in(key)
    if arn is None or arn.service != "kms":
        yield fault("filter_kms_key_arn", key, "is not the ARN of a KMS key", "give the key's ARN")
    unknown = None if patterns is not None or subject.existing is None else subject.existing.unknown_filters
    if unknown is not None:
        yield warning(
            "filter_kms_key_arn",
            key,
            f"the mapping's filters are not known ({unknown}), so it is unknown whether there are any to encrypt",
            "allow yourself kms:Decrypt on their key, or give filter_patterns again",
        )
    elif not subject.after(_FIELD):
        yield fault(
            "filter_kms_key_arn",
            key,
            "encrypts filter patterns, and there are none",
            "add filter_patterns, or leave it out",
        )


def _pattern(field: str, pattern: str) -> Iterator[Violation]:
    if len(pattern) > _LONGEST_PATTERN:
        rule = f"a pattern has at most {_LONGEST_PATTERN} characters, this has {len(pattern)}"
        yield fault(field, pattern, rule, "shorten it")
        return
    try:
        read = json.loads(pattern, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        yield fault(field, pattern, f"is not JSON ({error.msg} at {error.pos})", _EXAMPLE)
        return
    except RecursionError:
        yield fault(field, pattern, "is nested deeper than any record", _EXAMPLE)
        return
    except ValueError as error:
        yield fault(field, pattern, f"is not JSON ({error} is not a JSON value)", _EXAMPLE)
        return
    if not isinstance(read, dict):
        yield fault(field, pattern, "a pattern is a JSON object", _EXAMPLE)
        return
    faults = list(_faults(read))
    for place, rule, action in faults:
        yield fault(field, place or pattern, rule, action)
    if not faults:
        yield from _surprises(field, read)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _faults(pattern: Mapping[str, Any]) -> Iterator[_Fault]:
    """What Lambda refuses. Pending objects are in a list: a pattern can be nested deeper than Python's stack."""
    waiting: list[tuple[str, Mapping[str, Any]]] = [("", pattern)]
    while waiting:
        place, fields = waiting.pop()
        if not fields:
            yield place, "is an object without a field, which Lambda refuses", "name a field, or leave it out"
        for name, wanted in fields.items():
            here = f"{place}.{name}" if place else name
            if name == _OR:
                if (
                    not isinstance(wanted, list)
                    or len(wanted) < _FEWEST_ALTERNATIVES
                    or not all(isinstance(one, dict) for one in wanted)
                ):
                    yield (
                        here,
                        "is a list of two or more objects, one of which must match",
                        "write them that way",
                    )
                else:
                    waiting += [(f"{here}[{number}]", one) for number, one in enumerate(wanted)]
            elif isinstance(wanted, dict):
                waiting.append((here, wanted))
            elif not isinstance(wanted, list):
                yield (
                    here,
                    f"is {_kind(wanted)}; the values of a field are a list, even a single one",
                    f"write [{json.dumps(wanted)[:40]}]",
                )
            elif not wanted:
                yield (
                    here,
                    "is an empty list, which Lambda refuses",
                    'give values; "" and null count as values',
                )
            else:
                yield from (
                    (f"{here}[{number}]", rule, action)
                    for number, one in enumerate(wanted)
                    for rule, action in _value_faults(one)
                )


def _value_faults(value: Any) -> Iterator[tuple[str, str]]:
    """One of the values of a field: a plain one, or a comparison."""
    if isinstance(value, list):
        yield "is a list within a list", "write the values in one list"
    if not isinstance(value, dict):
        return
    if len(value) != 1:
        yield (
            f"is an object with {len(value)} names; a comparison has one",
            "write each in an object of its own",
        )
        return
    [(word, argument)] = value.items()
    if word not in _COMPARISONS:
        yield (
            f"has {json.dumps(word)[:60]}, which compares nothing",
            f"use one of {', '.join(_COMPARISONS)}; if it is a field, move it outside the list",
        )
        return
    form, fits = _COMPARISONS[word]
    if not fits(argument):
        yield f"{word} takes {form}", "correct it"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_affix(value: Any) -> bool:
    """A text, or one whose case is ignored."""
    return _is_text(value) or (
        isinstance(value, dict)
        and [*value] == ["equals-ignore-case"]
        and _is_text(value["equals-ignore-case"])
    )


def _is_range(value: Any) -> bool:
    match value:
        case ["=" | "<" | "<=" | ">" | ">=", number]:
            return _is_number(number)
        case [">" | ">=", low, "<" | "<=", high]:
            return _is_number(low) and _is_number(high) and low < high
        case _:
            return False


def _is_refused_values(value: Any) -> bool:
    """What anything-but may not be: a value or several of one kind, or a comparison of texts."""
    if isinstance(value, dict):
        [word] = value if len(value) == 1 else [""]
        texts = value.get(word)
        return word in ("prefix", "suffix", "equals-ignore-case", "wildcard") and all(
            isinstance(one, str) and (one or word == "equals-ignore-case")
            for one in (texts if isinstance(texts, list) and texts else [texts])
        )
    values = value if isinstance(value, list) else [value]
    return bool(values) and (all(map(_is_text, values)) or all(map(_is_number, values)))


_COMPARISONS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "prefix": ("a text", _is_affix),
    "suffix": ("a text", _is_affix),
    "equals-ignore-case": ("a text", _is_text),
    "exists": ("true or false", lambda value: isinstance(value, bool)),
    "numeric": ('a list like ["=", 100] or [">", 10, "<=", 20]', _is_range),
    "anything-but": (
        "a text, a number, a list of texts or of numbers, or a prefix or suffix",
        _is_refused_values,
    ),
    "cidr": ("a text", _is_text),
    "wildcard": ("a text", _is_text),
}
_UNLISTED = ("cidr", "wildcard")
"""EventBridge has these, but Lambda's guide does not list them."""


def _surprises(field: str, pattern: Mapping[str, Any]) -> Iterator[Violation]:
    """What Lambda accepts but may still keep every record out."""
    tops = {name for part in (pattern, *_alternatives(pattern)) for name in part} - {_OR, _FILTERED_BY}
    if tops:
        yield warning(
            field,
            ", ".join(sorted(tops)),
            "Lambda filters Kafka records only by their value, so this may match none",
            'write the fields of the record within "value"',
        )
    words = {word for word, _ in _comparisons(pattern)}
    for word in sorted(words & set(_UNLISTED)):
        yield warning(field, word, "Lambda's guide does not list this comparison", "try it, or use another")
    numbers = [
        number
        for word, argument in _comparisons(pattern)
        if word == "numeric"
        for number in argument
        if _is_number(number) and abs(number) > _LARGEST_NUMBER
    ]
    if numbers:
        yield warning(
            field,
            numbers[0],
            "EventBridge compares numbers from -5e9 to 5e9",
            "compare a different field, or give the exact number: [12345678901]",
        )


def _alternatives(pattern: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The objects of a top-level $or, and of those within it."""
    waiting = [pattern]
    while waiting:
        for one in waiting.pop().get(_OR, ()):
            yield one
            waiting.append(one)


def _comparisons(pattern: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every comparison of a valid pattern."""
    waiting = [pattern]
    while waiting:
        for name, wanted in waiting.pop().items():
            if isinstance(wanted, dict):
                waiting.append(wanted)
            elif name == _OR:
                waiting += wanted
            else:
                yield from (item for one in wanted if isinstance(one, dict) for item in one.items())


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "a text"
        case _:
            return "a number"
