"""What people decide about data products: which candidates they accept, and with which name, owner and topics."""

from fnmatch import translate
from functools import lru_cache
from re import Pattern
from re import compile as compiled
from typing import Annotated, Literal

from pydantic import Field, model_validator

from mesh_assets.estate.fields import EstateModel

_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$", max_length=63)]
_Topic = Annotated[str, Field(min_length=1, max_length=512)]
_Text = Annotated[str, Field(min_length=1, max_length=2_000)]


class ProductDecision(EstateModel):
    """A decision about the product with that id, a candidate or a new one. It wins over what is found.

    `name`, `owner`, `description`, `domain`: instead of those found. `topics`: names or shell patterns, or
    `cluster/topic`: exactly these, and in no other product. Without `topics`, an accepted product has its candidate's, and
    keeps those it once had. `without`: topics to leave out. `merge`: candidates that are part of it. `drop`: it is not a
    product, and its topics are in none.
    """

    product: _Id
    decision: Literal["accept", "drop"] = "accept"
    name: _Text | None = None
    owner: _Text | None = None
    description: _Text | None = None
    domain: _Text | None = None
    topics: tuple[_Topic, ...] = ()
    without: tuple[_Topic, ...] = ()
    merge: tuple[_Id, ...] = ()

    def names(self, cluster: str, topic: str) -> bool:
        """Whether `topics` selects it."""
        return any(names_topic(text, cluster, topic) for text in self.topics)

    @model_validator(mode="after")
    def _consistent(self) -> "ProductDecision":
        said = (self.name, self.owner, self.description, self.domain, self.topics, self.without, self.merge)
        if self.decision == "drop" and any(said):
            raise ValueError(f"drops {self.product!r} but says more about it; expected only `decision: drop`")
        if self.product in self.merge:
            raise ValueError(f"merges {self.product!r} into itself; name other products")
        both = set(self.topics) & set(self.without)
        if both:
            raise ValueError(f"has {min(both)!r} in topics and in without; expected it in one of the two")
        return self


class ProductSettings(EstateModel):
    """`file`: a YAML file that holds `decisions` instead of the estate file, relative to it; once read, its absolute
    path."""

    file: str | None = Field(default=None, min_length=1)
    decisions: tuple[ProductDecision, ...] = ()

    @model_validator(mode="after")
    def _one_word_for_each(self) -> "ProductSettings":
        decided: set[str] = set()
        for one in self.decisions:
            if one.product in decided:
                raise ValueError(f"has two decisions about {one.product!r}; put both into one entry")
            decided.add(one.product)
        taken: dict[str, str] = {}
        merged: dict[str, str] = {}
        for one in self.decisions:
            for topic in one.topics:
                if taken.setdefault(topic, one.product) != one.product:
                    raise ValueError(
                        f"puts {topic!r} into {taken[topic]!r} and {one.product!r}; a topic is in one product"
                    )
            for other in one.merge:
                if other in decided:
                    raise ValueError(
                        f"merges {other!r} into {one.product!r} and decides about it as well; remove one of the two"
                    )
                if merged.setdefault(other, one.product) != one.product:
                    raise ValueError(
                        f"merges {other!r} into {merged[other]!r} and {one.product!r}; expected one of the two"
                    )
        return self


def names_topic(text: str, cluster: str, topic: str) -> bool:
    """Whether a name or shell pattern, of a topic or of `cluster/topic`, is that topic's."""
    pattern = _pattern(text)
    return pattern.fullmatch(topic) is not None or pattern.fullmatch(f"{cluster}/{topic}") is not None


@lru_cache(maxsize=1_024)
def _pattern(text: str) -> Pattern[str]:
    return compiled(translate(text))
