"""Parses the texts of schemas: JSON (of Avro and JSON Schema) and Protobuf. Both readers terminate on any text."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache, wraps
from itertools import accumulate
from typing import Any, TypeVar, cast

import msgspec

_DEEPEST_JSON = 400
_NO_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[^\[\]{}"]++', re.DOTALL)
_LEVELS = {"[": 1, "{": 1, "]": -1, "}": -1}


_T = TypeVar("_T")


class UnreadableDefinitionError(ValueError):
    """The text is not of its declared type, or not in a form that can be read here."""


def _once(parse: Callable[[str], _T]) -> Callable[[str], _T]:
    """A text's name, fields and properties are read one after another: it is parsed only once, even if parsing
    fails."""

    @lru_cache(maxsize=1)
    def outcome(text: str) -> tuple[_T | None, str | None]:
        try:
            return parse(text), None
        except UnreadableDefinitionError as error:
            return None, str(error)

    @wraps(parse)
    def remembered(text: str) -> _T:
        value, problem = outcome(text)
        if problem is not None:
            raise UnreadableDefinitionError(problem)
        return cast(_T, value)

    return remembered


@_once
def parse_json(text: str) -> Any:
    """The JSON value, which must not be modified. Raises UnreadableDefinitionError, also when it is nested deeper than 400
    levels.

    Whether deeper ones can be read would depend on how much stack the caller has left, so they would come and go.
    """
    # Counting brackets is cheap, and nearly every schema has fewer.
    if text.count("[") + text.count("{") > _DEEPEST_JSON:
        depths = accumulate(map(_LEVELS.__getitem__, _NO_BRACKETS.sub("", text)))
        if max(depths, default=0) > _DEEPEST_JSON:
            raise UnreadableDefinitionError(f"nested deeper than {_DEEPEST_JSON} levels")
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise UnreadableDefinitionError(str(error)) from error


# --- Protobuf: just enough of its grammar to know which messages have which fields


class ProtobufField(msgspec.Struct, frozen=True):
    """`label`: `repeated`, `optional`, `required` or empty. `in_oneof`: at most one of several is set. `number`: its tag in
    the bytes; None if the text has no valid number."""

    name: str
    type: str
    label: str = ""
    in_oneof: bool = False
    number: int | None = None


class ProtobufMessage(msgspec.Struct, frozen=True):
    """`path`: its name, below the names of the enclosing messages."""

    path: tuple[str, ...]
    fields: list[ProtobufField]


class ProtobufFile(msgspec.Struct, frozen=True):
    """`messages`: in the order of the text, each before those it contains. `proto2`: the syntax, also that of a text that
    names none."""

    package: str | None
    messages: list[ProtobufMessage]
    proto2: bool = True


_TOKEN = re.compile(
    r"(?:\s+|//[^\n]*|/\*.*?\*/)++"
    r"|(\"(?:[^\"\\\n]|\\.)*+\"|'(?:[^'\\\n]|\\.)*+'|[\w.+-]+|(?!/\*)[^\s\w\"'])"
    r"|(.)",  # the start of an unclosed comment or quoted text
    re.DOTALL,
)
_ENDLESS = 2
_LABELS = ("repeated", "optional", "required")
_NAME = re.compile(r"[A-Za-z_]\w*")
_TAG = re.compile(r"[1-9]\d{0,8}|0[xX][0-9A-Fa-f]{1,8}")
_TYPE = re.compile(r"\.?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_KEYWORDS = ("syntax", "edition", "import", "package", "option", "reserved", "extensions")
_PUNCTUATION = frozenset("[{};")
_CLOSING = {"[": "]", "{": "}"}
_DEEPEST_MESSAGE = 64  # protoc takes 32
_LONGEST_STATEMENT = 10_000  # words; `reserved` lists numbers


@_once
def parse_protobuf(text: str) -> ProtobufFile:
    """The file's messages, which must not be modified. Raises UnreadableDefinitionError.

    Python's protobuf has no compiler, and protoc needs the files that this one imports, which a registry stores under
    different names; so the text is read here. Options, enums, services and extensions are skipped.
    """
    tokens = _tokens(text)
    package: str | None = None
    proto2 = True
    messages: list[ProtobufMessage] = []
    around: list[tuple[str, ProtobufMessage | None]] = []
    statement: list[str] = []
    for token in tokens:
        if token not in _PUNCTUATION:
            statement.append(token)
            if len(statement) > _LONGEST_STATEMENT:
                raise UnreadableDefinitionError(f"a statement of more than {_LONGEST_STATEMENT:,} words")
        elif token == "[" or (token == "{" and statement[:1] == ["option"]):
            _pass_over(tokens, token)
        elif token == "{":
            kind = statement[0] if statement else ""
            message = around[-1][1] if around else None
            if kind in ("export", "local"):
                statement = statement[1:]
                kind = statement[0] if statement else ""
            if kind == "message" and len(statement) == 2 and (not around or message is not None):
                around.append((kind, _open(messages, message, statement[1])))
            elif kind == "oneof" and len(statement) == 2 and message is not None:
                around.append((kind, message))
            elif "group" in statement[:2] and message is not None:
                at = statement.index("group")
                name = statement[at + 1] if len(statement) > at + 1 else ""
                message.fields.append(_field([*statement[:at], name, name.lower(), *statement[at + 2 :]]))
                around.append((kind, _open(messages, message, name)))
            elif kind in ("enum", "service", "extend") and len(statement) == 2:
                _pass_over(tokens, token)
            else:
                raise UnreadableDefinitionError(
                    f"{' '.join(statement[:4])} {{ does not open a Protobuf block"
                )
            statement = []
        elif token == "}":
            if statement or not around:
                raise UnreadableDefinitionError("a } has no matching {")
            around.pop()
        elif statement:
            kind, message = around[-1] if around else ("", None)
            if statement[0] == "package" and len(statement) == 2 and message is None:
                package = statement[1]
            elif statement[0] in ("syntax", "edition") and message is None:
                proto2 = statement[-1].strip("\"'") == "proto2"
            elif message is not None and "=" in statement and statement[0] != "option":
                message.fields.append(_field(statement, in_oneof=kind == "oneof"))
            elif statement[0] not in _KEYWORDS:
                raise UnreadableDefinitionError(f"{' '.join(statement[:4])} is not a Protobuf statement")
            statement = []
    if statement or around:
        raise UnreadableDefinitionError("the text ends within a statement")
    return ProtobufFile(package, messages, proto2)


def _tokens(text: str) -> Iterator[str]:
    for found in _TOKEN.finditer(text):
        if found.lastindex == _ENDLESS:
            raise UnreadableDefinitionError("a quoted text or a comment is not closed")
        if found.lastindex:
            yield found[1]


def _pass_over(tokens: Iterator[str], opened: str) -> None:
    waiting = [_CLOSING[opened]]
    for token in tokens:
        if token in _CLOSING:
            waiting.append(_CLOSING[token])
            if len(waiting) > _DEEPEST_MESSAGE:
                break
        elif token == waiting[-1]:
            waiting.pop()
            if not waiting:
                return
    raise UnreadableDefinitionError(f"a {opened} is not closed, or holds too many others")


def _open(messages: list[ProtobufMessage], around: ProtobufMessage | None, name: str) -> ProtobufMessage:
    if not _NAME.fullmatch(name):
        raise UnreadableDefinitionError(f"{name!r} is not the name of a message")
    if around is not None and len(around.path) == _DEEPEST_MESSAGE:
        raise UnreadableDefinitionError(f"messages are nested deeper than {_DEEPEST_MESSAGE} levels")
    message = ProtobufMessage((*(around.path if around else ()), name), [])
    messages.append(message)
    return message


def _field(statement: list[str], *, in_oneof: bool = False) -> ProtobufField:
    label = statement[0] if statement[0] in _LABELS and statement[1:2] not in (["="], []) else ""
    before, _, number = " ".join(statement[1:] if label else statement).partition(" = ")
    kind, _, name = before.rpartition(" ")
    kind = kind.replace("map < ", "map<").replace(" , ", ", ").replace(" >", ">")
    if not (number and _NAME.fullmatch(name) and (_TYPE.fullmatch(kind) or kind.startswith("map<"))):
        raise UnreadableDefinitionError(f"{' '.join(statement[:6])} is not a Protobuf field")
    tag = number.split(" ", 1)[0]
    return ProtobufField(name, kind, label, in_oneof, int(tag, 0) if _TAG.fullmatch(tag) else None)
