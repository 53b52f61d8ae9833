"""What the estate's models are built from: strict and immutable, secrets by reference only, patterns of
names."""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

SECRET_REFERENCE = re.compile(
    r"^(\$\{[A-Za-z_][A-Za-z0-9_]*\}|ssm:/\S+|secretsmanager:[^\s#]+(#\S+)?|vault:[^\s#]+#\S+)$"
)


def _must_be_reference(text: str) -> str:
    if not SECRET_REFERENCE.match(text):
        raise ValueError(
            "a secret must be named, not written here: expected ${ENV_NAME}, ssm:/path, secretsmanager:arn#field or vault:path#field"
        )
    return text


SecretReference = Annotated[str, AfterValidator(_must_be_reference)]
"""`${ENV}`, `ssm:/path`, `secretsmanager:arn#field` or `vault:path#field`: resolved when a client is created.
"""


class EstateModel(BaseModel):
    """A part of the estate: unknown fields are refused, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


EVENTS_TOPIC = "discovery-events"
CHANGES_TOPIC = "discovery-changes"

# The topics of Kafka, Connect and the registries themselves, and ours, which would otherwise describe
# themselves.
EXCLUDED_TOPICS = (
    "__*",
    "_schemas*",
    "_confluent*",
    "connect-configs*",
    "connect-offsets*",
    "connect-status*",
    EVENTS_TOPIC,
    CHANGES_TOPIC,
)


class NamePatterns(EstateModel):
    """Which names are part of the picture: case-sensitive shell patterns, where exclusion wins."""

    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()

    def selects(self, name: str) -> bool:
        return any(fnmatchcase(name, p) for p in self.include) and not any(
            fnmatchcase(name, p) for p in self.exclude
        )

    def select(self, names: Iterable[str]) -> list[str]:
        return sorted(name for name in names if self.selects(name))


class TopicPatterns(NamePatterns):
    exclude: tuple[str, ...] = EXCLUDED_TOPICS
