"""Protobuf from a registry's texts: messages built for Google's `protobuf`, which has no compiler, and their
values.

All messages are declared as proto2, in which every field says whether it is set. Where proto3 leaves out a
field with its type's default, the value is that default, not unknown. Enums are read as their numbers.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    message_factory,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError

from mesh_assets.collecting.samples import UndecodableError
from mesh_assets.inventory.definitions import (
    ProtobufField,
    ProtobufFile,
    ProtobufMessage,
    UnreadableDefinitionError,
    parse_protobuf,
)

_Type = descriptor_pb2.FieldDescriptorProto
_SCALAR_NAMES = (
    "double float int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64 bool string bytes"
)
_SCALARS = {
    name: getattr(_Type, f"TYPE_{name.upper()}")
    for name in [
        "double",
        "float",
        "int32",
        "int64",
        "uint32",
        "uint64",
        "sint32",
        "sint64",
        "fixed32",
        "fixed64",
        "sfixed32",
        "sfixed64",
        "bool",
        "string",
        "bytes",
    ]
}
_GOOGLES = {
    module.DESCRIPTOR.name: module.DESCRIPTOR
    for module in (timestamp_pb2, duration_pb2, wrappers_pb2, struct_pb2, empty_pb2, field_mask_pb2)
}
_ENUM = re.compile(r"\benum\s+(\w+)\s*\{")
_MAP = re.compile(r"map<\s*(\w+)\s*,\s*([\w.]+)\s*>")
_DEEPEST = 12
_DEFAULTS: Mapping[int, Any] = {_Type.TYPE_STRING: "", _Type.TYPE_BYTES: b"", _Type.TYPE_BOOL: False}

Read = Callable[[bytes], dict[str, Any]]


class MessageReader:
    """Reads values behind Confluent's frame: which message of the text it is, then its bytes. `texts`: by the
    name that the last of them imports each under, dependencies first. Raises UndecodableError for texts that
    cannot be used."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        try:
            files = {name: parse_protobuf(text) for name, text in texts.items()}
        except UnreadableDefinitionError as error:
            raise UndecodableError(f"its schema cannot be read: {error}") from error
        enums = {name for text in texts.values() for name in _ENUM.findall(text)}
        self._builder = _Builder(files, enums)
        self.main = files[list(files)[-1]]
        self._top = [one for one in self.main.messages if len(one.path) == 1]

    def read(self, data: bytes) -> dict[str, Any]:
        """The fields of the message, by name; None: not set. Raises UndecodableError."""
        path, rest = self._which(data)
        message = self._builder.message_class(self.main, path)()
        try:
            message.ParseFromString(rest)
            return self._builder.plain(message)
        except (DecodeError, UnicodeDecodeError, ValueError, OverflowError) as error:
            raise UndecodableError(f"does not fit its schema ({type(error).__name__})") from None

    def first(self) -> ProtobufMessage | None:
        """The message to expect unless the frame says otherwise."""
        return self._top[0] if self._top else None

    def _which(self, data: bytes) -> tuple[tuple[str, ...], bytes]:
        count, at = _zigzag(data, 0)
        indexes = [0]
        if count:
            if not 0 < count <= _DEEPEST:
                raise UndecodableError("does not name a message of its schema")
            indexes = []
            for _ in range(count):
                index, at = _zigzag(data, at)
                indexes.append(index)
        among = self._top
        path: tuple[str, ...] = ()
        for index in indexes:
            if not 0 <= index < len(among):
                raise UndecodableError("does not name a message of its schema")
            path = among[index].path
            among = [one for one in self.main.messages if one.path[:-1] == path]
        return path, data[at:]


class _Builder:
    def __init__(self, files: Mapping[str, ProtobufFile], enums: Iterable[str]) -> None:
        self._enums = set(enums)
        self._known: dict[str, tuple[ProtobufFile, ProtobufMessage]] = {
            _full(file, message.path): (file, message) for file in files.values() for message in file.messages
        }
        self._classes: dict[str, Any] = {}
        self._implicit: dict[str, set[str]] = {}
        self._pool = descriptor_pool.DescriptorPool()
        for descriptor in _GOOGLES.values():
            self._pool.AddSerializedFile(descriptor.serialized_pb)
        before = list(_GOOGLES)
        for number, file in enumerate(files.values()):
            made = self._file(f"schema-{number}.proto", file, before)
            try:
                self._pool.Add(made)
            except TypeError as error:
                raise UndecodableError("its schema is not valid Protobuf") from error
            before.append(made.name)

    def message_class(self, file: ProtobufFile, path: tuple[str, ...]) -> Any:
        name = _full(file, path)
        if name not in self._classes:
            self._classes[name] = message_factory.GetMessageClass(self._pool.FindMessageTypeByName(name))
        return self._classes[name]

    def plain(self, message: Any, depth: int = 0) -> dict[str, Any]:
        if depth > _DEEPEST:
            return {}
        descriptor = message.DESCRIPTOR
        implicit = self._implicit.get(descriptor.full_name, set())
        found: dict[str, Any] = {}
        for field in descriptor.fields:
            value = getattr(message, field.name)
            if field.message_type is not None and field.message_type.GetOptions().map_entry:
                holds = field.message_type.fields_by_name["value"].message_type
                found[field.name] = {
                    str(key): value[key] if holds is None else self._inner(value[key], depth) for key in value
                }
            elif field.is_repeated:
                found[field.name] = [
                    one if field.message_type is None else self._inner(one, depth) for one in value
                ]
            elif message.HasField(field.name):
                found[field.name] = value if field.message_type is None else self._inner(value, depth)
            elif field.name in implicit:
                found[field.name] = _DEFAULTS.get(field.type, 0)
            else:
                found[field.name] = None
        return found

    def _inner(self, message: Any, depth: int) -> Any:
        name = message.DESCRIPTOR.full_name
        if not name.startswith("google.protobuf."):
            return self.plain(message, depth + 1)
        if name == "google.protobuf.Timestamp":
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
                seconds=message.seconds, microseconds=message.nanos // 1_000
            )
        if name == "google.protobuf.Duration":
            return message.seconds + message.nanos / 1e9
        if name.endswith("Value") and name != "google.protobuf.Value":
            return message.value if hasattr(message, "value") else MessageToDict(message)
        return MessageToDict(message)

    def _file(self, name: str, file: ProtobufFile, before: list[str]) -> Any:
        made = descriptor_pb2.FileDescriptorProto(
            name=name, package=file.package or "", syntax="proto2", dependency=before
        )
        places: dict[tuple[str, ...], Any] = {}
        for message in file.messages:
            around = places.get(message.path[:-1])
            place = (made.message_type if around is None else around.nested_type).add(name=message.path[-1])
            places[message.path] = place
            full = _full(file, message.path)
            for field in message.fields:
                self._field(place, field, file, full)
        return made

    def _field(self, place: Any, field: ProtobufField, file: ProtobufFile, full: str) -> None:
        if field.number is None:
            raise UndecodableError(f"its schema gives the field {field.name} no number")
        entry = _MAP.fullmatch(field.type)
        declared = place.field.add(name=field.name, number=field.number)
        if entry:
            nested = place.nested_type.add(name=f"{field.name.title().replace('_', '')}Entry")
            nested.options.map_entry = True
            nested.field.add(
                name="key",
                number=1,
                type=_SCALARS.get(entry[1], _Type.TYPE_STRING),
                label=_Type.LABEL_OPTIONAL,
            )
            self._type(nested.field.add(name="value", number=2, label=_Type.LABEL_OPTIONAL), entry[2], full)
            declared.label = _Type.LABEL_REPEATED
            declared.type, declared.type_name = _Type.TYPE_MESSAGE, f".{full}.{nested.name}"
            return
        declared.label = _Type.LABEL_REPEATED if field.label == "repeated" else _Type.LABEL_OPTIONAL
        scalar = self._type(declared, field.type, full)
        if scalar and not field.label and not field.in_oneof and not file.proto2:
            self._implicit.setdefault(full, set()).add(field.name)

    def _type(self, declared: Any, name: str, around: str) -> bool:
        """Sets the type; returns whether it is a scalar."""
        if name in _SCALARS:
            declared.type = _SCALARS[name]
            return True
        found = self._resolved(name, around)
        if found is not None:
            declared.type, declared.type_name = _Type.TYPE_MESSAGE, f".{found}"
            return False
        if name.rpartition(".")[2] in self._enums:
            declared.type = _Type.TYPE_INT32
            return True
        raise UndecodableError(f"its schema uses {name}, which neither it nor what it refers to defines")

    def _resolved(self, name: str, around: str) -> str | None:
        """Protobuf looks for a name in the innermost scope first, then outwards."""
        if name.startswith("."):
            return name[1:] if self._is_message(name[1:]) else None
        scope = around.split(".")
        for length in range(len(scope), -1, -1):
            candidate = ".".join([*scope[:length], name])
            if self._is_message(candidate):
                return candidate
        return None

    def _is_message(self, full: str) -> bool:
        return full in self._known or any(
            full == f"google.protobuf.{name}"
            for file in _GOOGLES.values()
            for name in file.message_types_by_name
        )


@dataclass(frozen=True, slots=True)
class ProtobufPlace:
    """A field with its path, for what a schema declares."""

    path: str
    type: str
    optional: bool


def message_places(file: ProtobufFile, first: ProtobufMessage) -> list[ProtobufPlace]:
    """The fields of a message, and of the messages it contains that the same text declares, by path."""
    by_name: dict[str, ProtobufMessage] = {}
    for message in file.messages:
        by_name.setdefault(message.path[-1], message)
    found: list[ProtobufPlace] = []

    def walk(message: ProtobufMessage, before: str, around: tuple[str, ...]) -> None:
        for field in message.fields:
            path = f"{before}{field.name}"
            inner = field.type
            entry = _MAP.fullmatch(inner)
            if entry:
                inner, below, kind = entry[2], f"{path}{{}}", f"map<{entry[2]}>"
            elif field.label == "repeated":
                below, kind = f"{path}[]", f"array<{inner}>"
            else:
                below, kind = path, inner
            held = by_name.get(inner.rpartition(".")[2])
            optional = field.label == "optional" or field.in_oneof or (held is not None and kind == inner)
            found.append(ProtobufPlace(path, kind, optional or inner.startswith("google.protobuf.")))
            if held is not None and held.path[-1] not in around and len(around) < _DEEPEST:
                walk(held, f"{below}.", (*around, held.path[-1]))

    walk(first, "", (first.path[-1],))
    return found


def _full(file: ProtobufFile, path: tuple[str, ...]) -> str:
    return ".".join([*([file.package] if file.package else []), *path])


def _zigzag(data: bytes, at: int) -> tuple[int, int]:
    """A number from Confluent's list of message indexes, and where the next one begins."""
    value = shift = 0
    while True:
        if at >= len(data) or shift > 28:
            raise UndecodableError("does not name a message of its schema")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
