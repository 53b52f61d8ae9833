"""The schemas of events are compatible with every earlier one: `earlier/` holds each that was ever used for publishing, without
its `doc`s. A reader with the newest schema understands what any of them wrote, as registries require (BACKWARD_TRANSITIVE).
fastavro's resolution decides, on records that it generates itself."""

import io
import json
import random
from importlib.resources import files
from pathlib import Path
from typing import Any

import fastavro
import pytest
from fastavro.utils import generate_many

from mesh_assets_tests import events

EARLIER = sorted((Path(events.__file__).parent / "earlier").glob("*.avsc"))
RECORDS = 2  # an even and an odd one: both branches of each union with null


def _newest(name: str) -> dict[str, Any]:
    text = files("mesh_assets.events").joinpath("avro", f"{name}.avsc").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _without_docs(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _without_docs(value) for key, value in part.items() if key != "doc"}
    return [_without_docs(one) for one in part] if isinstance(part, list) else part


def _read_with(writer: Any, reader: Any, record: Any) -> Any:
    written = io.BytesIO()
    fastavro.schemaless_writer(written, writer, record)
    written.seek(0)
    return fastavro.schemaless_reader(written, writer, reader)


@pytest.mark.parametrize("path", EARLIER, ids=lambda path: path.stem)
def test_what_an_earlier_schema_wrote_is_read_with_the_newest(path: Path) -> None:
    random.seed(16)
    earlier = fastavro.parse_schema(json.loads(path.read_text(encoding="utf-8")))
    newest = fastavro.parse_schema(_newest(path.stem.rpartition("-")[0]))
    for record in generate_many(earlier, RECORDS):
        read = _read_with(earlier, newest, record)
        assert read.keys() >= {field["name"] for field in _newest(path.stem.rpartition("-")[0])["fields"]}


@pytest.mark.parametrize("name", ["change_event", "discovery_event"])
def test_the_newest_schema_is_kept_with_the_earlier_ones(name: str) -> None:
    kept = [json.loads(path.read_text(encoding="utf-8")) for path in EARLIER if path.stem.startswith(name)]
    assert kept[-1] == _without_docs(_newest(name)), (
        f"the schema is another than {name}-{len(kept):02}.avsc: keep it without its docs as {name}-{len(kept) + 1:02}.avsc, too"
    )


def test_a_field_without_a_default_is_found() -> None:
    newest = _newest("change_event")
    broken = {**newest, "fields": [*newest["fields"], {"name": "added", "type": "string"}]}
    [record] = generate_many(fastavro.parse_schema(newest), 1)
    with pytest.raises(fastavro.read.SchemaResolutionError):
        _read_with(fastavro.parse_schema(newest), fastavro.parse_schema(broken), record)
