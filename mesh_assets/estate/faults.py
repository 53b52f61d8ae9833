"""What is wrong with an estate file, in sentences: the file, the line, the field, what was expected."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mesh_assets.errors import EstateError
from mesh_assets.estate.yaml_text import Location, Written

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Where the parts of an estate are written: most of it in `file`, each cluster in one or more places, the nearest
    first (its own entry, then the defaults)."""

    file: Written
    clusters: Mapping[str, tuple[Written, ...]] = field(default_factory=dict)

    def of(self, location: Location) -> tuple[tuple[Written, ...], int]:
        """The places to search for `location`, and how many of its keys lead there."""
        if len(location) > 1 and location[0] == "clusters" and location[1] in self.clusters:
            return self.clusters[str(location[1])], 2
        return (self.file,), 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    at: str
    path: tuple[str, ...]
    message: str
    in_defaults: bool


def validated(model: type[T], data: Any, origins: Origins) -> T:
    """Raises EstateError with each fault on its own line."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = [_fault(detail, origins) for detail in error.errors(include_url=False, include_input=False)]
        raise EstateError("\n".join(_lines(faults))) from None


def _lines(faults: list[_Fault]) -> Iterator[str]:
    """Reports a fault in the defaults once, not for each cluster that inherits it."""
    alike: dict[tuple[object, ...], list[_Fault]] = {}
    for one in faults:
        key = (one.at, one.path[2:], one.message) if one.in_defaults else (one.at, one.path, one.message)
        alike.setdefault(key, []).append(one)
    for first, *others in alike.values():
        more = f", and of {len(others)} more clusters" if len(others) > 1 else ", and of one more cluster"
        note = f" (from the defaults{more if others else ''})" if first.in_defaults else ""
        yield f"{first.at}: {'.'.join(first.path) or 'the file'}: {first.message}{note}"


def _fault(detail: ErrorDetails, origins: Origins) -> _Fault:
    location = detail["loc"]
    places, above = origins.of(location)
    rest = location[above:]
    found = [place.deepest(rest) for place in places]
    nearest = max(range(len(found)), key=lambda number: (found[number][1], -number))
    path = (*map(str, location[:above]), *_path(rest, places))
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "extra_forbidden":
        message = "is not a field here; check its spelling or remove it"
    elif detail["type"] == "missing":
        message = "is missing"
    elif detail["type"] == "string_pattern_mismatch" and str(location[-1]) == "url":
        message = "expected a URL that starts with http:// or https://"
    elif detail["type"] in _EXPECTED:
        message = f"expected {_EXPECTED[detail['type']]}"
    elif detail["type"] in ("union_tag_invalid", "union_tag_not_found"):
        path, message = (*path, "kind"), _kind_expected(detail)
    return _Fault(at=str(found[nearest][0]), path=path, message=message, in_defaults=nearest > 0)


_EXPECTED = {
    "tuple_type": "a list: [a, b], or lines that begin with `- `",
    "list_type": "a list: [a, b], or lines that begin with `- `",
    "dict_type": "names and values: {name: value}, or indented lines of `name: value`",
    "model_type": "names and values: {name: value}, or indented lines of `name: value`",
    "model_attributes_type": "names and values: {name: value}, or indented lines of `name: value`",
    "string_type": "text; put it in quotes",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
}
"""In the terms of YAML, not of Python."""


def _path(location: Location, places: tuple[Written, ...]) -> Iterator[str]:
    """The parts of the location as the file has them, without the tags of discriminated unions that `loc` adds."""
    at = list(places)
    for part in location:
        below = [found for place in at if (found := place.below(part)) is not None]
        if not below and any(place.text("kind") == part for place in at):
            continue
        at = below
        yield str(part)


def _kind_expected(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    if detail["type"] == "union_tag_invalid":
        return f"{context.get('tag')!r} is not a kind; expected one of {context.get('expected_tags')}"
    return "is missing"
