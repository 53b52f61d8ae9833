"""What test messages contain: JSON, or records by the latest schema of a mapping that reads with a registry.

Such a mapping gives up on anything it cannot deserialize, sending it to its destination or nowhere, so messages in a
different format never reach the function.
"""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from mesh_assets.errors import EstateError, RefusedError
from mesh_assets.esm.aws_account import AwsAccount
from mesh_assets.esm.connection.secret import read_secret
from mesh_assets.esm.encryption import NotThereError, ask
from mesh_assets.esm.lookup import registry_address
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.proof.schema_values import (
    Encode,
    UnknownConstraintError,
    avro_encoder,
    confluent_frame,
    glue_frame,
    json_encoder,
    protobuf_encoder,
)
from mesh_assets.importing import importing

FEWEST_BYTES, MOST_BYTES = 200, 1_000_000

_LOGINS_UNSUPPORTED = ("CLIENT_CERTIFICATE_TLS_AUTH", "SERVER_ROOT_CA_CERTIFICATE")


class Content(Struct, frozen=True, kw_only=True):
    """`format` for people. `unwritable`: why no value can be made; `encode` then refuses."""

    format: str
    encode: Encode
    unwritable: str | None = None


def json_content(bytes_each: int) -> Content:
    """JSON of exactly `bytes_each` bytes. Raises EstateError for an absurd size."""
    if not FEWEST_BYTES <= bytes_each <= MOST_BYTES:
        raise EstateError(
            f"test messages of {bytes_each} bytes requested; expected {FEWEST_BYTES} to {MOST_BYTES:,}"
        )

    def encode(test_id: str, sequence: int, of: int) -> bytes:
        content = {
            "mesh_assets_test": test_id,
            "id": f"{test_id}-{sequence}",
            "sequence": sequence,
            "of": of,
            "produced_at": datetime.now(UTC).isoformat(),
            "padding": "",
        }
        return json.dumps({**content, "padding": "x" * (bytes_each - len(json.dumps(content)))}).encode()

    return Content(format="JSON", encode=encode)


def content_for(account: AwsAccount, mapping: EventSourceMapping, bytes_each: int) -> Content:
    """What the mapping can read: JSON unless it has a schema registry.

    Raises EstateError for an absurd size, PlatformError when the registry or its secret cannot be read.
    """
    plain = json_content(bytes_each)
    registry = mapping.schema_registry
    if registry is None:
        return plain
    shown = str(registry.get("SchemaRegistryURI") or "")
    access = {str(entry.get("Type")): str(entry.get("URI")) for entry in registry.get("AccessConfigs") or ()}
    validated = {entry.get("Attribute") for entry in registry.get("SchemaValidationConfigs") or ()}
    login = next((kind for kind in _LOGINS_UNSUPPORTED if kind in access), None)
    if "KEY" in validated:
        return _unwritable(
            "it also validates keys against the registry, but only values are written by a schema here"
        )
    if shown.startswith("arn:"):
        return _by_glue(account, shown, mapping.topic or "")
    if login is not None:
        return _unwritable(f"its registry, {shown}, wants {login}, which is not supported here")
    user: Mapping[str, Any] = {}
    if "BASIC_AUTH" in access:
        if urlsplit(shown).scheme != "https":
            return _unwritable(f"its registry, {shown}, would get the password unencrypted")
        user = read_secret(account, access["BASIC_AUTH"])
        if not user.get("username") or not user.get("password"):
            raise EstateError(
                f"secret {access['BASIC_AUTH']} has no username and password; expected both, for the registry {shown}"
            )
    uri = registry_address(account, mapping.uuid) if mapping.registry_has_login else shown
    return _by_latest_schema(uri, f"{mapping.topic}-value", user)


def _unwritable(why: str) -> Content:
    def refuse(*_: object) -> bytes:
        raise EstateError(f"no test messages can be written: {why}")

    return Content(format="none", encode=refuse, unwritable=why)


def _by_glue(account: AwsAccount, registry_arn: str, topic: str) -> Content:
    """By the latest version of the schema that has the topic's name, as Glue's serializers name it by default."""
    registry = registry_arn.partition(":registry/")[2]
    try:
        answer = ask(
            account,
            "glue",
            "get_schema_version",
            "glue:GetSchemaVersion",
            f"schema {topic} of registry {registry}",
            SchemaId={"RegistryName": registry, "SchemaName": topic},
            SchemaVersionNumber={"LatestVersion": True},
        )
    except NotThereError:
        return _unwritable(f"its registry, {registry_arn}, has no schema {topic}")
    kind, version = answer["DataFormat"], answer.get("VersionNumber")
    if answer.get("Status", "AVAILABLE") != "AVAILABLE":
        return _unwritable(f"version {version} of schema {topic} in {registry_arn} is {answer['Status']}")
    if kind == "PROTOBUF":
        return _unwritable(
            f"schema {topic} of {registry_arn} is PROTOBUF; no records of that kind are made here"
        )
    frame, described = glue_frame(answer["SchemaVersionId"]), f"by version {version} of {topic} in Glue"
    return _made(
        kind,
        answer["SchemaDefinition"],
        [answer["SchemaDefinition"]],
        {},
        frame,
        described,
        f"schema {topic}",
    )


def _made(
    kind: str,
    definition: str,
    all_texts: list[str],
    named: Mapping[str, str],
    frame: bytes,
    described: str,
    subject: str,
) -> Content:
    """Values by a schema: `all_texts` has those that it refers to before it, `named` has them by the names that it uses."""
    try:
        match kind:
            case "AVRO":
                encode = avro_encoder(all_texts, frame=frame)
            case "JSON":
                encode = json_encoder(definition, frame=frame, named=named)
                encode(uuid.uuid4().hex, 0, 1)
            case "PROTOBUF":
                encode = protobuf_encoder(definition, frame=frame)
                described += ", every field at its default"
            case other:
                return _unwritable(
                    f"the latest schema of {subject} is {other}; no records of that kind are made here"
                )
    except UnknownConstraintError as error:
        return _unwritable(
            f"the latest {kind} schema of {subject} has `{error}`, for which no value is made here"
        )
    return Content(format=f"{kind}, {described}", encode=encode)


def _by_latest_schema(uri: str, subject: str, user: Mapping[str, Any]) -> Content:
    with importing:
        from mesh_assets.platforms.http import HttpService
        from mesh_assets.platforms.schema_registry.subjects import read_latest, read_version

    with HttpService(
        uri, name="Schema Registry", username=user.get("username"), password=user.get("password")
    ) as service:
        found = read_latest(service, subject)
        if found is None:
            return _unwritable(f"its registry, {service.url}, has no subject {subject}")
        # Depth first: a schema comes after those it refers to.
        texts: dict[tuple[str, int], str] = {}
        named: dict[str, tuple[str, int]] = {}
        open_ones = [found]
        while open_ones:
            schema = open_ones[-1]
            missing = next(
                (one for one in schema.references if (one.subject, one.version) not in texts), None
            )
            if missing is None:
                for one in schema.references:
                    if named.setdefault(one.name, (one.subject, one.version)) != (one.subject, one.version):
                        return _unwritable(f"schemas behind {subject} mean different things by {one.name}")
                texts[schema.subject, schema.version] = schema.definition
                open_ones.pop()
                continue
            reference = read_version(service, missing.subject, missing.version)
            if reference is None or any(reference.id == one.id for one in open_ones):
                raise RefusedError(
                    f"{service}: {schema.subject} refers to version {missing.version} of {missing.subject}, which it does not have"
                )
            open_ones.append(reference)
    described = f"by version {found.version} of {subject} (schema {found.id})"
    others = {name: texts[place] for name, place in named.items()}
    frame = confluent_frame(found.id)
    return _made(found.schema_type, found.definition, [*texts.values()], others, frame, described, subject)
