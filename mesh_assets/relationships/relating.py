"""The analysis `relationships`: which topics are about the same things."""

from collections.abc import Iterable, Iterator, Mapping

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Schema, Topic
from mesh_assets.inventory.sections import SectionName
from mesh_assets.inventory.wording import counted, plural
from mesh_assets.relationships.entities import entities_of
from mesh_assets.relationships.fields import FieldReader, Pinned
from mesh_assets.relationships.keys import (
    Candidate,
    TopicField,
    Vocabulary,
    candidates,
    canonical,
    learn_keys,
)
from mesh_assets.relationships.names import TopicNames, singulars, words_of
from mesh_assets.relationships.records import Entity, Gap, Relationships

Synonyms = Mapping[str, Iterable[str]]
"""Key → its other names, in any spelling: `{"user_id": ["uid", "customerNo"]}`."""


def find_relationships(
    documents: Iterable[Document],
    *,
    synonyms: Synonyms | None = None,
    pinned: Mapping[str, Pinned] | None = None,
) -> Relationships:
    """The entities of each cluster on its own. Topics of two clusters are never related: a name does not show
    what another cluster means by it.

    `pinned`: by cluster, versions of subjects that others refer to and that the document lacks, as it only
    has the latest.
    """
    meant = {
        canonical(other): canonical(key)
        for key, others in (synonyms or {}).items()
        for other in (key, *others)
    }
    entities: list[Entity] = []
    gaps: list[Gap] = []
    subjects = fields = 0
    for document in documents:
        reader = FieldReader(document.schemas, (pinned or {}).get(document.cluster.name, {}))
        names = TopicNames([topic.name for topic in document.topics])
        read, count = _topic_fields(document, reader, names)
        subjects += len(document.schemas)
        fields += count
        entities += _entities(document, read, names, meant)
        gaps += _gaps(document, reader)
    entities.sort(key=lambda one: (-len(one.topics), one.cluster, one.name, one.key))
    return Relationships(entities=tuple(entities), gaps=tuple(gaps), subjects=subjects, fields=fields)


def _topic_fields(document: Document, reader: FieldReader, names: TopicNames) -> tuple[list[TopicField], int]:
    """The fields of every topic, and how many fields the subjects have. Each subject is read once."""
    read = {schema.subject: reader.fields(schema) for schema in document.schemas}
    schemas = {schema.subject: schema for schema in document.schemas}
    found: list[TopicField] = []
    for topic in document.topics:
        for subject, in_key in _subjects(topic):
            record = _record_words(schemas.get(subject))
            named = (names.words(topic.name), *((record,) if record else ()))
            found += [
                TopicField(
                    topic=topic.name,
                    subject=subject,
                    path=place.path,
                    type=place.type,
                    in_key=in_key,
                    first=place.first,
                    names=named,
                )
                for place in read.get(subject, ())
            ]
    return found, sum(map(len, read.values()))


def _entities(
    document: Document, fields: list[TopicField], names: TopicNames, synonyms: Mapping[str, str]
) -> list[Entity]:
    vocabulary = Vocabulary()
    for topic in document.topics:
        words = names.words(topic.name)
        vocabulary.named.update(words[-1:], ("".join(words),))
    for schema in document.schemas:
        record = _record_words(schema)
        vocabulary.named.update(record[-1:], ("".join(record),))
    learn_keys(fields, vocabulary)
    found: list[Candidate] = list(candidates(fields, vocabulary, synonyms))
    compacted = frozenset(
        topic.name for topic in document.topics if topic.details.cleanup_policy == "compact"
    )
    with_fields = len({one.topic for one in fields})
    return entities_of(document.cluster.name, found, names, topics=with_fields, compacted=compacted)


def _subjects(topic: Topic) -> Iterator[tuple[str, bool]]:
    """The subjects that describe the topic's records, and whether it is their keys."""
    for subject in topic.schema.key_subjects:
        yield subject, True
    for subject in (*topic.schema.value_subjects, *topic.schema.record_subjects):
        yield subject, False


def _record_words(schema: Schema | None) -> tuple[str, ...]:
    name = None if schema is None else schema.record_name
    return singulars(words_of(name.rpartition(".")[2])) if name else ()


def _gaps(document: Document, reader: FieldReader) -> Iterator[Gap]:
    cluster = document.cluster.name
    sections: tuple[SectionName, ...] = ("schemas", "topics")
    for section in sections:
        state = document.sections.get(section)
        if state is None or state.status == "not_configured":
            yield Gap(cluster=cluster, subject=None, reason=f"the estate configures no source for {section}")
        elif state.status == "stale" or state.error is not None:
            yield Gap(
                cluster=cluster, subject=None, reason=f"{section} are not current or complete: {state.error}"
            )
    without = sum(1 for topic in document.topics if not any(_subjects(topic)) and not topic.details.internal)
    if without:
        yield Gap(
            cluster=cluster,
            subject=None,
            reason=f"{counted(without, 'topic')} without a schema: what {plural(without, 'its', 'their')} "
            "records hold is not known",
        )
    for subject, reason in reader.gaps.items():
        yield Gap(cluster=cluster, subject=subject, reason=reason)
