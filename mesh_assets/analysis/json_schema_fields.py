"""The fields of a JSON Schema of any draft. References are followed by `referencing`; those to other subjects appear as
a type only."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from msgspec.structs import replace
from referencing import Registry, Resource, Specification
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT201909, DRAFT202012, specification_with

from mesh_assets.analysis.field_walk import DEEPEST, MOST_FIELDS, Branch, SchemaField, SchemaFields, walk
from mesh_assets.inventory.definitions import UnreadableDefinitionError

# Before these drafts, keywords beside a reference were ignored.
_REFERENCES_HAVE_COMPANY = (DRAFT201909, DRAFT202012)
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_REFERRING = frozenset(_REFERENCES)
_SAY_NOTHING = frozenset(
    {*_REFERENCES, "title", "description", "$comment", "deprecated", "readOnly", "writeOnly"}
)
_MOST_PLACES = 5_000
# Properties read; 2,000 fields need far fewer, unless many places each combine the same large schema differently.
_MOST_WORK = 50_000
# What `referencing` raises, besides its own errors, for an $id, $anchor or $ref that is not the text it should be.
_ODD = (ValueError, TypeError, AttributeError, LookupError)
# Parts, of a schema in which some have names.
_MOST_SEARCHED = 20_000
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "items", "prefixItems"})
_NAMES = frozenset({"$id", "id", "$anchor", "$dynamicAnchor"})
_PARTS = frozenset(
    ["allOf", "anyOf", "oneOf", "then", "else", "dependentSchemas", "dependencies", "items", "prefixItems"]
) | {
    *("additionalItems", "unevaluatedItems", "contains"),
    *("additionalProperties", "unevaluatedProperties", "patternProperties"),
}
# A part with none of these has no fields: most parts of most schemas are just a type.
_LEADING_ON = _PARTS | {"properties", *_REFERENCES}
_TYPE_DEPTH = 4
_BRANCHES_SHOWN = 6


class _Place:
    """A part of the schema that describes the same value as the place that led to it, except for `suffix` (`[]`, `{}`).

    `certain`: it applies to every such value, so what it requires is required.
    """

    __slots__ = ("certain", "resolver", "schema", "suffix")

    def __init__(self, schema: Any, resolver: Any, suffix: str = "", certain: bool = True) -> None:
        self.schema = schema
        self.resolver = resolver
        self.suffix = suffix
        self.certain = certain


class _Property:
    __slots__ = ("doc", "name", "optional", "parts", "type")

    def __init__(self, name: str, type_: str, optional: bool, doc: str | None, parts: list[_Place]) -> None:
        self.name = name
        self.type = type_
        self.optional = optional
        self.doc = doc
        self.parts = parts


def json_schema_fields(schema: Any) -> SchemaFields:
    """The fields of the parsed schema. Raises UnreadableDefinitionError."""
    _checked(schema)
    reader = _Reader(schema)
    fields = walk([reader.branch([reader.root], "", frozenset())])
    return (
        replace(fields, note=fields.note or "only a part: the schema is too large") if reader.cut else fields
    )


def _checked(schema: Any) -> Any:
    if not isinstance(schema, dict | bool):
        raise UnreadableDefinitionError("a schema that is neither an object nor true or false")
    return schema


class _Reader:
    """Reads each part of one schema once, however often it is referenced."""

    def __init__(self, schema: Any) -> None:
        dialect = schema.get("$schema") if isinstance(schema, dict) else None
        known = isinstance(dialect, str) and specification_with(dialect, default=Specification.OPAQUE)
        self._specification = known if known and known is not Specification.OPAQUE else DRAFT202012
        self._alone = self._specification not in _REFERENCES_HAVE_COMPANY
        self.cut = False
        try:
            root = self._specification.create_resource(schema)
            # Treated as already searched for names. A search takes 10 µs per part, and most schemas have none.
            registry: Any = Registry({root.id() or "": root})  # type: ignore[call-arg]  # hidden by its attrs
            if (named := _named_parts(schema)) is None:
                self.cut = True
            elif named:
                # Finds every $id and $anchor once instead of at each reference.
                registry = Registry().with_resource(root.id() or "", root).crawl()
            resolver = registry.resolver(root.id() or "")
        except _ODD:
            resolver = Registry().with_resource("", Resource.opaque(schema)).resolver("")
        # Later drafts have no `definitions`, and earlier ones no $anchor; in the field both occur in both.
        self._anchors: dict[str, Any] = {}
        for keyword in ("definitions", "$defs"):
            for one in _mapped(schema, keyword).values() if isinstance(schema, dict) else ():
                for name in (one.get("$anchor"), one.get("$id")) if isinstance(one, dict) else ():
                    if isinstance(name, str):
                        self._anchors.setdefault(f"#{name.removeprefix('#')}", one)
        self.root = _Place(schema, resolver)
        self._work = 0
        self._properties: dict[tuple[int, ...], list[_Property]] = {}

    def branch(self, parts: Sequence[_Place], path: str, around: frozenset[tuple[int, ...]]) -> Branch:
        key = tuple(id(part.schema) for part in parts)

        def fields() -> Iterator[tuple[SchemaField, Branch | None]]:
            if key in around:
                return
            if key not in self._properties:
                self._properties[key] = self._properties_of(parts)
            for one in self._properties[key]:
                # `properties` of an array's items: `lines` and `[].sku` make `lines[].sku`.
                here = f"{path}{one.name}" if path else one.name.removeprefix(".")
                yield (
                    SchemaField(path=here, type=one.type, optional=one.optional, doc=one.doc),
                    self.branch(one.parts, here, around | {key}) if _leads_on(one.parts) else None,
                )

        return fields

    def _properties_of(self, parts: Sequence[_Place]) -> list[_Property]:
        found: defaultdict[str, list[_Place]] = defaultdict(list)
        docs: dict[str, str | None] = {}
        required: set[str] = set()
        for place in self._places(parts):
            properties = place.schema.get("properties")
            for name, schema in properties.items() if isinstance(properties, dict) else ():
                if len(found) > MOST_FIELDS and f"{place.suffix}.{name}" not in found:
                    continue  # beyond the fields that are shown
                if self._work == _MOST_WORK:
                    self.cut = True
                    break
                self._work += 1
                below = self._below(place, schema)
                own = _Place(schema, below.resolver)
                target = self._target(own)
                found[f"{place.suffix}.{name}"].append(target)
                docs[f"{place.suffix}.{name}"] = (
                    docs.get(f"{place.suffix}.{name}") or _doc(schema) or _doc(target.schema)
                )
            names = place.schema.get("required")
            if place.certain and isinstance(names, list):
                required.update(f"{place.suffix}.{name}" for name in names if isinstance(name, str))
        return [
            _Property(
                name,
                self._type(same, _TYPE_DEPTH),
                name not in required or self._allows_null(same),
                docs[name],
                same,
            )
            for name, same in found.items()
        ]

    def _places(self, parts: Sequence[_Place]) -> Iterator[_Place]:
        """All objects of the schema that describe the value at these parts, or the contents of its arrays and maps: each
        once, in the order of the text."""
        waiting = list(reversed(parts))
        seen: set[tuple[int, str]] = set()
        while waiting:
            if len(seen) == _MOST_PLACES:
                self.cut = True
                return
            place = waiting.pop()
            key = (id(place.schema), place.suffix)
            nested = place.suffix.count("[") + place.suffix.count("{")
            if not isinstance(_checked(place.schema), dict) or key in seen or nested > DEEPEST:
                continue
            seen.add(key)
            referred = self._referred(place)
            if not (referred and self._alone):
                yield place
                waiting.extend(reversed(list(self._parts(place))))
            waiting.extend(reversed(referred))

    def _parts(self, place: _Place) -> Iterator[_Place]:
        schema = place.schema
        if _PARTS.isdisjoint(schema):
            return
        for one in _listed(schema, "allOf"):
            yield self._below(place, one)
        for keyword in ("anyOf", "oneOf"):
            choices = [one for one in _listed(schema, keyword) if not _is_null(one)]
            for one in choices:
                yield self._below(place, one, certain=place.certain and len(choices) == 1)
        for keyword in ("then", "else"):
            if keyword in schema and "if" in schema:
                yield self._below(place, schema[keyword], certain=False)
        for keyword in ("dependentSchemas", "dependencies"):
            for one in _mapped(schema, keyword).values():
                if not isinstance(one, list):  # dependencies of a name on other names
                    yield self._below(place, one, certain=False)
        for keyword in ("items", "prefixItems"):
            for number, one in enumerate(_listed(schema, keyword)):
                yield self._below(place, one, f"[{number}]")
        for keyword in ("items", "additionalItems", "unevaluatedItems", "contains"):
            if isinstance(schema.get(keyword), dict):
                yield self._below(place, schema[keyword], "[]", certain=keyword != "contains")
        for keyword in ("additionalProperties", "unevaluatedProperties"):
            if isinstance(schema.get(keyword), dict):
                yield self._below(place, schema[keyword], "{}")
        for one in _mapped(schema, "patternProperties").values():
            yield self._below(place, one, "{}", certain=False)

    def _below(self, place: _Place, schema: Any, suffix: str = "", certain: bool | None = None) -> _Place:
        resolver = place.resolver
        if isinstance(schema, dict) and ("$id" in schema or "id" in schema):
            with suppress(*_ODD):
                resolver = resolver.in_subresource(self._specification.create_resource(schema))
        is_certain = place.certain if certain is None else certain
        return _Place(schema, resolver, f"{place.suffix}{suffix}", is_certain)

    def _referred(self, place: _Place) -> list[_Place]:
        found: list[_Place] = []
        if _REFERRING.isdisjoint(place.schema):
            return found
        for keyword in _REFERENCES:
            reference = place.schema.get(keyword)
            if isinstance(reference, str):
                try:
                    target = place.resolver.lookup(reference)
                    contents, resolver = target.contents, target.resolver
                except (Unresolvable, *_ODD):
                    if reference not in self._anchors:
                        continue  # in another subject
                    contents, resolver = self._anchors[reference], place.resolver
                found.append(_Place(contents, resolver, place.suffix, place.certain))
        return found

    # --- in words

    def _target(self, place: _Place) -> _Place:
        """Where a bare reference leads, so that a part with many references is read once."""
        if isinstance(place.schema, dict) and _REFERRING.isdisjoint(place.schema):
            return place
        seen: set[int] = set()
        while isinstance(place.schema, dict) and id(place.schema) not in seen:
            seen.add(id(place.schema))
            referred = self._referred(place)
            if not referred or not (self._alone or place.schema.keys() <= _SAY_NOTHING):
                break
            place = referred[0]
        return place

    def _allows_null(self, parts: Sequence[_Place]) -> bool:
        return all(_is_nullable(self._target(part).schema) for part in parts)

    def _type(self, parts: Sequence[_Place], depth: int) -> str:
        """The type according to the first part that states one."""
        if depth == 0:
            return "…"
        texts = [self._type_of(self._target(part), depth) for part in parts]
        return next((text for text in texts if text != "any"), "any")

    def _type_of(self, place: _Place, depth: int) -> str:
        schema = place.schema
        if not isinstance(schema, dict):
            return "never" if schema is False else "any"
        kind = schema.get("type")
        if isinstance(kind, list):
            return " | ".join(str(one) for one in kind)
        if kind == "array":
            return self._array(place, depth)
        if kind == "object":
            return self._object(place, depth)
        if kind is not None:
            return f"{kind} ({schema['format']})" if isinstance(schema.get("format"), str) else str(kind)
        if "enum" in schema or "const" in schema:
            return "enum"
        for keyword in ("anyOf", "oneOf"):
            choices = _listed(schema, keyword)
            if choices:
                shown = [
                    self._type([self._below(place, one)], depth - 1) for one in choices[:_BRANCHES_SHOWN]
                ]
                more = ["…"] if len(choices) > _BRANCHES_SHOWN else []
                return " | ".join(dict.fromkeys([*shown, *more]))
        combined = _listed(schema, "allOf")[:_BRANCHES_SHOWN]
        if combined:
            return self._type([self._below(place, one) for one in combined], depth - 1)
        referred = self._referred(place)
        if referred:
            return self._type(referred, depth - 1)
        if isinstance(schema.get("$ref"), str):
            return schema["$ref"].rpartition("/")[2] or "any"
        return "object" if "properties" in schema else "any"

    def _array(self, place: _Place, depth: int) -> str:
        items = place.schema.get("items")
        tuple_of = _listed(place.schema, "prefixItems") or _listed(place.schema, "items")
        if tuple_of:
            shown = [self._type([self._below(place, one)], depth - 1) for one in tuple_of[:_BRANCHES_SHOWN]]
            return f"tuple<{', '.join([*shown, *(['…'] if len(tuple_of) > _BRANCHES_SHOWN else [])])}>"
        return f"array<{self._type([self._below(place, items)], depth - 1)}>" if items else "array"

    def _object(self, place: _Place, depth: int) -> str:
        values = place.schema.get("additionalProperties")
        if "properties" in place.schema or not isinstance(values, dict):
            return "object"
        return f"map<{self._type([self._below(place, values)], depth - 1)}>"


def _named_parts(schema: Any) -> bool | None:
    """Whether parts of the schema have names of their own, by which references find them; None: too many parts to
    search."""
    waiting, count, named = [schema], 0, False
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, dict):
            # Given a text instead of a list, `referencing` takes each character for a part.
            count += 1 + sum(len(part[name]) for name in _LISTS & part.keys() if isinstance(part[name], str))
            if not named and not _NAMES.isdisjoint(part):
                names = _NAMES - {"$id", "id"} if part is schema else _NAMES
                named = any(isinstance(part.get(name), str) for name in names)
            if named and count > _MOST_SEARCHED:
                return None
            waiting.extend(part.values())
    return named


def _leads_on(parts: Sequence[_Place]) -> bool:
    """Whether there may be fields below these. Something that is not a schema counts, so that reading it reports the
    fault."""
    return any(not isinstance(one.schema, dict) or not _LEADING_ON.isdisjoint(one.schema) for one in parts)


def _listed(schema: Mapping[str, Any], keyword: str) -> list[Any]:
    value = schema.get(keyword)
    return value if isinstance(value, list) else []


def _mapped(schema: Mapping[str, Any], keyword: str) -> dict[str, Any]:
    value = schema.get(keyword)
    return value if isinstance(value, dict) else {}


def _doc(schema: Any) -> str | None:
    doc = schema.get("description") if isinstance(schema, dict) else None
    return doc if isinstance(doc, str) and doc else None


def _is_null(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "null"


def _is_nullable(schema: Any) -> bool:
    if not isinstance(schema, dict):
        return False
    kind = schema.get("type")
    return (
        kind == "null"
        or (isinstance(kind, list) and "null" in kind)
        or any(_is_null(one) for keyword in ("anyOf", "oneOf") for one in _listed(schema, keyword))
    )
