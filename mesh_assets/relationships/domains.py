"""The analysis `domains`: which topics belong together, by the first rule that applies."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import translate

from mesh_assets.analysis.schema_fields import told_properties
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Topic
from mesh_assets.inventory.wording import counted, one_line
from mesh_assets.inventory.wording import named as as_name
from mesh_assets.relationships.communities import bonds_of, place
from mesh_assets.relationships.names import TopicNames
from mesh_assets.relationships.quickstarts import QUICKSTART_DOMAINS
from mesh_assets.relationships.records import (
    Domain,
    DomainKnown,
    Domains,
    DomainTopic,
    Relationships,
    Unassigned,
)

_LONGEST_NAME = 100
_DOMAIN_PROPERTIES = frozenset({"domain", "datadomain", "businessdomain"})
# First words of names that say what kind of topic it is, not what it is about.
_KINDS = """raw event topic data stream log cdc dlq dead retry error public private internal external new old tmp temp my the kafka connect
ksql app service db dbserver source sink input output in out test demo sample example"""
_NO_DOMAINS = frozenset(_KINDS.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainRules:
    """What the estate says. `patterns`: domain → shell patterns of topics' names. `overrides`: topic, or
    `cluster/topic`, → domain. `contracts`: the same, from people's data contracts."""

    patterns: Mapping[str, Iterable[str]] = field(default_factory=dict)
    overrides: Mapping[str, str] = field(default_factory=dict)
    contracts: Mapping[str, str] = field(default_factory=dict)


def find_domains(
    documents: Iterable[Document], relationships: Relationships, rules: DomainRules | None = None
) -> Domains:
    """The domains of each cluster. Topics that are internal to Kafka are left out; a topic that no rule
    covers has no domain, with the reason."""
    rules = rules or DomainRules()
    patterns = [
        (name, pattern, re.compile(translate(pattern)))
        for name, texts in rules.patterns.items()
        for pattern in texts
    ]
    domains: list[Domain] = []
    unassigned: list[Unassigned] = []
    for document in documents:
        cluster = _Cluster(document, relationships, rules, patterns)
        domains += cluster.domains()
        unassigned += cluster.unassigned
    return Domains(domains=tuple(domains), unassigned=tuple(unassigned))


class _Cluster:
    def __init__(
        self,
        document: Document,
        relationships: Relationships,
        rules: DomainRules,
        patterns: list[tuple[str, str, re.Pattern[str]]],
    ) -> None:
        self._document = document
        self._relationships = relationships
        self._rules = rules
        self._patterns = patterns
        self._cluster = document.cluster.name
        self._schemas = {schema.subject: schema for schema in document.schemas}
        self._topics = [topic for topic in document.topics if not topic.details.internal]
        self._names = TopicNames([topic.name for topic in self._topics])
        self._quickstarts = {
            topic.name: (connector.quickstart, connector.name)
            for connector in document.connectors
            if connector.quickstart and connector.type == "source"
            for topic in connector.topics
        }
        self._said = {topic.name: self._said_of(topic) for topic in self._topics}
        self.unassigned: list[Unassigned] = []

    def domains(self) -> list[Domain]:
        found: dict[str, tuple[str, DomainKnown, str]] = {}
        for topic in self._topics:
            said = next(self._rules_for(topic), None)
            if said is not None:
                found[topic.name] = said
        self._name_versions(found)
        self._name_families(found)
        bonds = bonds_of(self._document, self._relationships.entities)
        named = {topic: domain for topic, (domain, _, _) in found.items()}
        placed, left = place(bonds, named, [one.name for one in self._topics if one.name not in found])
        for name, one in placed.items():
            found[name] = (one.domain, "community", one.reason)
        self._name_versions(found)
        self.unassigned = [
            Unassigned(cluster=self._cluster, topic=topic, reason=reason)
            for topic, reason in sorted(left.items())
            if topic not in found
        ]
        return self._made(found)

    def _made(self, found: Mapping[str, tuple[str, DomainKnown, str]]) -> list[Domain]:
        members: defaultdict[str, list[DomainTopic]] = defaultdict(list)
        owners: defaultdict[str, set[str]] = defaultdict(set)
        for topic, (domain, known, reason) in sorted(found.items()):
            members[domain].append(DomainTopic(topic=topic, known=known, reason=reason))
            owner = self._said[topic].owner
            if owner is not None:
                owners[domain].add(owner[0])
        return [
            Domain(cluster=self._cluster, name=name, topics=tuple(topics), owners=tuple(sorted(owners[name])))
            for name, topics in sorted(members.items())
        ]

    def _rules_for(self, topic: Topic) -> Iterator[tuple[str, DomainKnown, str]]:
        name, said = topic.name, self._said[topic.name]
        for place_of_rule in (f"{self._cluster}/{name}", name):
            override = self._rules.overrides.get(place_of_rule)
            if override is not None:
                yield override, "override", f"the estate says so of {as_name(place_of_rule)}"
        for place_of_rule in (f"{self._cluster}/{name}", name):
            domain_of_contract = self._rules.contracts.get(place_of_rule)
            if domain_of_contract is not None:
                yield domain_of_contract, "contract", "its data contract says so"
        quickstart, connector = self._quickstarts.get(name, (None, None))
        domain = QUICKSTART_DOMAINS.get((quickstart or "").casefold())
        if domain is not None:
            yield (
                domain,
                "quickstart",
                f"the connector {as_name(connector or '')} fills it with the quickstart {quickstart}",
            )
        if said.domain is not None:
            yield said.domain[0], "metadata", f"the schema {as_name(said.domain[1])} names it"
        if said.owner is not None:
            yield (
                said.owner[0],
                "owner",
                f"the schema {as_name(said.owner[1])} names {said.owner[0]} as its owner",
            )
        for name_of_domain, text, pattern in self._patterns:
            if pattern.fullmatch(name):
                yield name_of_domain, "pattern", f"its name matches the estate's pattern {text}"

    def _name_versions(self, found: dict[str, tuple[str, DomainKnown, str]]) -> None:
        """`orders-v2` is where `orders` is."""
        versions: dict[tuple[str, ...], tuple[str, str]] = {}
        for topic in self._topics:
            words = self._names.words(topic.name)
            if topic.name in found and words:
                versions.setdefault(words, (topic.name, found[topic.name][0]))
        for topic in self._topics:
            other = versions.get(self._names.words(topic.name))
            if topic.name not in found and other is not None:
                found[topic.name] = (
                    other[1],
                    "prefix",
                    f"its name is another version of {as_name(other[0])}",
                )

    def _name_families(self, found: dict[str, tuple[str, DomainKnown, str]]) -> None:
        """Topics whose names begin with one word; if a rule has already named most of them, the rest follow
        it."""
        families: defaultdict[str, list[str]] = defaultdict(list)
        for topic in self._topics:
            family = self._names.family(topic.name)
            if family is not None and len(family) > 2 and family not in _NO_DOMAINS:
                families[family].append(topic.name)
        for family, topics in families.items():
            known = Counter(found[name][0] for name in topics if name in found)
            domain = max(known, key=lambda one: (known[one], one)) if known else family
            if known and 2 * known[domain] <= sum(known.values()):
                continue  # the rules use this word in several domains, so it shows nothing
            reason = f"its name begins with {family}, like {counted(len(topics) - 1, 'other name')}"
            found.update({name: (domain, "prefix", reason) for name in topics if name not in found})

    def _said_of(self, topic: Topic) -> "_Said":
        domain: tuple[str, str] | None = None
        owner: tuple[str, str] | None = None
        subjects = topic.schema
        for subject in (*subjects.value_subjects, *subjects.record_subjects, *subjects.key_subjects):
            schema = self._schemas.get(subject)
            if schema is None:
                continue
            for key, value in told_properties(schema).items():
                plain = "".join(letter for letter in key.casefold() if letter.isalnum())
                name = one_line(value, most=_LONGEST_NAME)
                if name and plain in _DOMAIN_PROPERTIES and domain is None:
                    domain = name, subject
                if name and plain == "owner" and owner is None:
                    owner = name, subject
        return _Said(domain, owner)


@dataclass(frozen=True, slots=True)
class _Said:
    """The domain and the owner that schemas of a topic name, each with the subject."""

    domain: tuple[str, str] | None
    owner: tuple[str, str] | None
