"""What samples of the data in topics showed: faults in their profiles, and expectations that they do not meet."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from mesh_assets.errors import DamagedError
from mesh_assets.estate.findings import FindingKind
from mesh_assets.estate.policy import Policy
from mesh_assets.expectations.records import ExpectationResult, expectation_results
from mesh_assets.inventory.records import Record
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.results import ResultStore

SAMPLED_KINDS: tuple[FindingKind, ...] = ("broken_expectation", "data_fault")


class ProfileFault(Protocol):
    @property
    def kind(self) -> str: ...
    @property
    def path(self) -> str | None: ...
    @property
    def share(self) -> float | None: ...
    @property
    def sentence(self) -> str: ...


class FaultyProfile(Protocol):
    """What is needed from a profile, which packages above this one make."""

    @property
    def cluster_id(self) -> str: ...
    @property
    def topic(self) -> str: ...
    @property
    def topic_id(self) -> str | None: ...
    @property
    def taken_at(self) -> datetime: ...
    @property
    def faults(self) -> Sequence[ProfileFault]: ...


class KeptFault(Record, frozen=True, kw_only=True):
    kind: str
    path: str | None
    share: float | None
    sentence: str


class KeptProfile(Record, frozen=True, kw_only=True):
    cluster_id: str
    topic: str
    topic_id: str | None = None
    taken_at: datetime
    faults: tuple[KeptFault, ...] = ()


class KeptProfiles(Record, frozen=True, kw_only=True):
    """The part of `analysis/data_quality.json` that findings need; the rest is ignored."""

    profiles: tuple[KeptProfile, ...]


@dataclass(frozen=True)
class Samples:
    """`profiles`: those with faults; `results`: those that failed, both by cluster id, since a name may have moved to a
    different cluster. `judged_at`: when the rules were judged. `unread`: a sentence for each result that could not be read;
    then anything missing is not known to be good."""

    profiles: Mapping[str, Sequence[FaultyProfile]] = field(default_factory=dict)
    results: Mapping[str, Sequence[ExpectationResult]] = field(default_factory=dict)
    judged_at: datetime | None = None
    unread: tuple[str, ...] = ()


def read_samples(
    store: InventoryStore, *, profiles: Callable[[], Iterable[FaultyProfile]] | None = None
) -> Samples:
    """As the job `profiling` kept them; empty before it has run. `profiles`: for callers that keep them. Raises StoreError if
    the store cannot be read."""
    unread: list[str] = []
    by_id: defaultdict[str, list[FaultyProfile]] = defaultdict(list)
    failed: defaultdict[str, list[ExpectationResult]] = defaultdict(list)
    judged_at = None
    try:
        for one in (profiles or (lambda: _kept_profiles(store)))():
            if one.faults:
                by_id[one.cluster_id].append(one)
    except DamagedError as error:
        unread.append(f"it is not known what profiles found wrong: {error}")
    try:
        kept = expectation_results(store).get()
        if kept is not None:
            judged_at = kept.made_at
            ids = {read.cluster: read.cluster_id for read in kept.documents}
            for result in kept.result.results:
                cluster_id = ids.get(result.cluster)
                if result.status == "failed" and cluster_id is not None:
                    failed[cluster_id].append(result)
    except DamagedError as error:
        unread.append(f"it is not known which expectations are not met: {error}")
    return Samples(profiles=by_id, results=failed, judged_at=judged_at, unread=tuple(unread))


def _kept_profiles(store: InventoryStore) -> Iterator[KeptProfile]:
    kept = ResultStore(store, "data_quality", KeptProfiles, job="profiling").get()
    yield from () if kept is None else kept.result.profiles


def still_expected(
    results: Iterable[ExpectationResult], policy: Policy | None
) -> tuple[ExpectationResult, ...]:
    """Without results of rules that are no longer in the policy. `policy` None: it is not known."""
    return tuple(
        one
        for one in results
        if policy is None
        or one.origin != "policy"
        or any(rule.name == one.rule and rule.selects(one.cluster, one.topic) for rule in policy.expectations)
    )
