"""Tools: schemas. The document has the latest version of each subject; older ones come from the registry."""

from typing import Annotated

from pydantic import Field

from mesh_assets.analysis.schema_fields import schema_fields, schema_properties, why_unreadable
from mesh_assets.answering.answers import (
    About,
    Answer,
    ClusterName,
    CursorArgument,
    LimitArgument,
    Name,
    Page,
    PatternArgument,
    SourceArgument,
    UnknownError,
    cut,
    shown,
)
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.pages import build_page, matches
from mesh_assets.answering.views import View, the_schema
from mesh_assets.errors import EstateError
from mesh_assets.importing import importing
from mesh_assets.inventory.data_contracts import DataContract
from mesh_assets.inventory.links import record_name
from mesh_assets.inventory.records import Schema, SchemaReference

_DEFINITION_CHARACTERS = 9_000
_FIELDS = 60
_CONTRACT_ROWS = 20
Subject = Annotated[Name, Field(description="The subject, e.g. `orders-value`.")]
Version = Annotated[
    int | None,
    Field(
        ge=1, le=2**31 - 1, description="A version; the latest by default. Older ones come from the registry."
    ),
]


class SchemaRow(Answer):
    subject: str
    version: int
    id: int
    type: str
    compatibility: str | None = None
    record: str | None = None


class SchemaPage(Page):
    schemas: list[SchemaRow]


class Reference(Answer):
    name: str
    subject: str
    version: int


class SchemaText(Answer):
    """`definition` is cut at 9,000 characters; pass `offset` for the rest."""

    about: About
    subject: str
    version: int
    id: int
    type: str
    definition: str
    characters: int
    references: list[Reference]
    hint: str | None = None


class FieldRow(Answer):
    """`path`: `.` into records, `[]` into arrays, `{}` into maps."""

    path: str
    type: str
    optional: bool
    doc: str | None = None


class RuleRow(Answer):
    """`kind`: CONDITION or TRANSFORM. `type`: what runs it."""

    phase: str
    name: str
    kind: str | None = None
    mode: str | None = None
    type: str | None = None
    tags: list[str]
    expr: str | None = None
    disabled: bool = False


class ContractRow(Answer):
    """`tags`: by the path that they tag. Sensitive properties are masked."""

    properties: dict[str, str]
    tags: dict[str, list[str]]
    rules: list[RuleRow]


class SchemaDescription(Answer):
    """`naming`: how the subject got its name (topic, record, topic_record, unknown). Without `fields`, the
    definition cannot be read; without `total_fields`, it has more fields than are read. `properties`: those in the
    definition; `contract`: what the registry stores with it."""

    about: About
    subject: str
    version: int
    id: int
    type: str
    record: str | None = None
    naming: str
    compatibility: str | None = None
    mode: str | None = None
    topics: list[str]
    properties: dict[str, str]
    contract: ContractRow | None = None
    references: list[Reference]
    total_fields: int | None = None
    fields: list[FieldRow] | None = None
    hint: str | None = None


def list_schemas(
    known: KnownEstate,
    /,
    cluster: ClusterName = None,
    pattern: PatternArgument = None,
    limit: LimitArgument = None,
    cursor: CursorArgument = None,
    source: SourceArgument = "latest",
) -> SchemaPage:
    """Subjects by name, with latest version, type and compatibility."""
    view = known.view(cluster, source, needs=("schemas",))
    return build_page(
        SchemaPage,
        "schemas",
        [schema for schema in view.document.schemas if matches(schema.subject, pattern)],
        place=lambda schema: (schema.subject,),
        row=_row,
        limit=limit,
        cursor=cursor,
        question=("schemas", view.document.cluster.name, pattern, source),
        version=view.version,
        about=view.about("schemas"),
    )


def get_schema(
    known: KnownEstate,
    /,
    subject: Subject,
    version: Version = None,
    cluster: ClusterName = None,
    offset: Annotated[int, Field(ge=0, le=10**9, description="Where in the definition to start.")] = 0,
    source: SourceArgument = "latest",
) -> SchemaText:
    """The definition of one subject as registered, in any version."""
    view = known.view(cluster, source, needs=("schemas",))
    schema = _version(known, view, subject, version)
    end = offset + _DEFINITION_CHARACTERS
    left = len(schema.definition) - end
    return SchemaText(
        about=view.about("schemas"),
        subject=schema.subject,
        version=schema.version,
        id=schema.id,
        type=schema.schema_type,
        definition=schema.definition[offset:end],
        characters=len(schema.definition),
        references=_references(schema),
        hint=f"{left:,} more characters: pass offset={end}; describe_schema lists the fields"
        if left > 0
        else None,
    )


def describe_schema(
    known: KnownEstate,
    /,
    subject: Subject,
    version: Version = None,
    cluster: ClusterName = None,
    pattern: Annotated[
        str | None, Field(max_length=249, description="Only fields whose path matches.")
    ] = None,
    source: SourceArgument = "latest",
) -> SchemaDescription:
    """One subject in brief: fields with types and docs, compatibility, topics it describes, references."""
    view = known.view(cluster, source, needs=("schemas", "topics"))
    schema = _version(known, view, subject, version)
    listed = schema_fields(schema.schema_type, schema.definition)
    fields = None if listed is None else [field for field in listed.fields if matches(field.path, pattern)]
    properties = schema_properties(schema.schema_type, schema.definition)
    left = len(fields or ()) - _FIELDS
    said = []
    if listed is None:
        why = cut(why_unreadable(schema.schema_type, schema.definition), 200)
        said.append(
            f"the definition cannot be read as {schema.schema_type}: {why}; get_schema shows its text"
        )
    elif not listed.fields and listed.note is None:
        said.append("the schema has no named fields: it describes a plain value or arrays of these")
    elif listed.note is not None:
        said.append(f"{listed.note}; get_schema shows the whole text")
    if schema.contract is not None and _most_of(schema.contract) > _CONTRACT_ROWS:
        said.append(f"only the first {_CONTRACT_ROWS} properties, tags and rules of the contract are shown")
    if left > 0:
        more = f"{left:,}" if listed is None or listed.note is None else f"at least {left:,}"
        said.append(f"{more} more fields: narrow with pattern, or use get_schema for the whole text")
    return SchemaDescription(
        about=view.about("schemas", "topics"),
        subject=schema.subject,
        version=schema.version,
        id=schema.id,
        type=schema.schema_type,
        record=schema.record_name,
        naming=schema.naming_strategy,
        compatibility=schema.compatibility.value,
        mode=schema.mode.value,
        topics=_topics(view, schema.subject),
        properties={key: cut(value, 200) for key, value in list(properties.items())[:20]},
        contract=_contract(schema.contract),
        references=_references(schema),
        total_fields=None if listed is None or listed.note is not None else len(listed.fields),
        fields=None
        if fields is None
        else [
            FieldRow(
                path=field.path,
                type=cut(field.type, 80),
                optional=field.optional,
                doc=cut(field.doc, 100) if field.doc else None,
            )
            for field in fields[:_FIELDS]
        ],
        hint="; ".join(said) or None,
    )


def _version(known: KnownEstate, view: View, subject: str, version: int | None) -> Schema:
    latest = the_schema(view.document, subject)
    if version is None or version == latest.version:
        return latest
    if version > latest.version:
        raise UnknownError(
            f"{subject} has no version {version}; the latest is {latest.version} (as of {view.about('schemas').as_of})"
        )
    connection = known.cluster(view.document.cluster.name).schema_registry
    if connection is None:
        raise EstateError(
            f"version {version} of {subject} is not in the document, and the estate configures no schema_registry"
        )
    with importing:
        from mesh_assets.platforms.schema_registry import (
            SchemaRegistryClient,  # imports HTTP, needed only here
        )

    with SchemaRegistryClient(connection) as registry:
        found = registry.version(subject, version)
    if found is None:
        raise UnknownError(
            f"the registry has no version {version} of {shown(subject)}; it may have been deleted. The latest is {latest.version}"
        )
    return Schema(
        subject=found.subject,
        version=found.version,
        id=found.id,
        schema_type=found.schema_type,
        definition=found.definition,
        references=tuple(
            SchemaReference(name=one.name, subject=one.subject, version=one.version)
            for one in found.references
        ),
        record_name=record_name(found.schema_type, found.definition),
        naming_strategy=latest.naming_strategy,
        compatibility=latest.compatibility,
        mode=latest.mode,
        contract=found.contract,
    )


def _most_of(contract: DataContract) -> int:
    return max(len(contract.properties), len(contract.tags), len(contract.rules))


def _contract(contract: DataContract | None) -> ContractRow | None:
    """None where nothing is known or stated."""
    if contract is None or contract == DataContract():
        return None
    return ContractRow(
        properties={
            key: cut(value, 200) for key, value in list(contract.properties.items())[:_CONTRACT_ROWS]
        },
        tags={path: list(tags[:10]) for path, tags in list(contract.tags.items())[:_CONTRACT_ROWS]},
        rules=[
            RuleRow(
                phase=rule.phase,
                name=rule.name,
                kind=rule.kind,
                mode=rule.mode,
                type=rule.type,
                tags=list(rule.tags[:10]),
                expr=cut(rule.expr, 200) if rule.expr else None,
                disabled=rule.disabled,
            )
            for rule in contract.rules[:_CONTRACT_ROWS]
        ],
    )


def _topics(view: View, subject: str) -> list[str]:
    return [
        topic.name
        for topic in view.document.topics
        if subject
        in (*topic.schema.key_subjects, *topic.schema.value_subjects, *topic.schema.record_subjects)
    ][:50]


def _references(schema: Schema) -> list[Reference]:
    return [
        Reference(name=one.name, subject=one.subject, version=one.version) for one in schema.references[:50]
    ]


def _row(schema: Schema) -> SchemaRow:
    return SchemaRow(
        subject=schema.subject,
        version=schema.version,
        id=schema.id,
        type=schema.schema_type,
        compatibility=schema.compatibility.value,
        record=schema.record_name,
    )
