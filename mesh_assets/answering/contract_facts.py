"""What contracts are made from and checked against: the newest documents, and the kept results of the analyses."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from mesh_assets.analysis.field_walk import SchemaField
from mesh_assets.analysis.schema_fields import schema_fields, schema_properties, why_unreadable
from mesh_assets.answering.belonging import KnownBelonging
from mesh_assets.answering.estate_lineage import addresses
from mesh_assets.answering.known_products import product_results
from mesh_assets.contracts.folder import file_name
from mesh_assets.contracts.known import Estate as EstateNow
from mesh_assets.contracts.known import TopicNow, topics_unread
from mesh_assets.contracts.reading import KnownContracts, known_contracts
from mesh_assets.contracts.records import ContractFacts, Product, Reference, TopicFacts
from mesh_assets.errors import EstateError, StoreError
from mesh_assets.estate.model import Estate
from mesh_assets.expectations.judging import Rule, about_of
from mesh_assets.expectations.records import ExpectationResult, expectation_results
from mesh_assets.expectations.rules import RulesOf, policy_rules
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Record, Schema, Topic
from mesh_assets.products.records import DataProducts
from mesh_assets.profiling.records import DataQuality, TopicProfile
from mesh_assets.profiling.results import of_present_topics, profile_results
from mesh_assets.relationships.records import Entity
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.results import read_latest_documents

_Place = tuple[str, str]


class ContractGround(Record, frozen=True, kw_only=True):
    """`facts`: about every product, by id. `now`: the estate as it is. `known`: the contracts in the folder. `notes`: what
    is missing, and why."""

    facts: tuple[ContractFacts, ...]
    now: EstateNow
    known: KnownContracts
    notes: tuple[str, ...]


def rules_of_estate(estate: Estate) -> tuple[RulesOf, tuple[str, ...]]:
    """The rules about each topic, from the policy and from contracts; and a sentence for each file that is not a contract,
    whose rules are therefore missing. Raises ContractError if the folder cannot be listed."""
    known = known_contracts(estate)

    def rules_of(cluster: str, topic: str) -> tuple[Rule, ...]:
        own = policy_rules(estate.policy, cluster, topic)
        # A contract made by `write` repeats the policy's rules; a rule of its own may also share a name with one of them.
        named = {(one.name, about_of(one.rule)) for one in own}
        others = known.rules_of(cluster, topic)
        return (*own, *(one for one in others if (one.name, about_of(one.rule)) not in named))

    return rules_of, known.problems


def read_ground(
    estate: Estate,
    store: InventoryStore,
    clusters: Sequence[str] = (),
    *,
    folder: Path | None = None,
    with_facts: bool = True,
) -> ContractGround:
    """`with_facts`: also what contracts are made from, which takes longer than what they are checked against.

    Asks nothing but the store and the folder. Raises EstateError for a cluster that the estate does not have, StoreError
    when what was kept cannot be read or nothing was discovered, ContractError when the folder cannot be listed."""
    for name in clusters:
        if name not in estate.clusters:
            raise EstateError(f"the estate has no cluster {name!r}; it has: {', '.join(estate.clusters)}")
    names = tuple(dict.fromkeys(clusters)) or tuple(estate.clusters)
    documents = read_latest_documents(store, names).documents
    if not documents:
        raise StoreError("none of the clusters has been discovered; run `mesh-assets discover` first")
    profiles, results = profile_results(store).get(), expectation_results(store).get()
    notes = [f"cluster {name} has not been discovered yet" for name in names if name not in documents]
    if profiles is None:
        notes.append("no profile has been taken yet: freshness is not known; the job `profiling` takes them")
    reader = _Reader(
        estate,
        documents,
        known_contracts(estate, folder),
        None if profiles is None else of_present_topics(profiles.result, documents),
        () if results is None else results.result.results,
    )
    now = reader.now(tuple(estate.clusters), [name for name in names if name not in documents])
    if not with_facts:
        return ContractGround(facts=(), now=now, known=reader.known, notes=tuple(notes))
    belonging = KnownBelonging(lambda: estate, lambda: store)
    kept = product_results(store).get()
    if kept is None:
        notes.append("contracts cover domains: the job `analysis` has not found data products yet")
    products: list[Product] = []
    references: dict[_Place, tuple[Reference, ...]] = {}
    for name, document in documents.items():
        found = belonging.of(document, version=str(document.sequence))
        references |= references_of(found.relationships.entities)
        if kept is None:
            products += reader.products(
                name, ((one.name, [t.topic for t in one.topics]) for one in found.domains.domains)
            )
    if kept is not None:
        products += reader.kept_products(kept.result, documents)
    return ContractGround(
        facts=tuple(reader.facts(products, references)),
        now=now,
        known=reader.known,
        notes=tuple(notes),
    )


def references_of(entities: Iterable[Entity]) -> dict[_Place, tuple[Reference, ...]]:
    """By cluster and topic: which of its fields identify things that another topic describes."""
    found: defaultdict[_Place, list[Reference]] = defaultdict(list)
    for entity in entities:
        targets = {
            use.topic: use.path
            for use in reversed(entity.uses)
            if use.topic in entity.described_by and not use.in_key
        }
        if not targets:
            continue
        target = next(topic for topic in entity.described_by if topic in targets)
        for use in entity.uses:
            if not use.in_key and use.topic not in entity.described_by:
                one = Reference(path=use.path, to_topic=target, to_path=targets[target])
                if one not in found[entity.cluster, use.topic]:
                    found[entity.cluster, use.topic].append(one)
    return {place: tuple(several) for place, several in found.items()}


class _Reader:
    def __init__(
        self,
        estate: Estate,
        documents: Mapping[str, Document],
        known: KnownContracts,
        quality: DataQuality | None,
        results: Iterable[ExpectationResult],
    ) -> None:
        self.known = known
        self._estate = estate
        self._documents = documents
        self._topics = {
            (name, one.name): one for name, document in documents.items() for one in document.topics
        }
        self._schemas = {
            (name, one.subject): one for name, document in documents.items() for one in document.schemas
        }
        self._profiles = {(one.cluster, one.topic): one for one in (quality.profiles if quality else ())}
        self._results: defaultdict[_Place, list[ExpectationResult]] = defaultdict(list)
        for one in results:
            topic = self._topics.get((one.cluster, one.topic))
            if topic is not None and topic.may_be(one.topic_id):
                self._results[one.cluster, one.topic].append(one)
        self._rates = {
            (name, one.topic): one.records_in_per_second
            for name, document in documents.items()
            for one in (document.metrics.topics if document.metrics is not None else ())
        }

    def products(self, cluster: str, domains: Iterable[tuple[str, list[str]]]) -> Iterator[Product]:
        """One product per domain. An owner that a person names in a contract wins over what schemas and the policy say."""
        for name, topics in domains:
            owners = Counter(
                owner for topic in topics if (owner := self._contract_owner(cluster, topic)) is not None
            )
            yield Product(
                id=f"{cluster}.{'-'.join(name.split())}",
                name=name,
                topics=tuple((cluster, topic) for topic in topics),
                owner=next(iter(owners)) if len(owners) == 1 else None,
                domain=name,
            )

    def kept_products(self, found: DataProducts, clusters: Collection[str]) -> Iterator[Product]:
        """The data products that offer others a topic in these clusters, under the names that people gave them."""
        for one in found.products:
            places = [(place.cluster, place.topic) for place in one.outputs if place.cluster in clusters]
            owners = {owner for place in places if (owner := self.known.owner_of(*place)) is not None}
            if places:
                yield Product(
                    id=one.id,
                    name=one.name,
                    topics=tuple(places),
                    owner=owners.pop() if one.status == "candidate" and len(owners) == 1 else one.owner,
                    domain=one.domain,
                    description=one.description,
                )

    def _contract_owner(self, cluster: str, topic: str) -> str | None:
        return self.known.owner_of(cluster, topic) or self._owner(cluster, topic)

    def _owner(self, cluster: str, topic: str) -> str | None:
        """What the estate itself says: its policy, else the registry."""
        named = self._estate.policy.owner_of(topic)
        if named is not None:
            return named
        contracts = (schema.contract for schema in self._value_schemas(cluster, topic))
        return next((one.owner for one in contracts if one is not None and one.owner is not None), None)

    def _value_schemas(self, cluster: str, topic: str) -> Iterator[Schema]:
        subjects = self._topics[cluster, topic].schema
        for subject in (*subjects.value_subjects, *subjects.record_subjects):
            if (cluster, subject) in self._schemas:
                yield self._schemas[cluster, subject]

    def facts(
        self, products: Iterable[Product], references: Mapping[_Place, tuple[Reference, ...]]
    ) -> Iterator[ContractFacts]:
        made = sorted(products, key=lambda one: one.id)
        files = {place: file_name(one.id) for one in made for place in one.topics}
        for one in made:
            places = [place for place in one.topics if place in self._topics]
            if places:
                yield ContractFacts(
                    product=one,
                    topics=tuple(self._topic(place, references.get(place, ())) for place in places),
                    hosts={cluster: self._host(cluster) for cluster, _ in places},
                    files=files,
                )

    def _host(self, cluster: str) -> str:
        """As the estate has it; for a cluster that it knows by its ARN, the brokers' addresses."""
        servers = addresses(self._estate.clusters[cluster])
        metrics = self._documents[cluster].metrics
        brokers = [f"{one.host}:{one.port}" for one in metrics.brokers] if metrics is not None else []
        return ",".join(servers or brokers) or str(self._estate.clusters[cluster].kafka.cluster_arn)

    def _topic(self, place: _Place, references: tuple[Reference, ...]) -> TopicFacts:
        cluster, name = place
        schema = next(self._value_schemas(cluster, name), None)
        profile = self._profiles.get(place)
        fields, inferred, _ = self._fields(place)
        text = None if schema is None else schema_properties(schema.schema_type, schema.definition).get("doc")
        personal = () if profile is None else tuple(one.path for one in profile.fields if one.looks_personal)
        freshness = None if profile is None else profile.freshness
        return TopicFacts(
            cluster=cluster,
            topic=self._topics[place],
            schema_type=None if schema is None else schema.schema_type,
            subject=None if schema is None else schema.subject,
            fields=fields,
            inferred=inferred,
            description=text,
            personal=personal,
            usual_gap_seconds=None if freshness is None else freshness.usual_gap_seconds,
            records_in_per_second=self._rates.get(place),
            references=references,
            rules=policy_rules(self._estate.policy, cluster, name),
        )

    def _fields(self, place: _Place) -> tuple[tuple[SchemaField, ...], bool, str | None]:
        """The fields, whether a profile inferred them, and why they are not known."""
        cluster, name = place
        schema = next(self._value_schemas(cluster, name), None)
        if schema is not None:
            read = schema_fields(schema.schema_type, schema.definition)
            if read is not None:
                return read.fields, False, None
            why = why_unreadable(schema.schema_type, schema.definition)
            return (), False, f"{schema.subject} cannot be read: {why}"
        state = self._documents[cluster].sections.get("schemas")
        if state is not None and state.status == "stale":
            return (), False, f"schemas are not current: {state.error}"
        profile = self._profiles.get(place)
        if profile is None or not profile.fields:
            return (), False, "no schema in the registry describes its values, and no profile has been taken"
        return tuple(_inferred(profile)), True, None

    def now(self, clusters: tuple[str, ...], undiscovered: Iterable[str]) -> EstateNow:
        unread = dict.fromkeys(undiscovered, "has not been discovered yet")
        for name, document in self._documents.items():
            why = topics_unread(document)
            if why is not None:
                unread[name] = why
        return EstateNow(
            topics={place: self._topic_now(place, topic) for place, topic in self._topics.items()},
            unread=unread,
            clusters=clusters,
        )

    def _topic_now(self, place: _Place, topic: Topic) -> TopicNow:
        fields, inferred, unread = self._fields(place)
        owner = self._owner(*place)
        state = self._documents[place[0]].sections.get("schemas")
        stale = state is not None and state.status == "stale"
        profile = self._profiles.get(place)
        freshness = None if profile is None else profile.freshness
        return TopicNow(
            cluster=place[0],
            topic=topic,
            fields=fields,
            inferred=inferred,
            unread=unread,
            owner=owner,
            owner_unread=f"schemas are not current: {state.error}"
            if stale and state and owner is None
            else None,
            records_in_per_second=self._rates.get(place),
            newest_at=None if freshness is None else freshness.newest_at,
            sampled_at=None if profile is None else profile.taken_at,
            results=tuple(self._results.get(place, ())),
        )


def _inferred(profile: TopicProfile) -> Iterator[SchemaField]:
    """The type of a field that has one; with several, no type is promised."""
    for one in profile.fields:
        kind = " | ".join(part.type for part in one.types) or "null"
        yield SchemaField(path=one.path, type=kind, optional=one.completeness != 1)
