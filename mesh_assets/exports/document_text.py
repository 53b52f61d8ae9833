"""The text of a large document, piece by piece.

YAML is written here, byte for byte as PyYAML writes it, and PyYAML is only asked about text that is not plainly a word: it
takes a tenth of a millisecond per text, and the document of 9,000 topics has half a million.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec
import yaml

try:
    from yaml import CSafeDumper as _SafeDumper
except ImportError:  # PyYAML without libyaml: ten times as slow
    from yaml import SafeDumper as _SafeDumper  # type: ignore[assignment]

_MANY = 200
"""Each entry of a mapping with more entries is a piece."""
# PyYAML writes YAML 1.1 and leaves `1e3` unquoted, which is a number to readers of 1.2; to these, a line or paragraph
# separator is an ordinary character and not a line break.
_READ_IN_TWO_WAYS = re.compile("^[-+.]?[0-9.]|[\u2028\u2029]")
# Words separated by single spaces, without any character that has a meaning to YAML anywhere.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.,()/$;=+@*'-]*(?: [A-Za-z0-9_.,()/$;=+@*'-]+)*")
_POINTER = re.compile(r"#/[A-Za-z0-9_./$~-]+")
_LONGEST = 120  # YAML writes longer keys differently
# What YAML 1.1 does not take for text (https://yaml.org/type/).
_NO_TEXTS = frozenset(["yes", "no", "true", "false", "on", "off", "null", "y", "n"])


class _Dumper(_SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - nothing is written as a reference to what is equal
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = '"' if _READ_IN_TWO_WAYS.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def as_json(document: Mapping[str, Any]) -> Iterator[bytes]:
    """Indented by two."""
    yield msgspec.json.format(msgspec.json.encode(document), indent=2)
    yield b"\n"


def as_yaml(document: Mapping[str, Any]) -> Iterator[bytes]:
    """YAML that readers of 1.1 and 1.2 read alike."""
    return (f"{piece}\n".encode() for piece in _pieces(document, ""))


def _pieces(document: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in document.items():
        head = _key(key)
        if head is not None and isinstance(value, dict) and _is_large(value):
            yield f"{indent}{head}:"
            yield from _pieces(value, f"{indent}  ")
        else:
            lines: list[str] = []
            _add_mapping({key: value}, indent, lines)
            yield "\n".join(lines)


def _is_large(value: Mapping[str, Any]) -> bool:
    return len(value) > _MANY or any(isinstance(one, dict) and len(one) > _MANY for one in value.values())


def _add_mapping(mapping: Mapping[str, Any], indent: str, lines: list[str]) -> None:
    for key, value in mapping.items():
        head = _key(key)
        if head is None:
            _add(_dumped({key: value}), indent, indent, lines)
        elif isinstance(value, dict) and value:
            lines.append(f"{indent}{head}:")
            _add_mapping(value, f"{indent}  ", lines)
        elif isinstance(value, list | tuple) and value:
            lines.append(f"{indent}{head}:")
            _add_sequence(value, indent, lines)
        else:
            _add(_scalar(value), f"{indent}{head}: ", indent, lines)


def _add_sequence(sequence: list[Any] | tuple[Any, ...], indent: str, lines: list[str]) -> None:
    below = f"{indent}  "
    for value in sequence:
        first = len(lines)
        if isinstance(value, dict) and value:
            _add_mapping(value, below, lines)
        elif isinstance(value, list | tuple) and value:
            _add_sequence(value, below, lines)
        else:
            _add(_scalar(value), f"{indent}- ", indent, lines)
            continue
        lines[first] = f"{indent}- {lines[first].removeprefix(below)}"


def _add(text: str, before: str, indent: str, lines: list[str]) -> None:
    """The text after `before`; its other lines are indented."""
    if "\n" not in text:
        lines.append(before + text)
        return
    first, *others = text.split("\n")
    lines.append(before + first)
    lines.extend(f"{indent}{line}" if line else line for line in others)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        if len(value) < _LONGEST:
            if _PLAIN.fullmatch(value) and value.casefold() not in _NO_TEXTS:
                return value
            if _POINTER.fullmatch(value):
                return f"'{value}'"
        return _of_yaml(value)
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true" if value else "false"
    return str(value) if isinstance(value, int) else _dumped({"": value}).removeprefix("'': ")


@lru_cache(maxsize=4_096)
def _of_yaml(text: str) -> str:
    return _dumped({"": text}).removeprefix("'': ")


def _key(key: str) -> str | None:
    """Its form before a colon; None: it does not fit on one line."""
    if len(key) < _LONGEST and _PLAIN.fullmatch(key) and key.casefold() not in _NO_TEXTS:
        return key
    return _key_of_yaml(key)


@lru_cache(maxsize=4_096)
def _key_of_yaml(key: str) -> str | None:
    text = _dumped({key: None})
    return None if "\n" in text else text.removesuffix(": null")


def _dumped(value: Mapping[str, Any]) -> str:
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000, default_flow_style=False
    )
    # Three dots end a document whose last text ends with empty lines; this is only part of one.
    return text.removesuffix("\n").removesuffix("\n...")
