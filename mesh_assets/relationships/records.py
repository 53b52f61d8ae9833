"""What the analyses `relationships` and `domains` find, as records; their JSON form is that of the store."""

from typing import Literal

from mesh_assets.inventory.records import Record

DomainKnown = Literal[
    "override", "contract", "quickstart", "metadata", "owner", "pattern", "prefix", "community"
]
"""How a topic's domain is known; the first that applies wins: the estate's overrides; a person's data
contract; the Datagen quickstart; the property `domain` of a schema; its owner; the estate's patterns; a word
that names begin with; what the topic is connected to."""


class KeyUse(Record, frozen=True, kw_only=True):
    """A field of a topic that identifies an entity. `path`: as describe_schema shows it. `in_key`: of the records'
    key. `score`: 0 to 1, how certain it is, for the `reason`."""

    topic: str
    subject: str
    path: str
    type: str
    in_key: bool
    score: float
    reason: str


class SharedValues(Record, frozen=True, kw_only=True):
    """What samples show about two fields: of the distinct values of the first, which has fewer, the share
    that the other has as well. A low share may only mean that different records were sampled."""

    cluster: str
    topic: str
    path: str
    other_topic: str
    other_path: str
    contained: float


class Entity(Record, frozen=True, kw_only=True):
    """A kind of thing that topics are about (`user`, `pizza order`), by the key that identifies it (`user_id`).

    `described_by`: topics whose name says that they hold these things, or which keep the latest record of each.
    `uses`: one or more per topic, by topic and path. `score`: that of its best use. Two topics of one entity
    can be joined by its key. `shared_values`: what samples show about two of its uses, the most shared first;
    empty if topics may not be read.
    """

    cluster: str
    name: str
    key: str
    described_by: tuple[str, ...]
    uses: tuple[KeyUse, ...]
    score: float
    reason: str
    shared_values: tuple[SharedValues, ...] = ()

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(use.topic for use in self.uses))


class Gap(Record, frozen=True, kw_only=True):
    """What could not be read, so that keys may be missing. `subject` None: it concerns the whole cluster."""

    cluster: str
    subject: str | None
    reason: str


class Relationships(Record, frozen=True, kw_only=True):
    """`entities`: those of two or more topics first, by number of topics. `subjects`, `fields`: how many were
    read."""

    entities: tuple[Entity, ...]
    gaps: tuple[Gap, ...]
    subjects: int
    fields: int


class DomainTopic(Record, frozen=True, kw_only=True):
    topic: str
    known: DomainKnown
    reason: str


class Domain(Record, frozen=True, kw_only=True):
    """Topics of one cluster that belong together. `owners`: those named in the contracts of their schemas."""

    cluster: str
    name: str
    topics: tuple[DomainTopic, ...]
    owners: tuple[str, ...]


class Unassigned(Record, frozen=True, kw_only=True):
    """A topic without a domain, and why."""

    cluster: str
    topic: str
    reason: str


class Domains(Record, frozen=True, kw_only=True):
    """`domains`: by cluster and name."""

    domains: tuple[Domain, ...]
    unassigned: tuple[Unassigned, ...]
