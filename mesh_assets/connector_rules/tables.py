"""Lists of tables in configs: names, or regular expressions by Java's rules, and what they select."""

import re
from collections.abc import Collection, Iterable, Sequence

from mesh_assets.inventory.wording import listed
from mesh_assets.patterns.java import java_pattern

# What makes an entry more than a name. A dot alone does not: it separates the parts of a name.
_PATTERN = re.compile(r"[*+?()\[\]{}|^$\\]")
_ESCAPED = re.compile(r"\\([^A-Za-z0-9])")


def plain_name(entry: str) -> str | None:
    """The name that an entry of a list means, `public\\.orders` or `public[.]orders`; None if it is a pattern."""
    text = entry.replace("[.]", ".")
    return None if _PATTERN.search(_ESCAPED.sub("", text)) else _ESCAPED.sub(r"\1", text)


def split_entries(entries: Iterable[str]) -> tuple[list[str], list[str]]:
    """The names, and the patterns, of a list."""
    names, patterns = [], []
    for entry in entries:
        name = plain_name(entry)
        if name is None:
            patterns.append(entry)
        else:
            names.append(name)
    return names, patterns


def not_followed(patterns: Sequence[str]) -> str:
    """The note about patterns that Python would not read as Java does."""
    return (
        f"{listed(list(map(repr, patterns)))} could not be followed: "
        "Python does not read it as Java does, or might take hours to"
    )


class Selection:
    """An include list and an exclude list of regular expressions for whole names, ignoring case. `unread`: the entries that
    Python would not read as Java does; names that depend on them are not selected."""

    def __init__(self, included: Collection[str], excluded: Collection[str]) -> None:
        self._all = not included
        self._included = {entry: java_pattern(f"(?i){entry}") for entry in included}
        self._excluded = {entry: java_pattern(f"(?i){entry}") for entry in excluded}

    @property
    def unread(self) -> list[str]:
        lists = (*self._included.items(), *self._excluded.items())
        return [entry for entry, pattern in lists if pattern is None]

    def selects(self, name: str) -> bool:
        included = self._all or any(
            pattern is not None and pattern.fullmatch(name) for pattern in self._included.values()
        )
        return included and not any(
            pattern is None or pattern.fullmatch(name) for pattern in self._excluded.values()
        )
