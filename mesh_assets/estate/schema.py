"""The JSON Schema of estate files, for editors and for programs that write them.

It is made from the validating models, and so says the same about each field. It does not relate fields to each other: only
the loader refuses `bootstrap_servers` beside `cluster_arn`, or two clusters of one name in two files.
"""

from typing import Any

from mesh_assets.estate.fields import SECRET_REFERENCE
from mesh_assets.estate.model import Estate

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NULL = {"type": "null"}
# Like `name_problem`, as far as an ECMA expression can say it without letter classes.
_NAMES = {"pattern": r"^(?!\.)(?!.*\.\.\.)[^\s!-,/:-@\[-^`{-~]+$", "maxLength": 200}
_PART = "Part"
_INCLUDE = {
    "description": "Other files with clusters: names and shell patterns (`**`: at any depth), relative to this file's folder.",
    "anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
        _NULL,
    ],
}

# In defaults and rules a variable's name may contain the cluster's, as in ${KAFKA_PASSWORD_{CLUSTER}}.
_WITH_NAMES = SECRET_REFERENCE.pattern.replace("[A-Za-z0-9_]*", r"(?:[A-Za-z0-9_]|\{[A-Za-z]+\})*")

Schema = dict[str, Any]


def estate_schema() -> Schema:
    """The JSON Schema of the estate file, draft 2020-12."""
    schema, definitions = _models()
    return {
        "$schema": _DIALECT,
        "title": "Estate file of Mesh Assets",
        "description": schema["description"],
        "type": "object",
        "properties": {
            "include": _INCLUDE,
            "defaults": _defaults(),
            **{name: field for name, field in schema["properties"].items() if name != "clusters"},
            "clusters": {"description": "Kafka clusters by name.", "propertyNames": _NAMES},
        },
        "additionalProperties": False,
        "anyOf": [
            {"required": ["include"]},
            {"required": ["found"]},
            {"required": ["clusters"], "properties": {"clusters": {"type": "object", "minProperties": 1}}},
        ],
        # The defaults may provide what a cluster lacks.
        "if": {"required": ["defaults"]},
        "then": {"properties": {"clusters": _clusters(f"Cluster{_PART}")}},
        "else": {"properties": {"clusters": _clusters("Cluster")}},
        "$defs": definitions,
    }


def included_schema() -> Schema:
    """The JSON Schema of a file that an estate file includes, whose defaults may provide what its clusters lack."""
    _, definitions = _models()
    return {
        "$schema": _DIALECT,
        "title": "Included estate file of Mesh Assets",
        "description": "Clusters of an estate, in a file that its estate file includes.",
        "type": "object",
        "properties": {
            "include": _INCLUDE,
            "defaults": _defaults(),
            "clusters": {"propertyNames": _NAMES, **_clusters(f"Cluster{_PART}")},
        },
        "additionalProperties": False,
        "$defs": definitions,
    }


def _clusters(of: str) -> Schema:
    return {"type": ["object", "null"], "additionalProperties": {"$ref": f"#/$defs/{of}"}}


def _defaults() -> Schema:
    return {
        "description": "What applies to the clusters of this file, and of those it includes, unless they say otherwise.",
        "anyOf": [{"$ref": f"#/$defs/Cluster{_PART}"}, _NULL],
    }


def _models() -> tuple[Schema, Schema]:
    """The schema of the models in the form of files, and its definitions, with the parts of a cluster."""
    schema = _as_written(Estate.model_json_schema())
    definitions = schema.pop("$defs")
    cluster = definitions["Cluster"]
    del cluster["properties"]["name"]  # the key is the name
    cluster["required"].remove("name")
    parts = _parts("Cluster", definitions, {})
    for rule in ("MskRule", "ConfluentCloudRule"):
        definitions[rule]["properties"]["cluster"] = {"$ref": f"#/$defs/Cluster{_PART}"}
    return schema, {**definitions, **parts}


def _as_written(schema: Any) -> Any:
    """Without the models' default values, which would clutter what an editor shows; one of several kinds states its
    kind."""
    if isinstance(schema, list):
        return [_as_written(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {
        key: {name: _as_written(field) for name, field in value.items()}
        if key in ("properties", "$defs")
        else _as_written(value)
        for key, value in schema.items()
        if key not in ("default", "discriminator")
    }
    if "discriminator" in schema:
        plain["required"] = [schema["discriminator"]["propertyName"]]
    return plain


def _parts(name: str, definitions: Schema, made: Schema) -> Schema:
    """The definition `name` and those below it for a mapping that is partly written elsewhere: nothing is required, and
    null removes what the defaults say. Lists are never merged, and stay whole."""
    if f"{name}{_PART}" in made:
        return made
    model = definitions[name]
    made[f"{name}{_PART}"] = part = {key: value for key, value in model.items() if key != "required"}
    if "properties" in model:
        part["properties"] = {
            field: {"anyOf": [_part(value, definitions, made), _NULL]}
            for field, value in model["properties"].items()
        }
    return made


def _part(schema: Schema, definitions: Schema, made: Schema) -> Schema:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        _parts(name, definitions, made)
        return {**schema, "$ref": f"#/$defs/{name}{_PART}"}
    if schema.get("pattern") == SECRET_REFERENCE.pattern:
        return {**schema, "pattern": _WITH_NAMES}
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices is None:
        return schema
    plain = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf", "required")}
    return {**plain, "anyOf": [_part(one, definitions, made) for one in choices]}
