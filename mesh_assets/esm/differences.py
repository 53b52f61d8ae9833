"""Where a mapping is not what was asked for, in sentences."""

from collections.abc import Iterator, Mapping
from typing import Any

from mesh_assets.esm.arns import function_in
from mesh_assets.esm.mapping import EventSourceMapping, plain

# Given when asking, and never a setting of what there is.
_NOT_SETTINGS = frozenset({"UUID", "Tags"})


def differences(arguments: Mapping[str, Any], existing: EventSourceMapping) -> tuple[str, ...]:
    """What the API arguments ask for and the mapping has otherwise. What they do not name is not compared."""
    return tuple(_different(arguments, existing))


def _different(arguments: Mapping[str, Any], existing: EventSourceMapping) -> Iterator[str]:
    for name, asked in plain(arguments).items():
        if name in _NOT_SETTINGS:
            continue
        if name == "FunctionName":
            if not _same_function(str(asked), existing.function_arn):
                yield f"FunctionName: {existing.function_name} → {asked}"
        elif name == "Enabled":
            if asked != (existing.state in ("Enabled", "Enabling", "Creating", "Updating")):
                yield f"Enabled: {existing.state} → {asked}"
        else:
            has = existing.configuration.get(name)
            if _settled(has) != _settled(asked):
                yield f"{name}: {_shown(has)} → {_shown(asked)}"


def _settled(value: Any) -> Any:
    """In one form: nothing there is the same as an empty value, and access configurations have no order."""
    match value:
        case Mapping():
            kept = {name: settled for name, part in value.items() if (settled := _settled(part)) is not None}
            return kept or None
        case list() | tuple():
            return sorted((_settled(part) for part in value), key=repr) or None
        case "":
            return None
        case _:
            return value


def _shown(value: Any) -> str:
    return "none" if _settled(value) is None else str(value)


def _same_function(asked: str, arn: str) -> bool:
    wanted, has = function_in(asked), function_in(arn)
    return asked == arn or (
        wanted is not None
        and has is not None
        and (wanted.name, wanted.qualifier) == (has.name, has.qualifier)
    )
