"""A YAML file as values and nodes: the nodes know the lines on which the values are written."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from mesh_assets.errors import EstateError

Location = tuple[int | str, ...]
"""The keys and indices that lead to a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Part of a YAML file. `source`: the file's name in messages; `node`: the part; `line`: where it begins."""

    source: str
    node: yaml.Node | None
    line: int = 1

    def below(self, part: int | str) -> "Written | None":
        """What is written under the key or index `part`; None if nothing is."""
        node = self.node
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(part):
                    return Written(source=self.source, node=value, line=key.start_mark.line + 1)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = node.value[part]
            return Written(source=self.source, node=found, line=found.start_mark.line + 1)
        return None

    def text(self, key: str) -> str | None:
        """The scalar under `key`."""
        found = self.below(key) if isinstance(self.node, yaml.MappingNode) else None
        return found.node.value if found is not None and isinstance(found.node, yaml.ScalarNode) else None

    def deepest(self, location: Location) -> tuple["Written", int]:
        """The deepest part of `location` that the file has, and how many of its keys led there; keys in between that the file
        lacks (the tags of discriminated unions) are skipped."""
        at, steps = self, 0
        for part in location:
            found = at.below(part)
            if found is not None:
                at, steps = found, steps + 1
        return at, steps

    def at(self, *location: int | str) -> str:
        """`file:line` of the deepest part of `location` that the file has."""
        found, _ = self.deepest(location)
        return f"{found.source}:{found.line}"

    def __str__(self) -> str:
        return f"{self.source}:{self.line}"


_MISREAD = (ValueError, IndexError)
"""What PyYAML's constructors raise for a scalar in the form of a date or a number."""


def read_mapping(text: str, *, source: str, expected: str) -> tuple[Written, dict[Any, Any]]:
    """The names and values of a YAML text. `expected`: what such a file begins with. Raises EstateError."""
    node, data = _parsed(text, source)
    if not isinstance(data, dict):
        raise EstateError(f"{source}:1: expected a mapping with `{expected}`, found {_kind(data)}")
    return Written(source=source, node=node), data


def _parsed(text: str, source: str) -> tuple[yaml.Node | None, Any]:
    try:
        # With libyaml, 300 clusters of 25 lines take 0.3 s of CPU, without it 1.4 s; but it says less about errors.
        return _composed(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader), source)
    except (yaml.YAMLError, RecursionError):
        pass
    try:
        return _composed(text, yaml.SafeLoader, source)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise EstateError(f"{source}:{line}: not YAML: {error.problem}") from error
    except RecursionError as error:
        raise EstateError(f"{source}:1: not YAML that can be read: it is nested too deeply") from error
    except yaml.YAMLError as error:  # a character that YAML does not allow
        where = f"{source}: not YAML: it does not allow character {getattr(error, 'position', 0) + 1}"
        raise EstateError(f"{where}; is this a text file?") from error


def _composed(text: str, loader_class: Any, source: str) -> tuple[yaml.Node | None, Any]:
    loader = loader_class(text)
    try:
        node = loader.get_single_node()
        duplicate = next(_duplicate_keys(node, set()), None)
        if duplicate is not None:
            raise EstateError(
                f"{source}:{duplicate.start_mark.line + 1}: {duplicate.value} appears here a second time; expected each name once"
            )
        try:
            return node, None if node is None else loader.construct_document(node)
        except _MISREAD as error:
            raise _misread(loader, node, source) from error
    finally:
        loader.dispose()


def _misread(loader: Any, node: yaml.Node | None, source: str) -> EstateError:
    """YAML takes what looks like a date or a number for one (`2027-13-01`), before anything says that it should be. The
    sentence does not repeat it: it may be a secret in the wrong place."""
    line = 1
    for scalar in _scalars(node, set()):
        loader.recursive_objects.clear()  # what it was at when it failed
        try:
            loader.construct_object(scalar)
        except _MISREAD:
            line = scalar.start_mark.line + 1
            break
    return EstateError(
        f"{source}:{line}: a value here looks like a date or a number, but is none; correct it, or put it in quotes if it is a text"
    )


def _scalars(node: yaml.Node | None, seen: set[int]) -> Iterator[yaml.ScalarNode]:
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.MappingNode):
        for pair in node.value:
            for item in pair:
                yield from _scalars(item, seen)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _scalars(item, seen)


def _duplicate_keys(node: yaml.Node | None, seen: set[int]) -> Iterator[yaml.ScalarNode]:
    """Keys that appear twice: YAML silently keeps the last one, and an estate must not lose a cluster that way.
    `seen`: nodes already visited, since anchors let a node appear in many places, even within itself."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in keys:
                    yield key
                keys.add(key.value)
            yield from _duplicate_keys(value, seen)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _duplicate_keys(item, seen)


def _kind(data: object) -> str:
    return "an empty file" if data is None else f"a {type(data).__name__}"
