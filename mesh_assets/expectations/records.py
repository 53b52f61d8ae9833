"""The results of expectations, as records; the store holds them as JSON."""

from typing import Literal

from mesh_assets.inventory.records import Record
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.results import ResultStore

ExpectationStatus = Literal["passed", "failed", "unknown"]


class FailingRecords(Record, frozen=True, kw_only=True):
    """Where the sampled records are that break a rule. `offsets`: the first ten of `records`."""

    partition: int
    records: int
    offsets: tuple[int, ...]


class ExpectationResult(Record, frozen=True, kw_only=True):
    """What a sample says about one rule for one topic.

    `topic_id`: of a recreated topic, an earlier result says nothing; None: brokers give topics no ids.
    `rule`: its name. `origin`: who expects it, `policy` or the contract's id. `about`: what is measured, `nullValues of
    order_id`. `measured` to `measured_most`, in `unit`: the range of the figure; the two differ where records could not be
    decoded, or where there may be more records than the sample has. None: it could not be measured, or it is not kept, since
    the query may return a value from a record. `unknown`: neither kept nor broken for certain, as the sentence says.
    `failing`: how many of the `sampled` records break the rule, None where it is not about single records; at most 50
    partitions are named.
    """

    cluster: str
    topic: str
    topic_id: str | None = None
    rule: str
    origin: str
    level: Literal["warning", "error"]
    status: ExpectationStatus
    about: str
    expected: str
    measured: float | None
    measured_most: float | None
    unit: str
    sampled: int
    undecodable: int
    failing: int | None
    places: tuple[FailingRecords, ...]
    sentence: str


class Expectations(Record, frozen=True, kw_only=True):
    """The result `analysis/expectations.json`: for every rule about every sampled topic, by cluster, topic, name."""

    results: tuple[ExpectationResult, ...]

    def of(self, cluster: str, topic: str) -> tuple[ExpectationResult, ...]:
        return tuple(one for one in self.results if (one.cluster, one.topic) == (cluster, topic))


def expectation_results(store: InventoryStore) -> ResultStore[Expectations]:
    """The place in the store; `get()` is None until the job `profiling` has judged, and raises StoreError if it cannot be
    read."""
    return ResultStore(store, "expectations", Expectations, job="profiling")
