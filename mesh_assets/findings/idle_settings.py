"""Settings of the estate that name something that no inventory has: a typo, or a topic that is gone. Nothing else would say
so, since they do nothing."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase, translate

from mesh_assets.estate.fields import NamePatterns
from mesh_assets.estate.model import Cluster, Estate
from mesh_assets.findings.case import Case
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.sections import SectionName
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.results import read_latest_documents

_EVERYTHING = "*"


def read_idle_settings(estate: Estate, store: InventoryStore) -> tuple[str, ...]:
    """By the newest document of each cluster. Raises StoreError if one cannot be read."""
    return tuple(idle_settings(estate, read_latest_documents(store, estate.clusters).documents))


def idle_settings(estate: Estate, documents: Mapping[str, Document]) -> Iterator[str]:
    """A sentence for each. `documents`: the newest of each cluster, by name. What a cluster has is only known if it was
    discovered, and that section read completely; a setting that may be for one that was not is not named.

    Data products say themselves what their decisions do not find (`products/decisions.py`), and rules of the policy which
    of the clusters that they are for have no topic for them (`policy.py`).
    """
    clusters = tuple(estate.clusters)
    known = {
        name: {topic.name for topic in document.topics}
        for name, document in documents.items()
        if name in estate.clusters and Case(document=document).is_read("topics")
    }
    for name, cluster in estate.clusters.items():
        if name in documents:
            yield from _of_cluster(name, cluster, documents[name])
    for kind, entries in (
        ("policy.rules", [(rule.name, rule.clusters) for rule in estate.policy.rules]),
        ("policy.expectations", [(one.name, one.clusters) for one in estate.policy.expectations]),
    ):
        for name, patterns in entries:
            if not any(map(patterns.selects, clusters)):
                yield f"{kind}: {name} is for no cluster of the estate; correct its clusters, or remove it"
    for kind, texts in (
        ("costs.prices", [one.clusters for one in estate.costs.prices]),
        ("findings.mute", [one.cluster for one in estate.findings.mute]),
    ):
        for text in texts:
            if not any(fnmatchcase(name, text) for name in clusters):
                yield f"{kind}: {text} is the name of no cluster of the estate; correct it, or remove the entry"
    yield from _domains(estate, known)
    if len(known) < len(clusters):
        return  # the others may have them
    topics = {topic for of_cluster in known.values() for topic in of_cluster}
    for owner in estate.policy.owners:
        if not any(map(owner.topics.selects, topics)):
            yield (
                f"policy.owners: {owner.owner!r} owns no topic: none matches {', '.join(owner.topics.include)}; correct the "
                "patterns, or remove the entry"
            )
    of_domains = [text for texts in estate.domains.patterns.values() for text in texts]
    yield from _unmatched("domains.patterns", of_domains, topics, "topic")
    for text in estate.profiling.name_values:
        if not any(map(_could_name_field(text), topics)):
            topic, slash, _ = text.partition("/")
            what = f"{topic!r} matches no topic" if slash else f"{text!r} names no field, as TOPIC/FIELD does"
            yield f"profiling.name_values: {what}; correct it, or remove it"


def _domains(estate: Estate, known: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Like the analysis, takes the text before the last slash for a cluster: names of topics have none."""
    for text in estate.domains.overrides:
        cluster, _, topic = text.rpartition("/")
        if cluster and cluster not in estate.clusters:
            yield (
                f"domains.overrides: {text!r} names a cluster that the estate does not have; it has: "
                f"{', '.join(estate.clusters)}"
            )
            continue
        asked = [cluster] if cluster else list(estate.clusters)
        if all(name in known and topic not in known[name] for name in asked):
            lacking = f"{cluster} has no topic" if cluster else "no cluster has a topic"
            yield f"domains.overrides: {lacking} {topic!r}; correct the name, or remove the entry"


def _of_cluster(name: str, cluster: Cluster, document: Document) -> Iterator[str]:
    case = Case(document=document)
    things: tuple[tuple[SectionName, str, list[str]], ...] = (
        ("topics", "topic", [topic.name for topic in document.topics]),
        ("consumer_groups", "consumer group", [group.group_id for group in document.consumer_groups]),
    )
    for section, word, names in things:
        if not case.is_read(section):
            continue
        scope: NamePatterns = getattr(cluster, section)
        watched: NamePatterns = getattr(cluster.anomalies, section)
        yield from _unmatched(f"{name}: {section}.include", scope.include, names, word)
        yield from _unmatched(f"{name}: anomalies.{section}.include", watched.include, names, word)
    if case.is_read("topics"):
        # Others may be for topics that are not in the inventory: their messages can be read all the same.
        texts = [text for text in cluster.allow_message_reading if cluster.topics.selects(text)]
        yield from _unmatched(f"{name}: allow_message_reading", texts, things[0][2], "topic")


def _could_name_field(text: str) -> Callable[[str], bool]:
    """Whether a pattern of `topic/field` can match any field of a topic. A wildcard also matches the slash: `*_state` is for
    `orders/order_state`."""
    begins = [re.compile(translate(text[: at + 1])).match for at, one in enumerate(text) if one in "*?/"]
    return lambda topic: any(match(f"{topic}/") for match in begins)


def _unmatched(setting: str, texts: Iterable[str], names: Iterable[str], word: str) -> Iterator[str]:
    """The shell patterns that match none of the names; that for everything is right even while there are none."""
    for text in dict.fromkeys(texts):
        matches: Callable[[str], object] = re.compile(translate(text)).match
        if text != _EVERYTHING and not any(map(matches, names)):
            yield f"{setting}: {text!r} matches no {word}; correct it, or remove it"
