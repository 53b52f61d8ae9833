"""What the analysis `data_products` finds, as records; their JSON form is that of the store."""

from datetime import datetime
from typing import Literal

from mesh_assets.costs.records import CostRow
from mesh_assets.inventory.records import Record

ProductStatus = Literal["candidate", "accepted"]
MemberRole = Literal["output", "intermediate", "dead_letter", "internal"]
"""`output`: for anyone who may read it. `intermediate`: written and read only by members. `dead_letter`:
records set aside. `internal`: what a system of the product keeps for itself."""
PartName = Literal["completeness", "validity", "freshness", "schema", "findings"]


class TopicPlace(Record, frozen=True, kw_only=True, order=True):
    """A topic of a cluster of the estate."""

    cluster: str
    topic: str

    def __str__(self) -> str:
        return f"{self.cluster}/{self.topic}"


class Member(Record, frozen=True, kw_only=True):
    """A topic of the product, and why it is in it."""

    place: TopicPlace
    role: MemberRole
    reason: str


class Vanished(Record, frozen=True, kw_only=True):
    """A topic that a person put into the product and that is not in the inventory. `since`: when an analysis
    first missed it (UTC)."""

    place: TopicPlace
    since: datetime
    reason: str


class ScorePart(Record, frozen=True, kw_only=True):
    """A part of the quality score, 0 to 1, and its basis. `value` None: not known, for the `reason`; it then
    does not count."""

    name: PartName
    value: float | None
    reason: str


class JoinDraft(Record, frozen=True, kw_only=True):
    """How two topics of the product can be joined in Flink. `sql` None: there is no draft, for the `reason`.
    `assumptions`: what was not measured and a person must check. It is never run."""

    entity: str
    key: str
    left: TopicPlace
    right: TopicPlace
    sql: str | None
    reason: str | None
    assumptions: tuple[str, ...] = ()


class ProductFreshness(Record, frozen=True, kw_only=True):
    """The newest record of the product, and the output that has gone longest without one. `unknown`: how many
    outputs have no known time."""

    newest_record_at: datetime | None
    stalest: TopicPlace | None
    stalest_record_at: datetime | None
    unknown: int


class DataProduct(Record, frozen=True, kw_only=True):
    """`id` stays from run to run. `owner`, `domain` None: nothing names one. `connectors`, `applications`:
    those that work only for it. `producers`, `consumers`: who writes to it and who reads it from outside, as
    lineage names them. `entities`: what its topics are about. `score`: the mean of the known parts; None:
    none is known. `costs` None: it has no topic. `vanished`, `notes`: what a person should look into."""

    id: str
    name: str
    status: ProductStatus
    domain: str | None
    owner: str | None
    owner_reason: str
    description: str | None
    topics: tuple[Member, ...]
    connectors: tuple[str, ...]
    applications: tuple[str, ...]
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    entities: tuple[str, ...]
    score: float | None
    parts: tuple[ScorePart, ...]
    freshness: ProductFreshness
    joins: tuple[JoinDraft, ...]
    costs: CostRow | None
    vanished: tuple[Vanished, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def clusters(self) -> tuple[str, ...]:
        """Where its topics are, or were."""
        places = (*(one.place for one in self.topics), *(one.place for one in self.vanished))
        return tuple(dict.fromkeys(place.cluster for place in places))

    @property
    def outputs(self) -> tuple[TopicPlace, ...]:
        return tuple(one.place for one in self.topics if one.role == "output")


class Identity(Record, frozen=True, kw_only=True):
    """What the next run recognises a candidate by. `domain`, `owner`: what it was made from; `owner` None:
    the whole domain."""

    id: str
    cluster: str
    domain: str
    owner: str | None
    topics: tuple[str, ...]


class OutsideProduct(Record, frozen=True, kw_only=True):
    """A topic that is in no product, and why."""

    place: TopicPlace
    reason: str


class DataProducts(Record, frozen=True, kw_only=True):
    """The result `analysis/data_products.json`. `products`: by id. `outside`: topics in none. `identities`:
    of all candidates, including those dropped or merged. `notes`: about the whole, e.g. decisions that
    concern nothing. `settings`: a digest of the estate's settings for them: its decisions, owners, domains
    and prices."""

    settings: str = ""
    products: tuple[DataProduct, ...]
    outside: tuple[OutsideProduct, ...]
    identities: tuple[Identity, ...]
    notes: tuple[str, ...] = ()

    def product(self, id: str) -> DataProduct | None:  # noqa: A002 - the record's own word
        return next((one for one in self.products if one.id == id), None)
