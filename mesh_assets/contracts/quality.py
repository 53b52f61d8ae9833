"""Quality rules in the form of contracts: written from expectations, and read back into rules that can be judged."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from mesh_assets.estate.expectations import QualityRule
from mesh_assets.expectations.judging import Rule, about_of

_OF_ODCS = ("description", "dimension", "unit", "arguments")
_UNITS_OF_LEVELS = {"s": "s", "min": "m", "h": "h", "d": "d"}
_NUMBERS = ("integer", "number")


def quality_of(one: Rule, logical: Mapping[str, str | None]) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """Where the rule goes in a contract (the path of a property; None: the topic), and what it adds there.

    A range that must hold for all values is an option of a numeric type. A rule that ODCS cannot express (other ranges,
    queries that name records) is a rule of a `custom` engine, which other tools ignore. Freshness is a service level.
    """
    rule = one.rule
    if rule.metric == "freshness":
        return
    given: dict[str, Any] = _plain(rule.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True))
    made: dict[str, Any] = {"id": one.name, "name": one.name}
    if rule.path is not None and rule.path not in logical:  # a field that is in no schema
        yield None, {"quality": [_custom(made, one, given)]}
        return
    if rule.type == "sql":
        if "__" in (rule.query or ""):
            yield rule.path, {"quality": [_custom(made, one, given)]}
            return
        made |= {"type": "sql", "query": rule.query}
    else:
        ours = {"minimum", "maximum"} & set(given.get("arguments", {}))
        if (
            ours
            and set(given["arguments"]) == ours
            and rule.must_be == 0
            and logical.get(rule.path or "") in _NUMBERS
        ):
            yield rule.path, {"logicalTypeOptions": dict(given["arguments"])}
            return
        if ours:
            yield rule.path, {"quality": [_custom(made, one, given)]}
            return
        made |= {"metric": rule.metric}
    made |= {key: given[key] for key in _OF_ODCS if key in given}
    made |= {key: value for key, value in given.items() if key.startswith("must")}
    yield rule.path, {"quality": [made | {"severity": one.level}]}


def _custom(made: dict[str, Any], one: Rule, given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **made,
        "type": "custom",
        "description": given.get("description", about_of(one.rule)),
        "engine": "mesh-assets",
        "implementation": {key: value for key, value in given.items() if key in _FIELDS},
        "severity": one.level,
    }


_FIELDS = {field.alias or name for name, field in QualityRule.model_fields.items()}


def _plain(value: Any) -> Any:
    """Lists instead of tuples, as in YAML."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def service_level_of(one: Rule, name: str) -> Iterator[dict[str, Any]]:
    """A freshness rule, which ODCS calls latency."""
    operator, value = one.rule.operator
    if one.rule.metric == "freshness" and operator in ("must_be_less_than", "must_be_less_or_equal_to"):
        yield {
            "id": f"{name}_{one.name}",
            "property": "latency",
            "value": value,
            "unit": _UNITS_OF_LEVELS[one.rule.unit or "s"],
            "element": name,
            "description": one.rule.description or "The newest record is at most this old.",
        }


def rules_of(entries: Any, *, path: str | None, origin: str, notes: list[str], place: str) -> Iterator[Rule]:
    """The rules of a list `quality` that can be judged here; `notes` gets a sentence for each of the rest. Rules in words
    (`type: text`) are for people and get no note."""
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        if not isinstance(entry, Mapping) or entry.get("type") == "text":
            continue
        where = f"{place}.quality.{entry.get('id') or entry.get('name') or number}"
        read = {key: value for key, value in entry.items() if key != "property"}
        if read.get("type") == "custom":
            if read.get("engine") != "mesh-assets" or not isinstance(read.get("implementation"), Mapping):
                notes.append(f"{where} is a rule of {read.get('engine')}, which is not judged here")
                continue
            read = {**read["implementation"], "id": read.get("id"), "severity": read.get("severity")}
        fields = {key: value for key, value in read.items() if key in _FIELDS}
        fields |= {} if path is None else {"property": path}
        try:
            rule = QualityRule.model_validate(fields)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            notes.append(f"{where} is not judged here: {first['msg'].removeprefix('Value error, ')}")
            continue
        name = str(
            entry.get("id") or entry.get("name") or f"{rule.metric or 'query'}_{path or 'topic'}_{number}"
        )
        mild = str(entry.get("severity", "error")).casefold() in ("warning", "info")
        yield Rule(name, rule, "warning" if mild else "error", origin)
