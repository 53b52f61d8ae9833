"""Which of the estate's things become assets: by cluster, kind and pattern, up to a limit."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mesh_assets.components.mesh_asset import MeshAsset
from mesh_assets.components.names import AssetKind, Key
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.wording import counted, listed

if TYPE_CHECKING:  # otherwise discoveries would import lineage just for the patterns
    from mesh_assets.components.estate_state import EstateState

ALL_KINDS: tuple[AssetKind, ...] = ("topics", "connectors", "consumer_groups", "datasets", "functions")
# Belong to no cluster, and are only shown with what they feed or are fed by.
_NEIGHBOURS: tuple[AssetKind, ...] = ("datasets", "functions")


class Selection(Record, frozen=True, kw_only=True):
    """`clusters` None: all; datasets and functions belong to none, and come with what they feed or are fed by. `include`,
    `exclude`: shell patterns of whole keys (`*/topics/orders*`), case-sensitive; exclusion wins; `*` also matches
    slashes."""

    clusters: tuple[str, ...] | None = None
    kinds: tuple[AssetKind, ...] = ALL_KINDS
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()

    def selects_topic(self, key: Key) -> bool:
        """Whether a topic of that key is selected."""
        return self.selects_key(key, "topics", key[0])

    def selects(self, asset: MeshAsset) -> bool:
        return self.selects_key(asset.key, asset.kind, asset.cluster)

    def selects_key(self, key: Key, kind: AssetKind, cluster: str | None) -> bool:
        """Whether a thing of that key and kind is selected."""
        if kind not in self.kinds:
            return False
        if self.clusters is not None and cluster is not None and cluster not in self.clusters:
            return False
        text = "/".join(key)
        return any(fnmatchcase(text, one) for one in self.include) and not any(
            fnmatchcase(text, one) for one in self.exclude
        )


class Selected(Record, frozen=True, kw_only=True):
    """`notes`: a sentence about each thing that is missing and that somebody may look for."""

    assets: tuple[MeshAsset, ...]
    notes: tuple[str, ...]


def select_assets(state: "EstateState", selection: Selection, *, limit: int) -> Selected:
    """At most `limit` assets: topics before connectors, consumer groups, datasets and functions, each in document order."""
    notes = [
        cluster.why_empty
        for cluster in state.clusters
        if cluster.why_empty is not None
        and (selection.clusters is None or cluster.name in selection.clusters)
    ]
    known = {cluster.name for cluster in state.clusters}
    unknown = [name for name in selection.clusters or () if name not in known]
    if unknown:
        notes.append(
            f"the state has no cluster {listed(unknown)} (it has: {listed(sorted(known)) if known else 'none'}); "
            "discover it, then refresh the state: dg utils refresh-defs-state"
        )
    elif not known:
        notes.append(
            "the store knows no cluster; run `mesh-assets discover` into it, then refresh the state: dg utils refresh-defs-state"
        )
    idle = _idle(state.assets, selection.include)
    if idle:
        notes.append(
            f"nothing in the estate matches {listed(idle)} in include; keys look like {'/'.join(state.assets[0].key)}"
        )
    found = _with_neighbours([asset for asset in state.assets if selection.selects(asset)])
    if len(found) > limit:
        found.sort(key=lambda asset: ALL_KINDS.index(asset.kind))
        notes.append(_left_out(found[limit:], limit))
        found = found[:limit]
    return Selected(assets=tuple(_linked(found)), notes=tuple(notes))


def _idle(assets: Sequence[MeshAsset], patterns: Sequence[str]) -> list[str]:
    """The patterns that no key matches, though there are things: most likely misspelt."""
    if not assets or tuple(patterns) == ("*",):
        return []
    keys = {"/".join(asset.key) for asset in assets}
    return [one for one in patterns if one not in keys and not any(fnmatchcase(key, one) for key in keys)]


def _with_neighbours(assets: Sequence[MeshAsset]) -> list[MeshAsset]:
    """The assets, without datasets and functions that neither feed nor are fed by anything selected."""
    ours = {asset.key for asset in assets if asset.kind not in _NEIGHBOURS}
    feeding = {key for asset in assets if asset.kind not in _NEIGHBOURS for key in asset.upstream}
    return [
        asset
        for asset in assets
        if asset.kind not in _NEIGHBOURS or asset.key in feeding or not ours.isdisjoint(asset.upstream)
    ]


def _left_out(assets: Sequence[MeshAsset], limit: int) -> str:
    kinds = Counter(asset.kind for asset in assets)
    counts = ", ".join(
        counted(number, kind.removesuffix("s").replace("_", " ")) for kind, number in kinds.items()
    )
    names = listed(["/".join(asset.key) for asset in assets], most=3)
    return (
        f"{counted(len(assets), 'thing')} of the estate {'is' if len(assets) == 1 else 'are'} left out over the limit of {limit:,} assets "
        f"({counts}: {names}); select fewer with include, exclude, things or clusters, or raise limit"
    )


def _linked(assets: Sequence[MeshAsset]) -> Iterator[MeshAsset]:
    """The assets, fed only by each other and without cycles, which Dagster refuses (such as a sink that writes records it
    sets aside into the topic that it reads). The edge that would close a cycle becomes a fact."""
    upstream = {asset.key: asset.upstream for asset in assets}
    upstream = {key: tuple(one for one in before if one in upstream) for key, before in upstream.items()}
    closing = _closing(upstream)
    for asset in assets:
        closed = [key for key in upstream[asset.key] if (asset.key, key) in closing]
        kept = tuple(key for key in upstream[asset.key] if key not in closed)
        facts = (
            {**asset.facts, "also_fed_by": listed(["/".join(key) for key in closed])}
            if closed
            else asset.facts
        )
        yield asset if kept == asset.upstream else replace(asset, upstream=kept, facts=facts)


def _closing(upstream: Mapping[Key, Sequence[Key]]) -> set[tuple[Key, Key]]:
    """The edges (from a thing to what feeds it) that lead back to a thing on the current path, in depth-first order."""
    closing: set[tuple[Key, Key]] = set()
    done: set[Key] = set()
    for start in upstream:
        way: list[tuple[Key, Iterator[Key]]] = []
        on_the_way: set[Key] = set()
        if start not in done:
            way.append((start, iter(upstream[start])))
            on_the_way.add(start)
        while way:
            here, rest = way[-1]
            there = next(rest, None)
            if there is None:
                way.pop()
                on_the_way.discard(here)
                done.add(here)
            elif there in on_the_way:
                closing.add((here, there))
            elif there not in done:
                way.append((there, iter(upstream[there])))
                on_the_way.add(there)
    return closing
