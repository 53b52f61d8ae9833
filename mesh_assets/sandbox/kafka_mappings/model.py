"""Values held against botocore's own description of a service, closer than botocore does.

botocore's validator finds unknown members, wrong types, and what is too small or too short. AWS itself also
refuses what is too large or too long, no member of an enum, against a pattern, or missing; so does this walk.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.validate import ParamValidator


@cache
def operation(service: str, name: str) -> OperationModel:
    return ServiceModel(Loader().load_service_model(service, "service-2")).operation_model(name)


def problems(value: Any, shape: Shape) -> list[str]:
    """What is wrong with the value, each as a sentence in AWS's manner; empty when it is valid."""
    report = ParamValidator().validate(value, shape)
    if report.has_errors():
        return [line for line in report.generate_report().splitlines() if line]
    return list(_walk(value, shape, ""))


def _walk(value: Any, shape: Shape, path: str) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            for name in shape.metadata.get("required", ()):
                if name not in value:
                    yield _sentence(f"{path}.{name}", "null", "Member must not be null")
            for name, inner in value.items():
                yield from _walk(inner, shape.members[name], f"{path}.{name}")
        case "list":
            yield from _size(len(value), value, shape, path)
            for number, inner in enumerate(value, start=1):
                yield from _walk(inner, shape.member, f"{path}.{number}.member")
        case "map":
            yield from _size(len(value), value, shape, path)
            for key, inner in value.items():
                yield from _walk(key, shape.key, f"{path}.key")
                yield from _walk(inner, shape.value, f"{path}.{key}")
        case "string":
            yield from _size(len(value), value, shape, path)
            if shape.enum and value not in shape.enum:
                yield _sentence(path, value, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
            pattern = _compiled(shape.metadata.get("pattern"))
            if pattern is not None and not pattern.fullmatch(value):
                yield _sentence(
                    path,
                    value,
                    f"Member must satisfy regular expression pattern: {shape.metadata['pattern']}",
                )
        case "integer" | "long":
            most = shape.metadata.get("max")
            if most is not None and value > most:
                yield _sentence(path, value, f"Member must have value less than or equal to {most}")


def _size(length: int, value: Any, shape: Shape, path: str) -> Iterator[str]:
    most = shape.metadata.get("max")
    if most is not None and length > most:
        yield _sentence(path, value, f"Member must have length less than or equal to {most}")


def _sentence(path: str, value: Any, rule: str) -> str:
    member = path.lstrip(".")
    return f"Value '{value}' at '{member[:1].lower()}{member[1:]}' failed to satisfy constraint: {rule}"


@cache
def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    """None also for a pattern that only Java understands (`\\p{L}`)."""
    try:
        return None if pattern is None else re.compile(pattern)
    except re.error:
        return None
