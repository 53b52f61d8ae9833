"""A provider that knows its schema and nothing else, which is all that `terraform validate` and mocked tests need.

Terraform's providers are not in any package registry, so the checks cannot install them. Terraform talks gRPC (protocol 6)
to a provider and finds a running one by TF_REATTACH_PROVIDERS. This one serves the schemas in `schemas/` on a Unix socket
and accepts everything that matches them. It does not know the real providers' checks of values: test_static.py covers what
they would refuse.
"""

import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SCHEMAS = Path(__file__).parent / "schemas"
SOURCES = {
    "aws": "registry.terraform.io/hashicorp/aws",
    "confluent": "registry.terraform.io/confluentinc/confluent",
}

_SERVICE = "/tfplugin6.Provider/"
_NESTING = {"list": 2, "set": 3}
# The part of protocol 6 that a schema needs: message → field → (number, type). A type that is not a scalar is a message in
# this table; a star means "repeated". (A map is a repeated Entry; an enum is sent as an int32.)
_PROTOCOL: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "Attribute": {
        "name": (1, "string"),
        "type": (2, "bytes"),
        "required": (4, "bool"),
        "optional": (5, "bool"),
        "computed": (6, "bool"),
        "sensitive": (7, "bool"),
        "write_only": (11, "bool"),
    },
    "Block": {"version": (1, "int64"), "attributes": (2, "Attribute*"), "block_types": (3, "NestedBlock*")},
    "NestedBlock": {
        "type_name": (1, "string"),
        "block": (2, "Block"),
        "nesting": (3, "int32"),
        "min_items": (4, "int64"),
        "max_items": (5, "int64"),
    },
    "Schema": {"version": (1, "int64"), "block": (2, "Block")},
    "Entry": {"key": (1, "string"), "value": (2, "Schema")},
    "Schemas": {
        "provider": (1, "Schema"),
        "resource_schemas": (2, "Entry*"),
        "data_source_schemas": (3, "Entry*"),
    },
}


@contextmanager
def running_stubs(folder: Path, schemas: Path = SCHEMAS) -> Iterator[dict[str, str]]:
    """Serve all providers on sockets in `folder`; yields the environment by which Terraform finds them."""
    server = grpc.server(ThreadPoolExecutor(4))
    attach = {}
    servers = []
    for name, source in SOURCES.items():
        server = grpc.server(ThreadPoolExecutor(4))
        server.add_generic_rpc_handlers((_Provider((schemas / f"{name}.json").read_text(encoding="utf-8")),))
        socket = folder / f"{name}.sock"
        server.add_insecure_port(f"unix:{socket}")
        server.start()
        servers.append(server)
        attach[source] = {
            "Protocol": "grpc",
            "ProtocolVersion": 6,
            "Pid": os.getpid(),
            "Test": True,  # ours to end, not Terraform's
            "Addr": {"Network": "unix", "String": str(socket)},
        }
    try:
        yield {"TF_REATTACH_PROVIDERS": json.dumps(attach)}
    finally:
        for server in servers:
            server.stop(grace=None).wait(5)


class _Provider(grpc.GenericRpcHandler):  # type: ignore[misc]  # it is untyped
    def __init__(self, schemas: str) -> None:
        self._schemas = _encode(json.loads(schemas))

    def service(self, call: Any) -> Any:
        method = call.method.removeprefix(_SERVICE)
        if method == "GetProviderSchema":
            return grpc.unary_unary_rpc_method_handler(lambda *_: self._schemas)
        if method.startswith("Validate") or method in ("StopProvider", "GetResourceIdentitySchemas"):
            return grpc.unary_unary_rpc_method_handler(lambda *_: b"")  # an empty answer has no diagnostics
        return None  # unimplemented


def _encode(schemas: Mapping[str, Any]) -> bytes:
    def block(form: Mapping[str, Any]) -> dict[str, Any]:
        attributes = [
            {**flags, "name": name, "type": json.dumps(flags["type"]).encode()}
            for name, flags in form.get("attributes", {}).items()
        ]
        blocks = [
            {
                "type_name": name,
                "block": block(nested["block"]),
                "nesting": _NESTING[nested["nesting_mode"]],
                "min_items": nested.get("min_items", 0),
                "max_items": nested.get("max_items", 0),
            }
            for name, nested in form.get("block_types", {}).items()
        ]
        return {"attributes": attributes, "block_types": blocks}

    def entries(kind: str) -> list[dict[str, Any]]:
        return [
            {"key": name, "value": {"block": block(form["block"])}} for name, form in schemas[kind].items()
        ]

    message: bytes = _message_class("Schemas")(
        provider={"block": block(schemas["provider"]["block"])},
        resource_schemas=entries("resource_schemas"),
        data_source_schemas=entries("data_source_schemas"),
    ).SerializeToString()
    return message


def _message_class(name: str) -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="schema.proto", package="stub", syntax="proto3")
    for message, fields in _PROTOCOL.items():
        described = file.message_type.add(name=message)
        for field, (number, kind) in fields.items():
            scalar = getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{kind.rstrip('*').upper()}", None)
            described.field.add(
                name=field,
                number=number,
                label=descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
                if kind.endswith("*")
                else descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL,
                type=descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE if scalar is None else scalar,
                type_name=None if scalar is not None else f".stub.{kind.rstrip('*')}",
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"stub.{name}"))
