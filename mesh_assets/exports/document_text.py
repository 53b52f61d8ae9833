"""The text of a large document, piece by piece: as one tree of YAML nodes, that of 9,000 topics takes hundreds of megabytes."""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec
import yaml

try:
    from yaml import CSafeDumper as _SafeDumper
except ImportError:  # PyYAML without libyaml: ten times as slow
    from yaml import SafeDumper as _SafeDumper  # type: ignore[assignment]

# PyYAML writes YAML 1.1 and leaves `1e3` without quotes, which is a number to readers of 1.2.
_LIKE_A_NUMBER = re.compile(r"^[-+.]?[0-9.]")


class _Dumper(_SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - nothing is written as a reference to what is equal
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = '"' if _LIKE_A_NUMBER.match(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def as_json(document: Mapping[str, Any]) -> Iterator[bytes]:
    """Indented by two."""
    yield msgspec.json.format(msgspec.json.encode(document), indent=2)
    yield b"\n"


def as_yaml(document: Mapping[str, Any], *, at_once: int = 200) -> Iterator[bytes]:
    """YAML that readers of 1.1 and 1.2 read as the same. Of a mapping with more entries than `at_once`, so many are made
    at a time."""
    return (f"{line}\n".encode() for line in _lines(document, at_once))


def _lines(document: Mapping[str, Any], at_once: int) -> Iterator[str]:
    for key, value in document.items():
        if not isinstance(value, Mapping) or not value or not _is_large(value, at_once):
            yield from _dumped({key: value}).split("\n")
            continue
        yield f"{_dumped({key: None}).rpartition(':')[0]}:"
        entries = iter(value.items())
        while some := dict(islice(entries, at_once)):
            lines = _dumped(some).split("\n") if len(value) > at_once else _lines(some, at_once)
            yield from (f"  {line}" if line else line for line in lines)


def _is_large(value: Mapping[str, Any], at_once: int) -> bool:
    return len(value) > at_once or any(
        isinstance(one, Mapping) and len(one) > at_once for one in value.values()
    )


def _dumped(value: Mapping[str, Any]) -> str:
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000, default_flow_style=False
    )
    return text.removesuffix("\n")
