"""Changes of schemas and of the registry. A subject's naming strategy and record name are derived, so they
are not changes."""

from collections.abc import Iterable, Iterator

from mesh_assets.diff.fields import (
    Fields,
    created,
    deleted,
    differing_fields,
    json_text,
    shown,
    updated,
)
from mesh_assets.inventory.changes import Change, Severity
from mesh_assets.inventory.data_contracts import DataContract, SchemaRule
from mesh_assets.inventory.records import RegistryFacts, Schema, SubjectLevel
from mesh_assets.inventory.wording import counted, listed

SCHEMA_REGISTRY = "schema_registry"
"""The resource of changes that concern the whole registry. A cluster has one registry."""

_CONTRACT = "contract."
_PROPERTIES = f"{_CONTRACT}properties."
_TAGS = f"{_CONTRACT}tags."
_RULES = f"{_CONTRACT}rules."


def schema_fields(schema: Schema) -> Fields:
    """An inherited level is not the subject's own, so it has no field: a registry-wide change is one change,
    not one per subject."""
    fields: Fields = {
        "version": str(schema.version),
        "id": str(schema.id),
        "schema_type": schema.schema_type,
        "definition": schema.definition,
        "references": json_text(sorted(schema.references, key=lambda r: (r.name, r.subject, r.version))),
    }
    for name, level in _levels(schema):
        if level.own is not False or level.value is None:
            fields[name] = level.value
    return fields | _contract_fields(schema.contract)


def _contract_fields(contract: DataContract | None) -> Fields:
    """One field per property and path, and one per phase for its rules: their order matters."""
    if contract is None:
        return {_CONTRACT: None}
    fields: Fields = {f"{_PROPERTIES}{key}": value for key, value in contract.properties.items()}
    fields.update({f"{_TAGS}{path}": json_text(tags) for path, tags in contract.tags.items()})
    phases = dict.fromkeys(rule.phase for rule in contract.rules)
    fields.update({f"{_RULES}{phase}": json_text(_rules(contract, phase)) for phase in phases})
    return fields


def registry_fields(registry: RegistryFacts) -> Fields:
    return {"compatibility": registry.compatibility, "mode": registry.mode}


def diff_schemas(before: Iterable[Schema], after: Iterable[Schema]) -> Iterator[Change]:
    old, new = {schema.subject: schema for schema in before}, {schema.subject: schema for schema in after}
    for subject, schema in old.items():
        if subject not in new:
            yield deleted(
                "schema",
                subject,
                schema,
                sentence=f"Schema {subject} deleted: its latest version was {schema.version}",
            )
    for subject, schema in new.items():
        previous = old.get(subject)
        if previous is None:
            sentence = f"Schema {subject} created: version {schema.version}, {schema.schema_type}"
            yield created("schema", subject, schema, sentence=sentence, severity="info")
        elif previous != schema:
            yield from _diff_schema(previous, schema)


def diff_registry(before: RegistryFacts | None, after: RegistryFacts | None) -> Iterator[Change]:
    if before is None or after is None:
        return
    for field, old, new in differing_fields(registry_fields(before), registry_fields(after)):
        yield updated(
            "schema_registry",
            SCHEMA_REGISTRY,
            field,
            before=old,
            after=new,
            severity="warning",
            sentence=f"Schema registry: {field} {shown(old)} → {shown(new)}",
        )


def _diff_schema(before: Schema, after: Schema) -> Iterator[Change]:
    old_fields, new_fields = schema_fields(before), schema_fields(after)
    for (name, old_level), (_, new_level) in zip(_levels(before), _levels(after), strict=True):
        # The registry could not distinguish own from inherited before, and now it can: it is the same level.
        if old_level.value == new_level.value and None in (old_level.own, new_level.own):
            new_fields[name] = None
    for field, old, new in differing_fields(old_fields, new_fields):
        yield updated(
            "schema",
            after.subject,
            field,
            before=old,
            after=new,
            severity=_severity(field, before, after),
            sentence=_sentence(field, before, after),
        )


def _severity(field: str, before: Schema, after: Schema) -> Severity:
    match field:
        case "version":
            # A higher version is routine, guarded by the registry's compatibility. A lower one means that the
            # latest version was deleted.
            return "info" if after.version > before.version else "warning"
        case _ if field.startswith(_CONTRACT) or field in ("definition", "references", "id"):
            # These change with a new version. Under the same version, the subject was deleted and registered
            # again.
            return "info" if after.version != before.version else "warning"
        case _:
            return "warning"


def _sentence(field: str, before: Schema, after: Schema) -> str:
    """Omits the subject: `resource` names it, and `Schema version 1 → 2` is the fixed form."""
    match field:
        case "version":
            return f"Schema version {before.version} → {after.version}"
        case "id":
            return f"Schema id {before.id} → {after.id}"
        case "schema_type":
            return f"Schema type {shown(before.schema_type)} → {shown(after.schema_type)}"
        case "definition":
            return f"Schema definition changed: {len(before.definition):,} → {counted(len(after.definition), 'character')}"
        case "references":
            return f"Schema references {_references(before)} → {_references(after)}"
        case "compatibility":
            return f"Schema compatibility {_level(before.compatibility)} → {_level(after.compatibility)}"
        case _ if field.startswith(_CONTRACT) and before.contract is not None and after.contract is not None:
            return _contract_sentence(field, before.contract, after.contract)
        case _:
            return f"Schema mode {_level(before.mode)} → {_level(after.mode)}"


def _contract_sentence(field: str, before: DataContract, after: DataContract) -> str:
    if field.startswith(_PROPERTIES):
        key = field.removeprefix(_PROPERTIES)
        return (
            f"Schema property {key} {shown(before.properties.get(key))} → {shown(after.properties.get(key))}"
        )
    if field.startswith(_TAGS):
        path = field.removeprefix(_TAGS)
        old, new = (listed(contract.tags.get(path, ())) or "none" for contract in (before, after))
        return f"Schema tags of {path} {old} → {new}"
    phase = field.removeprefix(_RULES)
    old_rules, new_rules = (
        {rule.name: rule for rule in _rules(contract, phase)} for contract in (before, after)
    )
    kept = [name for name in new_rules if name in old_rules]
    said = {
        "added": [name for name in new_rules if name not in old_rules],
        "removed": [name for name in old_rules if name not in new_rules],
        "changed": [name for name in kept if new_rules[name] != old_rules[name]],
    }
    parts = [f"{word} {listed(names)}" for word, names in said.items() if names]
    return f"Schema {phase} rules: {'; '.join(parts) or 'run in a different order'}"


def _rules(contract: DataContract, phase: str) -> list[SchemaRule]:
    return [rule for rule in contract.rules if rule.phase == phase]


def _levels(schema: Schema) -> tuple[tuple[str, SubjectLevel], tuple[str, SubjectLevel]]:
    return ("compatibility", schema.compatibility), ("mode", schema.mode)


def _level(level: SubjectLevel) -> str:
    return f"{shown(level.value)} (inherited)" if level.own is False else shown(level.value)


def _references(schema: Schema) -> str:
    return (
        listed(sorted(f"{reference.subject} version {reference.version}" for reference in schema.references))
        or "none"
    )
