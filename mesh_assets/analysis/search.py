"""Searching an estate by name, field, owner or any text."""

from collections.abc import Iterator, Mapping
from typing import Literal

from mesh_assets.analysis.schema_fields import schema_fields, schema_properties
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.wording import readable

FoundKind = Literal["topic", "connector", "schema", "consumer_group"]
By = Literal["any", "name", "field", "owner", "text"]

_OWNER_KEYS = ("owner", "team", "contact", "maintainer")
_EXCERPT = 100


class Match(Record, frozen=True, kw_only=True):
    """`by`: where the text was found. `where`: the name, the field's path and type, the config's key and
    value, or the surrounding text.
    """

    cluster: str
    kind: FoundKind
    name: str
    by: Literal["name", "field", "owner", "text"]
    where: str
    rank: int


def find_things(
    document: Document, text: str, *, by: By = "any", kinds: frozenset[FoundKind] | None = None
) -> list[Match]:
    """Where `text` occurs, ignoring case: each thing once, by its best match.

    Best first: whole names, then parts of names, fields, owners, other text (connector configs, configs set on
    a topic itself, definitions, client ids). Owners are what configs and schemas call `owner`, `team`, `contact` or `maintainer`.
    """
    wanted = text.casefold()
    best: dict[tuple[str, str], Match] = {}
    for match in _matches(document, wanted):
        if (by != "any" and match.by != by) or (kinds is not None and match.kind not in kinds):
            continue
        key = match.kind, match.name
        if key not in best or match.rank < best[key].rank:
            best[key] = match
    return sorted(best.values(), key=match_position)


def match_position(match: Match) -> tuple[int, str, str, str]:
    return match.rank, match.name, match.kind, match.cluster


def _matches(document: Document, wanted: str) -> Iterator[Match]:
    cluster = document.cluster.name
    for kind, names in (
        ("topic", [topic.name for topic in document.topics]),
        ("connector", [connector.name for connector in document.connectors]),
        ("schema", [schema.subject for schema in document.schemas]),
        ("consumer_group", [group.group_id for group in document.consumer_groups]),
    ):
        for name in names:
            ranks = [_name_rank(one.casefold(), wanted) for one in {name, readable(name)}]
            rank = min((one for one in ranks if one is not None), default=None)
            if rank is not None:
                yield Match(cluster=cluster, kind=kind, name=name, by="name", where=name, rank=rank)  # type: ignore[arg-type]
    yield from _in_schemas(document, wanted)
    yield from _in_configs(document, wanted)
    for group in document.consumer_groups:
        for member in group.members or ():
            for what in (member.client_id, member.host):
                if wanted in what.casefold():
                    yield Match(
                        cluster=cluster,
                        kind="consumer_group",
                        name=group.group_id,
                        by="text",
                        where=f"member {what}",
                        rank=6,
                    )


def _name_rank(name: str, wanted: str) -> int | None:
    if name == wanted:
        return 0
    return 1 if name.startswith(wanted) else 2 if wanted in name else None


def _in_schemas(document: Document, wanted: str) -> Iterator[Match]:
    cluster = document.cluster.name
    for schema in document.schemas:
        # Parsing costs far more than searching: only definitions that contain the text are parsed.
        if wanted not in schema.definition.casefold():
            continue
        listed = schema_fields(schema.schema_type, schema.definition)
        for field in listed.fields if listed is not None else ():
            name = field.path.rpartition(".")[2].casefold()
            if wanted in field.path.casefold():
                rank = 3 if wanted in (name, field.path.casefold()) else 4
                yield Match(
                    cluster=cluster,
                    kind="schema",
                    name=schema.subject,
                    by="field",
                    where=f"{field.path}: {field.type}",
                    rank=rank,
                )
        for key, value in schema_properties(schema.schema_type, schema.definition).items():
            if key.casefold() in _OWNER_KEYS and wanted in value.casefold():
                yield Match(
                    cluster=cluster,
                    kind="schema",
                    name=schema.subject,
                    by="owner",
                    where=f"{key}: {value[:_EXCERPT]}",
                    rank=5,
                )
        at = schema.definition.casefold().find(wanted)
        excerpt = " ".join(schema.definition[max(0, at - _EXCERPT // 2) : at + _EXCERPT // 2].split())
        yield Match(
            cluster=cluster, kind="schema", name=schema.subject, by="text", where=f"…{excerpt}…", rank=6
        )


def _in_configs(document: Document, wanted: str) -> Iterator[Match]:
    """Every topic has the inherited configs: only those set on it say something about it."""
    cluster = document.cluster.name
    configs: list[tuple[FoundKind, str, Mapping[str, str | None]]] = [
        ("connector", connector.name, connector.config) for connector in document.connectors
    ]
    for topic in document.topics:
        known = topic.config or {}
        configs.append(("topic", topic.name, {key: known.get(key) for key in topic.config_overrides}))
    for kind, name, config in configs:
        for key, value in config.items():
            if wanted in key.casefold() or wanted in (value or "").casefold():
                is_owner = (
                    key.casefold().rpartition(".")[2] in _OWNER_KEYS and wanted in (value or "").casefold()
                )
                where = f"{key} = {(value or '')[:_EXCERPT]}"
                yield Match(
                    cluster=cluster,
                    kind=kind,
                    name=name,
                    by="owner" if is_owner else "text",
                    where=where,
                    rank=5 if is_owner else 6,
                )
