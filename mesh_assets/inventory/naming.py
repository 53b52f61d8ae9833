"""How a subject got its name. Derived from the topics and the schema itself; a similar name is no evidence."""

import re
from collections.abc import Collection
from typing import Any, Literal

import msgspec

NamingStrategy = Literal["topic", "record", "topic_record", "unknown"]

_PROTOBUF_PACKAGE = re.compile(r"^\s*package\s+([\w.]+)\s*;", re.MULTILINE)
_PROTOBUF_MESSAGE = re.compile(r"^\s*message\s+(\w+)", re.MULTILINE)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


def record_name(schema_type: str, definition: str) -> str | None:
    """The full name of the record that the schema defines; None where it defines none or cannot be parsed.

    Avro: namespace and name. JSON Schema: `title`, as Confluent's serializer uses it. Protobuf: package and
    first message.
    """
    if schema_type == "PROTOBUF":
        text = _COMMENT.sub("", definition)
        package, message = _PROTOBUF_PACKAGE.search(text), _PROTOBUF_MESSAGE.search(text)
        if message is None:
            return None
        return f"{package.group(1)}.{message.group(1)}" if package else message.group(1)
    try:
        parsed: Any = msgspec.json.decode(definition)
    except msgspec.DecodeError:
        return None
    if not isinstance(parsed, dict):
        return None
    if schema_type == "JSON":
        title = parsed.get("title")
        return title if isinstance(title, str) else None
    name, namespace = parsed.get("name"), parsed.get("namespace")
    if not isinstance(name, str):
        return None
    return f"{namespace}.{name}" if isinstance(namespace, str) and namespace and "." not in name else name


def without_context(subject: str) -> str:
    """`:.context:name` → `name`."""
    return subject.split(":", 2)[2] if subject.startswith(":.") and subject.count(":") >= 2 else subject


def split_topic_name(subject: str) -> tuple[str, Literal["key", "value"]] | None:
    """`orders-value` → (`orders`, `value`), whether or not there is such a topic."""
    name = without_context(subject)
    if name.endswith("-value"):
        return name.removesuffix("-value"), "value"
    if name.endswith("-key"):
        return name.removesuffix("-key"), "key"
    return None


def topic_of_record_subject(subject: str, name: str | None, topics: Collection[str]) -> str | None:
    """The topic of a topic-record subject (`orders-com.shop.Order`): only when the rest is exactly the
    schema's record name."""
    bare = without_context(subject)
    if not name or not bare.endswith(f"-{name}"):
        return None
    topic = bare.removesuffix(f"-{name}")
    return topic if topic in topics else None


def naming_strategy(subject: str, name: str | None, topics: Collection[str]) -> NamingStrategy:
    split = split_topic_name(subject)
    if split is not None and split[0] in topics:
        return "topic"
    if name is not None and without_context(subject) == name:
        return "record"
    return "topic_record" if topic_of_record_subject(subject, name, topics) is not None else "unknown"
