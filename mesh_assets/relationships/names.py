"""Names of fields and topics as words: `userId`, `user_id` and `USER-ID` are the same two."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

Words = tuple[str, ...]

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")
_VERSION = re.compile(r"v?\d+")
# Where a topic lives, which says nothing about its contents.
_ENVIRONMENTS = frozenset(
    {"dev", "develop", "test", "qa", "uat", "int", "stage", "staging", "preprod", "prod", "production"}
)
# A first word that more than this share of topics have stands for the whole cluster: a company, a region, a
# platform.
_OF_ALL = 0.6
_FEWEST_TOPICS = 10


@lru_cache(maxsize=65_536)
def words_of(name: str) -> Words:
    return tuple(word.casefold() for word in _WORD.findall(name))


@lru_cache(maxsize=16_384)
def singular(word: str) -> str:
    """The word without a plural ending, judging by its spelling: good enough to compare two names."""
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def singulars(words: Iterable[str]) -> Words:
    return tuple(singular(word) for word in words)


class TopicNames:
    """The names of a cluster's topics as words, without those that say nothing: environments, a first word
    that (nearly) all of them share, and versions at the end (`orders-v2`, `orders.v2`)."""

    def __init__(self, topics: Sequence[str]) -> None:
        self._words = {topic: _own_words(topic) for topic in topics}
        while self._words and (common := self._common()) is not None:
            self._words = {
                topic: words[1:] if len(words) > 1 and words[0] == common else words
                for topic, words in self._words.items()
            }
        self._families: dict[str, set[Words]] = {}
        for words in self._words.values():
            if words:
                self._families.setdefault(words[0], set()).add(words)

    def words(self, topic: str) -> Words:
        """Singular, for comparing; empty for a name without a word."""
        return self._words[topic]

    def family(self, topic: str) -> str | None:
        """The first word, if names of other things also begin with it; versions of one thing do not count as
        other things."""
        words = self._words[topic]
        return words[0] if words and len(self._families[words[0]]) > 1 else None

    def _common(self) -> str | None:
        first = Counter(words[0] for words in self._words.values() if len(words) > 1)
        for word, count in first.most_common(1):
            if count > max(_OF_ALL * len(self._words), _FEWEST_TOPICS):
                return word
        return None


@lru_cache(maxsize=32_768)
def _own_words(topic: str) -> Words:
    return _bare(_joined_words(topic))


def _joined_words(topic: str) -> Words:
    """The words; a number right after a word is part of it (`team5.orders`), except at the end of the name,
    where it is a version."""
    found = list(_WORD.finditer(topic))
    words: list[str] = []
    for place, one in enumerate(found):
        attached = place > 0 and found[place - 1].end() == one.start() and place < len(found) - 1
        if attached and one[0].isdecimal():
            words[-1] += one[0]
        else:
            words.append(one[0].casefold())
    return tuple(words)


def _bare(words: Words) -> Words:
    start, end = 0, len(words)
    while start < end - 1 and words[start] in _ENVIRONMENTS:
        start += 1
    while end > start + 1 and (_VERSION.fullmatch(words[end - 1]) or words[end - 1] == "v"):
        end -= 1
    return singulars(words[start:end])
