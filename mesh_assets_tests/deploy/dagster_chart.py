"""What Dagster's chart says about our values.

    python -m mesh_assets_tests.deploy.dagster_chart FOLDER    (helm pull dagster --repo https://dagster-io.github.io/helm --untar)

checks against the chart itself, which no package registry has: its schema, what it renders, and whether Dagster accepts the
`dagster.yaml` in it. Then it rewrites dagster_values.schema.json, which `make check` uses in place of the chart: what its
schema says about the keys that we use, and that there are no others.
"""

# ruff: noqa: T201  (it prints its result)
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry

from mesh_assets_tests.deploy import kubernetes
from mesh_assets_tests.deploy.helm import KUBERNETES, merge, read, render

VALUES = (KUBERNETES / "dagster-values.yaml", KUBERNETES / "example-values.yaml")
SCHEMA = Path(__file__).with_name("dagster_values.schema.json")
_CODE = "dagster-user-deployments"
# The chart refers to Kubernetes' types by address; any address that ends so.
_TYPES = "_definitions.json#/definitions/"
_KEPT = ("type", "enum", "const")


def value_faults(values: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    registry: Registry[Any] = Registry().with_resource(kubernetes.TYPES, kubernetes.definitions(strict=False))
    errors = Draft202012Validator(schema, registry=registry).iter_errors(values)
    return [f"{error.json_path}: {error.message[:300]}" for error in errors]


def schema_of_values() -> Any:
    """The kept part of the chart's schema."""
    return _json(SCHEMA)


def whole_schema(chart: Path) -> dict[str, Any]:
    """The chart's and its subchart's, with references to the types of the Kubernetes that we have."""
    schema: dict[str, Any] = _at_home(_json(chart / "values.schema.json"), "")
    code = _at_home(_json(chart / "charts" / _CODE / "values.schema.json"), "code.")
    schema["$defs"] |= code.pop("$defs")
    code["properties"] = schema["$defs"]["UserDeployments"]["properties"] | code["properties"]
    schema["properties"][_CODE] = code
    return schema


def reduced(schema: Any, values: Any, whole: Mapping[str, Any]) -> Any:
    """The part of a schema that concerns these values. The chart's own values have everything that is required."""
    if "$ref" in schema:
        if not schema["$ref"].startswith("#"):
            return {"$ref": schema["$ref"]}
        return reduced(whole["$defs"][schema["$ref"].rpartition("/")[2]], values, whole)
    kept = {key: schema[key] for key in _KEPT if key in schema}
    if "anyOf" in schema:
        kept["anyOf"] = [reduced(one, values, whole) for one in schema["anyOf"]]
    if isinstance(values, dict) and schema.get("properties"):
        known = {key: value for key, value in values.items() if key in schema["properties"]}
        kept["properties"] = {
            key: reduced(schema["properties"][key], value, whole) for key, value in known.items()
        }
        kept["additionalProperties"] = False
    elif "additionalProperties" in schema:
        kept["additionalProperties"] = schema["additionalProperties"]
    if isinstance(values, list) and "items" in schema:
        everything: dict[str, Any] = {}
        for value in values:
            everything |= value if isinstance(value, dict) else {}
        kept["items"] = reduced(schema["items"], everything or (values[0] if values else None), whole)
    return kept


def unknown_keys(schema: Any, values: Any, whole: Mapping[str, Any], path: str = "$") -> Iterator[str]:
    """Keys missing from a schema that names others: Helm accepts and ignores them."""
    while "$ref" in schema:
        if not schema["$ref"].startswith("#"):
            return
        schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    if isinstance(values, dict) and schema.get("properties"):
        for key, value in values.items():
            if key not in schema["properties"]:
                yield f"{path}.{key}"
            else:
                yield from unknown_keys(schema["properties"][key], value, whole, f"{path}.{key}")
    if isinstance(values, list) and "items" in schema:
        for place, value in enumerate(values):
            yield from unknown_keys(schema["items"], value, whole, f"{path}[{place}]")


def main(chart: Path) -> int:
    ours = read(*VALUES)
    merged = {_CODE: read(chart / "charts" / _CODE / "values.yaml")}
    merge(merged, read(chart / "values.yaml", *VALUES))
    whole = whole_schema(chart)
    faults = value_faults(merged, whole)
    faults += [f"{path}: the chart has no such value" for path in unknown_keys(whole, ours, whole)]
    with tempfile.TemporaryDirectory() as folder:
        # Its schema would fetch Kubernetes' types from a site. That was checked above.
        copy = shutil.copytree(
            chart, Path(folder) / "dagster", ignore=shutil.ignore_patterns("values.schema.json")
        )
        manifests = render(ours, chart=copy, release="dagster")
    for version in kubernetes.VERSIONS:
        faults += kubernetes.faults(manifests, version=version)
    [instance] = (
        one["data"]["dagster.yaml"] for one in manifests if "dagster.yaml" in (one.get("data") or ())
    )
    faults += instance_faults(yaml.safe_load(instance))
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        schema = reduced(whole, ours, whole)
        SCHEMA.write_text(json.dumps(schema, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        print(f"{len(manifests)} manifests are valid; {SCHEMA.name} is written")
    return 1 if faults else 0


def instance_faults(config: Mapping[str, Any]) -> list[str]:
    """What Dagster would not accept in a `dagster.yaml`: keys, and the config of each class that it names."""
    from dagster._config import validate_config
    from dagster._core.instance.config import dagster_instance_config_schema

    answer = validate_config(dagster_instance_config_schema(), dict(config))
    found = [f"dagster.yaml: {error.message}" for error in answer.errors or ()]
    for key, part in config.items():
        if isinstance(part, Mapping) and {"module", "class"} <= set(part):
            module = part["module"].replace("dagster.core.", "dagster._core.")  # an alias of Dagster's own
            asked = getattr(import_module(module), part["class"]).config_type()
            answer = validate_config(asked, dict(part.get("config", {})))
            found += [f"dagster.yaml, {key}: {error.message}" for error in answer.errors or ()]
    return found


def _at_home(schema: Any, prefix: str) -> Any:
    """With references to our copy of Kubernetes' types, and names of definitions that a subchart does not share."""
    if isinstance(schema, list):
        return [_at_home(one, prefix) for one in schema]
    if not isinstance(schema, dict):
        return schema
    homely = {key: _at_home(value, prefix) for key, value in schema.items()}
    if isinstance(reference := homely.get("$ref"), str):
        if _TYPES in reference:
            homely["$ref"] = f"{kubernetes.TYPES}#/$defs/" + reference.partition(_TYPES)[2]
        elif reference.startswith("#/$defs/"):
            homely["$ref"] = "#/$defs/" + prefix + reference.removeprefix("#/$defs/")
    if "$defs" in homely:
        homely["$defs"] = {prefix + name: value for name, value in homely["$defs"].items()}
    return homely


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
