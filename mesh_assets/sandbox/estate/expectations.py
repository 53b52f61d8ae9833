"""What a discovery of the sandbox must find, counted from the definitions."""

from dataclasses import dataclass
from pathlib import Path

from mesh_assets.sandbox.estate.clusters import EMPTY_GROUP, LIVE_GROUPS, all_connectors
from mesh_assets.sandbox.estate.subjects import all_subjects
from mesh_assets.sandbox.estate.topic import PARTITIONS
from mesh_assets.sandbox.estate.topics import TOPICS

_NOWHERE = Path("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """Names and counts. `sink_groups`: the groups that Connect makes, one for each sink; the others are the estate's own."""

    topics: tuple[str, ...]
    partitions: int
    connectors: tuple[str, ...]
    sinks: tuple[str, ...]
    subjects: tuple[str, ...]
    subjects_with_two_versions: tuple[str, ...]
    subjects_with_references: tuple[str, ...]
    compatibility_levels: dict[str, str]
    live_groups: tuple[str, ...]
    empty_groups: tuple[str, ...]
    sink_groups: tuple[str, ...]

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(sorted((*self.live_groups, *self.empty_groups, *self.sink_groups)))


def _count() -> Expectations:
    connectors = tuple(sorted(all_connectors(feeds=_NOWHERE, sinks=_NOWHERE, secrets=_NOWHERE)))
    sinks = tuple(name for name in connectors if name.endswith("-sink"))
    subjects = sorted(all_subjects(), key=lambda s: s.name)
    return Expectations(
        topics=tuple(t.name for t in TOPICS),
        partitions=PARTITIONS * len(TOPICS),
        connectors=connectors,
        sinks=sinks,
        subjects=tuple(s.name for s in subjects),
        subjects_with_two_versions=tuple(s.name for s in subjects if len(s.versions) == 2),
        subjects_with_references=tuple(s.name for s in subjects if s.references),
        compatibility_levels={s.name: s.compatibility for s in subjects if s.compatibility},
        live_groups=tuple(g.name for g in LIVE_GROUPS),
        empty_groups=(EMPTY_GROUP,),
        sink_groups=tuple(f"connect-{name}" for name in sinks),
    )


EXPECTED = _count()
