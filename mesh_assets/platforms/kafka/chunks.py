"""Cutting long lists to the size that one call bears."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def in_chunks(items: Sequence[Item], size: int) -> Iterator[list[Item]]:
    """`items` in lists of `size`, the last one shorter; nothing for no items."""
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
