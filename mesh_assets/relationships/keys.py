"""Which fields identify things of other topics, judged by name, type, place and how many topics have them."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from mesh_assets.inventory.records import Record
from mesh_assets.relationships.names import Words, singular, singulars, words_of

LEAST_SCORE = 0.5
"""A field that scores lower is not taken for a key. A field `something_id` of a known type reaches this
anywhere unless nearly all topics have it."""

_FEW_TOPICS = 20
_IDS = frozenset({"id", "uuid", "guid", "key", "pk"})
_CODES = frozenset({"number", "no", "nr", "num", "code", "ref", "reference", "sku"})
_GLUED = ("uuid", "guid", "id", "key", "number", "code")
# They identify the record, not its subject: the call, the message, the process that wrote it.
_OF_THE_RECORD = """trace span correlation causation request response message event batch run job task record row sequence offset partition
    schema process thread worker client instance host node log version idempotency deduplication dedup"""
_ENVELOPE = frozenset(_OF_THE_RECORD.split())
# A role that the thing plays; on its own, it does not say what the thing is.
_PLAYED = """from to source target src dst destination origin parent child previous prev next old new original related linked root external
    internal primary secondary main default"""
_ROLES = frozenset(_PLAYED.split())
_TEXT = ("string", "uuid", "bytes", "fixed")
_INTEGERS = ("int", "long", "integer", "fixed32", "fixed64")

Family = Literal["text", "integer", "unknown"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A field that may be a key. `key`: its name in canonical form. `entity`: the words of what it identifies, singular."""

    topic: str
    subject: str
    path: str
    type: str
    family: Family
    key: str
    entity: Words
    form: Literal["separate", "glued", "bare", "code", "synonym"]
    in_key: bool
    first: bool


class TopicField(Record, frozen=True, kw_only=True):
    """A field of a subject that describes a topic. `names`: words of the topic and of the record, singular."""

    topic: str
    subject: str
    path: str
    type: str
    in_key: bool
    first: bool
    names: tuple[Words, ...] = ()


@dataclass(slots=True)
class Vocabulary:
    """The names that the cluster uses: words of topics and records, and entities whose key is in separate
    words."""

    named: set[str] = field(default_factory=set)
    keyed: set[str] = field(default_factory=set)

    def knows(self, glued: str) -> bool:
        return glued in self.named or glued in self.keyed


def canonical(name: str) -> str:
    """`userId`, `USER_ID`, `user-id` as `user_id`."""
    return "_".join(words_of(name))


def candidates(
    fields: Sequence[TopicField], vocabulary: Vocabulary, synonyms: Mapping[str, str]
) -> Iterable[Candidate]:
    """The fields that may be keys by name and type. `synonyms`: canonical name → the key that it means."""
    for one in fields:
        family = type_family(one.type)
        if family is None:
            continue
        found = _named_key(one, vocabulary, synonyms)
        if found is None:
            continue
        entity, key, form = found
        yield Candidate(
            topic=one.topic,
            subject=one.subject,
            path=one.path,
            type=one.type,
            family=family,
            key=key,
            entity=entity,
            form=form,
            in_key=one.in_key,
            first=one.first,
        )


def learn_keys(fields: Iterable[TopicField], vocabulary: Vocabulary) -> None:
    """Adds the entities of keys in separate words: they show which words written together are keys
    (`userid`)."""
    for one in fields:
        words, _ = _named_words(one.path)
        if len(words) > 1 and singular(words[-1]) in _IDS:
            vocabulary.keyed.add("".join(singulars(words[:-1])))


def _named_key(
    one: TopicField, vocabulary: Vocabulary, synonyms: Mapping[str, str]
) -> tuple[Words, str, Literal["separate", "glued", "bare", "code", "synonym"]] | None:
    words, parent = _named_words(one.path)
    if not words:
        return None
    meant = synonyms.get("_".join(words)) or synonyms.get("".join(words))
    if meant is not None:
        key_words = words_of(meant)
        entity = (
            key_words[:-1] if len(key_words) > 1 and singular(key_words[-1]) in _IDS | _CODES else key_words
        )
        return singulars(entity), meant, "synonym"
    last = singular(words[-1])
    if len(words) == 1:
        if last in _IDS:
            owner = singulars(words_of(parent)) if parent else _thing(one.names)
            owner = _without_roles(owner)
            return (owner, "_".join((*owner, "id")), "bare") if owner else None
        for ending in _GLUED:
            stem = singular(last.removesuffix(ending))
            if last.endswith(ending) and len(stem) > 1 and vocabulary.knows(stem):
                return (stem,), f"{stem}_{'id' if ending in _IDS else ending}", "glued"
        return None
    if last not in _IDS and last not in _CODES:
        return None
    entity = _without_roles(singulars(words[:-1]))
    if not entity or all(word.isdigit() for word in entity):
        return None
    if last in _IDS:
        return entity, "_".join((*entity, "id")), "separate"
    if "".join(entity) in vocabulary.named:
        return entity, "_".join((*entity, last)), "code"
    return None


@lru_cache(maxsize=65_536)
def _named_words(path: str) -> tuple[Words, str]:
    """The words of a field's name, and the name of what contains it."""
    leaf, parent = _leaf(path)
    return words_of(leaf), parent


def _leaf(path: str) -> tuple[str, str]:
    """The name of the field and of what contains it, without the marks of arrays and maps."""
    if path.isidentifier():
        return path, ""
    parts = [part for part in path.replace("[]", "").replace("{}", "").split(".") if part]
    return (parts[-1] if parts else "", parts[-2] if len(parts) > 1 else "")


def _thing(names: Sequence[Words]) -> Words:
    """What a topic holds, judging by the last word of its name."""
    return names[0][-1:] if names and names[0] else ()


def _without_roles(words: Words) -> Words:
    """`from_user` is a user. A role alone names nothing."""
    start = 0
    while start < len(words) and words[start] in _ROLES:
        start += 1
    return words[start:]


@lru_cache(maxsize=4_096)
def type_family(type_text: str) -> Family | None:
    """None for types that identify nothing: numbers with a fraction, booleans, records, unions."""
    text = type_text.removeprefix("array<").removesuffix(">").casefold()
    families: set[Family] = set()
    for part in text.split("|"):
        word = part.strip().split(" ")[0].split("(")[0]
        if word.startswith(_TEXT):
            families.add("text")
        elif (
            word.startswith(_INTEGERS) or word.removeprefix("u").startswith("int") or word.startswith("sint")
        ):
            if any(logical in part for logical in ("date", "time", "duration")):
                return None
            families.add("integer")
        elif word in ("any", "…"):
            families.add("unknown")
        elif word != "null":
            return None
    if "date" in text or "(time" in text:
        return None
    return (
        "text"
        if "text" in families
        else "integer"
        if "integer" in families
        else "unknown"
        if families
        else None
    )


class Scores:
    """Scores the candidates of one cluster: judging rarity takes all of them."""

    def __init__(self, found: Sequence[Candidate], *, topics: int) -> None:
        self._topics = topics
        users: defaultdict[str, set[str]] = defaultdict(set)
        families: defaultdict[str, dict[Family, int]] = defaultdict(dict)
        for one in found:
            users[one.key].add(one.topic)
            families[one.key][one.family] = families[one.key].get(one.family, 0) + 1
        self.topics_with = {key: len(names) for key, names in users.items()}
        self._usual = {key: max(counts, key=lambda f: (counts[f], f)) for key, counts in families.items()}

    def score(self, one: Candidate, *, described: bool) -> tuple[float, str]:
        """0 to 1, and why, in words."""
        said = [_FORMS[one.form][1].format(key=one.key)]
        score = _FORMS[one.form][0]
        if one.family != "unknown":
            score += 0.1
            said.append("a text" if one.family == "text" else "a whole number")
        usual = self._usual[one.key]
        if one.family != usual and "unknown" not in (one.family, usual):
            score -= 0.15
            said.append(f"while most are {'texts' if usual == 'text' else 'whole numbers'}")
        if one.in_key:
            score += 0.15
            said.append("in the record's key")
        elif one.first:
            score += 0.1
            said.append("the first field")
        if described:
            score += 0.2
            said.append(f"a topic holds each {' '.join(one.entity)}")
        share = self.topics_with[one.key]
        rarity = self._rarity(share)
        score += 0.2 * rarity
        if rarity < 0.25:
            said.append(f"but {share:,} of {self._topics:,} topics have it")
        if one.entity[-1:] and one.entity[-1] in _ENVELOPE and not described:
            score -= 0.3
            said.append(f"but a {one.entity[-1]} more often identifies the record than its subject")
        return round(min(max(score, 0.0), 1.0), 2), ", ".join(said)

    def _rarity(self, with_key: int) -> float:
        """1 for a key of one topic, 0 for a key of all; logarithmic, like the weight of words in a search. In
        a small cluster it means little that all topics have a key."""
        return 1.0 - math.log(max(with_key, 1)) / math.log(max(self._topics, _FEW_TOPICS))


_FORMS = {
    "synonym": (0.5, "the estate calls it {key}"),
    "separate": (0.45, "its name is {key}"),
    "glued": (0.4, "its name is {key} in one word"),
    "bare": (0.35, "a bare id, of what contains it: {key}"),
    "code": (0.3, "its name is {key}"),
}
