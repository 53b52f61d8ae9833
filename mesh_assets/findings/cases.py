"""The cases of several clusters, of which some may never have been discovered and some cannot be read."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from mesh_assets.errors import MeshError, StoreError
from mesh_assets.findings.case import Case


class Cases(NamedTuple):
    """`undiscovered`, `unread`: a sentence for each cluster that is missing, because it was never discovered or because it
    could not be read. A cluster that was asked for by name and never discovered is among `unread`."""

    read: tuple[Case, ...]
    undiscovered: tuple[str, ...]
    unread: tuple[str, ...]


def read_cases(
    names: Sequence[str], case_of: Callable[[str], Case | None], *, by_name: bool, store: str
) -> Cases:
    """`case_of`: None for a cluster that was never discovered; may raise MeshError. `by_name`: the clusters were asked for
    by their names. `store`: where it is, for sentences. Raises StoreError if there is no case at all."""
    read: list[Case] = []
    undiscovered: list[str] = []
    unread: list[str] = []
    for name in names:
        try:
            case = case_of(name)
        except MeshError as error:
            unread.append(f"cluster {name}: {error}")
            continue
        if case is not None:
            read.append(case)
            continue
        sentence = (
            f"cluster {name} has never been discovered (store {store}); run `mesh-assets discover` first"
        )
        (unread if by_name else undiscovered).append(sentence)
    if not read:
        raise StoreError("\n".join((*unread, *undiscovered)))
    return Cases(tuple(read), tuple(undiscovered), tuple(unread))
