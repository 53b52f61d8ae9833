"""Which records Lambda can deserialize with a mapping's schema registry; it gives up the others."""

import io
import json
import ssl
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fastavro
import httpx

from mesh_assets.sandbox.kafka_mappings.batches import Read
from mesh_assets.sandbox.kafka_mappings.mapping import KafkaMapping

# Confluent's frame: a zero, and the schema's id.
_FRAME = struct.Struct(">bI")


class Registry:
    """The registry of one mapping, asked over Confluent's interface for the schema that a record names.

    Avro and JSON are deserialized, Protobuf is trusted; a Glue registry is not simulated, so its schemas are
    not found.
    """

    def __init__(self, config: Mapping[str, Any], authority: Path) -> None:
        """`authority`: a file with an authority to trust besides the usual ones."""
        self._tls = ssl.create_default_context()
        self._tls.load_verify_locations(authority)
        self._uri = str(config["SchemaRegistryURI"]).rstrip("/")
        self._attributes = [
            one["Attribute"].lower()
            for one in config.get("SchemaValidationConfigs") or ({"Attribute": "VALUE"},)
        ]
        self._schemas: dict[int, Mapping[str, Any] | None] = {}

    def refuses(self, read: Read) -> str | None:
        """Lambda's reason for giving the record up; None for a good one."""
        reasons = (self._reason(getattr(read, attribute)) for attribute in self._attributes)
        return next((reason for reason in reasons if reason is not None), None)

    def _reason(self, content: bytes | None) -> str | None:
        if content is None or len(content) < _FRAME.size or content[0] != 0:
            return "DESERIALIZATION_ERROR"
        _, number = _FRAME.unpack_from(content)
        schema = self._schema(number)
        if schema is None:
            return "SCHEMA_NOT_FOUND"
        return None if _fits(schema, content[_FRAME.size :]) else "DESERIALIZATION_ERROR"

    def _schema(self, number: int) -> Mapping[str, Any] | None:
        if number not in self._schemas:
            if not self._uri.startswith("http"):
                return None
            answer = httpx.get(
                f"{self._uri}/schemas/ids/{number}", timeout=10, trust_env=False, verify=self._tls
            )
            self._schemas[number] = None if answer.status_code == 404 else answer.raise_for_status().json()
        return self._schemas[number]


def registry_of(mapping: KafkaMapping, authority: Path) -> Registry | None:
    config = mapping.own_config.get("SchemaRegistryConfig")
    return Registry(config, authority) if config else None


def _fits(schema: Mapping[str, Any], content: bytes) -> bool:
    try:
        match schema.get("schemaType", "AVRO"):
            case "AVRO":
                rest = io.BytesIO(content)
                fastavro.schemaless_reader(rest, json.loads(schema["schema"]), None)
                return not rest.read()
            case "JSON":
                json.loads(content)
    except (ValueError, EOFError, IndexError, KeyError, TypeError):
        return False
    return True
