"""The JSON Schema of estate files judges each file like the loader, as far as a schema can."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # ships no types
import pytest
import yaml

from mesh_assets.errors import EstateError
from mesh_assets.estate.file import parse_estate
from mesh_assets.estate.schema import estate_schema, included_schema

ROOT = Path(__file__).parents[2]
ESTATE = jsonschema.Draft202012Validator(estate_schema())
INCLUDED = jsonschema.Draft202012Validator(included_schema())
SMALL = "clusters: {warehouse: {kafka: {bootstrap_servers: x}}}\n"


def examples() -> Iterator[Any]:
    """Whole estates, and parts that need only a cluster: every YAML example in the docs that the loader would accept."""
    for path in [ROOT / "mesh_assets/configuration/project/estate.yaml", *sorted(ROOT.glob("docs/*.md"))]:
        text = path.read_text(encoding="utf-8")
        blocks = [text] if path.suffix == ".yaml" else re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
        for number, block in enumerate(blocks):
            whole = block if re.search(r"^(clusters|include):", block, re.MULTILINE) else SMALL + block
            yield pytest.param(whole, id=f"{path.name} {number}")


def judged(text: str) -> tuple[bool, bool]:
    """Whether the schema and the loader accept the text."""
    by_schema = ESTATE.is_valid(json.loads(json.dumps(yaml.safe_load(text), default=str)))
    try:
        parse_estate(text, source="estate.yaml")
    except EstateError:
        return by_schema, False
    return by_schema, True


@pytest.fixture(autouse=True)
def files_that_examples_include(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("clusters/a.yaml", "teams/x/kafka.yaml")):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(f"clusters: {{c{number}: {{kafka: {{bootstrap_servers: x}}}}}}\n")


@pytest.mark.parametrize("text", list(examples()))
def test_schema_and_loader_judge_an_example_of_the_docs_alike(text: str) -> None:
    by_schema, by_loader = judged(text)
    assert by_schema == by_loader


def test_most_examples_are_estates() -> None:
    assert sum(all(judged(example.values[0])) for example in examples()) >= 10


@pytest.mark.parametrize(
    "text",
    [
        "clusters: {}",
        "clusters: 3",
        "events: {}",
        "clusters: {a: {}}",
        "clusters: {a: 3}",
        "clusters: {'a/b': {kafka: {bootstrap_servers: x}}}",
        "clusters: {'.a': {kafka: {bootstrap_servers: x}}}",
        "clusters: {a...b: {kafka: {bootstrap_servers: x}}}",
        "clusters: {a: {kafka: {bootstrap_servers: x, password: hunter2}}}",
        "clusters: {a: {kafka: {bootstrap_servers: x, security_protocol: TLS}}}",
        "clusters: {a: {kafka: {bootstrap_servers: x}, connect: [{kind: other}]}}",
        "clusters: {a: {kafka: {bootstrap_servers: x}, connect: [{url: 'http://x'}]}}",
        "clusters: {a: {kafka: {bootstrap_servers: x}, metrics: {}}}",
        "clusters: {a: {kafka: {bootstrap_servers: x}, metrics: {kind: confluent_cloud}}}",
        "clusters: {a: {kafka: {bootstrap_servers: x}, metriks: {}}}",
        "clusters: {a: {kafka: {bootstrap_servers: x}, schema_registry: {url: 'ftp://x'}}}",
        "defaults: [a]\n" + SMALL,
        "defaults: {kafka: {password: hunter2}}\n" + SMALL,
        "defaults: {kafk: {}}\n" + SMALL,
        "defaults: {metrics: {kind: other}}\n" + SMALL,
        "include: []",
        "include: {a: 1}\n" + SMALL,
        "triggers: {}\n" + SMALL,
        "retention: {documents: {days: yes}}\n" + SMALL,
    ],
)
def test_loader_and_schema_refuse_what_a_schema_can_refuse(text: str) -> None:
    assert judged(text) == (False, False)


@pytest.mark.parametrize(
    "text",
    [
        SMALL,
        "clusters: {größe_1.a-b: {kafka: {bootstrap_servers: x}}}",
        "defaults: {kafka: {bootstrap_servers: x}}\nclusters: {a: {}, b: {kafka: {timeout_seconds: 3}}}",
        "defaults:\n" + SMALL,
        "defaults: {metrics: {kind: confluent_cloud, username: k}}\n"
        "clusters: {a: {kafka: {bootstrap_servers: x}, metrics: {password: '${P}'}}}",
        "defaults: {schema_registry: {url: 'http://x'}}\nclusters: {a: {kafka: {bootstrap_servers: x}, schema_registry: null}}",
    ],
)
def test_the_schema_accepts_what_the_loader_accepts(text: str) -> None:
    assert judged(text) == (True, True)


def test_an_included_file_has_a_schema_of_its_own() -> None:
    assert INCLUDED.is_valid(
        {"clusters": {"a": {"topics": {"exclude": ["x"]}}}, "defaults": {}, "include": "*.yaml"}
    )
    assert not INCLUDED.is_valid({"clusters": {"a": {}}, "events": {}})
    assert not INCLUDED.is_valid({"clusters": {"a": {"colour": "red"}}})


@pytest.mark.slow
def test_the_schemas_are_valid_and_define_everything_they_name() -> None:
    for schema in (estate_schema(), included_schema()):
        jsonschema.Draft202012Validator.check_schema(schema)
        text = json.dumps(schema)
        assert set(re.findall(r"#/\$defs/(\w+)", text)) <= schema["$defs"].keys()
