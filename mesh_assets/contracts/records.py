"""What contracts are made of, what is read from them, and where the estate does not keep them."""

from typing import Any, Literal

from mesh_assets.analysis.field_walk import SchemaField
from mesh_assets.expectations.judging import Rule
from mesh_assets.inventory.records import Record, Topic

API_VERSION = "v3.2.0"
"""The newest published version. Apart from this word, what we write is valid for v3.1.0 as well."""

BreachLevel = Literal["unknown", "warning", "error"]
Requirement = Literal[
    "topic", "field", "owner", "partitions", "retention", "latency", "throughput", "quality"
]


class Product(Record, frozen=True, kw_only=True):
    """A data product, as far as a contract needs it. `topics`: cluster and topic. `id`: also used as a file name."""

    id: str
    name: str
    topics: tuple[tuple[str, str], ...]
    owner: str | None = None
    domain: str | None = None
    description: str | None = None


class Reference(Record, frozen=True, kw_only=True):
    """A field that identifies a thing which another topic of the cluster describes."""

    path: str
    to_topic: str
    to_path: str


class TopicFacts(Record, frozen=True, kw_only=True):
    """What is known about a topic of a product.

    `schema_type`, `subject`: those of its values; None: no subject describes them. `fields`: those of the schema, else
    those that a profile found (then `inferred`). `personal`: paths whose values looked personal in the sample.
    `usual_gap_seconds`: the longest it usually waits for its next record. `records_in_per_second`: as last measured.
    """

    cluster: str
    topic: Topic
    schema_type: str | None = None
    subject: str | None = None
    fields: tuple[SchemaField, ...] = ()
    inferred: bool = False
    description: str | None = None
    personal: tuple[str, ...] = ()
    usual_gap_seconds: float | None = None
    records_in_per_second: float | None = None
    references: tuple[Reference, ...] = ()
    rules: tuple[Rule, ...] = ()


class ContractFacts(Record, frozen=True, kw_only=True):
    """What one contract is made from. `hosts`: cluster → its bootstrap addresses. `files`: topic → the file of its
    contract, for references to other contracts."""

    product: Product
    topics: tuple[TopicFacts, ...]
    hosts: dict[str, str]
    files: dict[tuple[str, str], str]


class ContractField(Record, frozen=True, kw_only=True):
    """`logical`, `physical`: types, as far as the contract gives them."""

    logical: str | None
    physical: str | None
    required: bool


class ContractTopic(Record, frozen=True, kw_only=True):
    """`cluster` None: the contract does not say. `fields`: by path, dots into records and `[]` into arrays; `partitions` None:
    not promised. `rules`: quality rules that we can judge."""

    name: str
    topic: str
    cluster: str | None
    fields: dict[str, ContractField]
    partitions: int | None = None
    rules: tuple[Rule, ...] = ()


class ServiceLevel(Record, frozen=True, kw_only=True):
    """`property` in lower case: `retention`, `latency`, `throughput`. `elements`: names of schemas, empty: all."""

    property: str
    value: Any
    unit: str | None
    elements: tuple[str, ...]


class KnownContract(Record, frozen=True, kw_only=True):
    """A contract that was read. `notes`: which parts are not understood, and so not checked. `generated_owner`,
    `generated_domain`: what we wrote there ourselves, so that our own guess is not taken for a person's statement."""

    id: str
    name: str | None
    file: str
    version: str
    status: str | None
    domain: str | None
    owner: str | None
    topics: tuple[ContractTopic, ...]
    levels: tuple[ServiceLevel, ...]
    notes: tuple[str, ...]
    generated_owner: str | None = None
    generated_domain: str | None = None

    @property
    def said_owner(self) -> str | None:
        """The owner that a person names."""
        return None if self.owner == self.generated_owner else self.owner

    @property
    def said_domain(self) -> str | None:
        return None if self.domain == self.generated_domain else self.domain


class Breach(Record, frozen=True, kw_only=True):
    """Where the estate does not keep a contract, or where that is `unknown`."""

    contract: str
    level: BreachLevel
    requirement: Requirement
    topic: str
    sentence: str
