"""Checks requests and answers against botocore's service model, including what its client does not check.

botocore checks required and unknown names, types and minimums. Maximums, enumerations and patterns are in the model, too.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.model import OperationModel, ServiceModel, Shape
from botocore.session import Session
from botocore.validate import ParamValidator


@cache
def _service(name: str) -> ServiceModel:
    return Session().get_service_model(name)


@cache
def operation(service: str, name: str) -> OperationModel:
    return _service(service).operation_model(name)


def request_problems(service: str, name: str, request: Mapping[str, Any]) -> list[str]:
    return _problems(operation(service, name).input_shape, request)


def answer_problems(service: str, name: str, answer: Mapping[str, Any]) -> list[str]:
    shape = operation(service, name).output_shape
    return (
        []
        if shape is None
        else _problems(shape, {k: v for k, v in answer.items() if k != "ResponseMetadata"})
    )


def _problems(shape: Shape | None, value: Mapping[str, Any]) -> list[str]:
    if shape is None:
        return [] if not value else ["takes nothing"]
    report = ParamValidator().validate(value, shape)
    return [*([report.generate_report()] if report.has_errors() else []), *_beyond(shape, value, "")]


def _beyond(shape: Any, value: Any, path: str) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            for name, member in value.items():
                if name in shape.members:
                    yield from _beyond(shape.members[name], member, f"{path}.{name}")
        case "list":
            if len(value) > shape.metadata.get("max", len(value)):
                yield f"{path}: more than {shape.metadata['max']} items"
            for number, item in enumerate(value):
                yield from _beyond(shape.member, item, f"{path}[{number}]")
        case "map":
            for key, item in value.items():
                yield from _beyond(shape.key, key, f"{path}({key})")
                yield from _beyond(shape.value, item, f"{path}.{key}")
        case "string":
            if shape.enum and value not in shape.enum:
                yield f"{path}: {value} is none of {shape.enum}"
            if len(value) > shape.metadata.get("max", len(value)):
                yield f"{path}: longer than {shape.metadata['max']}"
            pattern = shape.metadata.get("pattern", "")
            if pattern and r"\p{" not in pattern and not re.fullmatch(pattern, value):
                yield f"{path}: {value!r} does not fit {pattern}"
        case "integer" | "long":
            if value > shape.metadata.get("max", value):
                yield f"{path}: {value} is above {shape.metadata['max']}"
