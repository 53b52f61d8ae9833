"""Which topics a connector uses, from its config alone; where the config cannot tell, that is said instead of
a guess."""

import re
from collections.abc import Mapping

from mesh_assets.inventory.records import Record

# Sources whose topic stands under one of these keys write to exactly that topic (FileStreamSource, Datagen,
# most single-table sources).
_SOURCE_KEYS = ("topic", "kafka.topic", "topics")
_ROUTERS = (
    "RegexRouter",
    "TimestampRouter",
    "ExtractTopic",
    "TopicRegexRouter",
    "ByLogicalTableRouter",
    "EventRouter",
    "Router",
)


class DeclaredTopics(Record, frozen=True, kw_only=True):
    """`names`: topics the config names, after its routing; `pattern`: a sink's `topics.regex`.

    `unknown_because`: why the config cannot tell (the names are empty then); None when it tells everything.
    """

    names: tuple[str, ...] = ()
    pattern: str | None = None
    unknown_because: str | None = None


def declared_topics(connector_type: str, config: Mapping[str, str | None]) -> DeclaredTopics:
    if not config:
        return DeclaredTopics(unknown_because="its config may not be read")
    if connector_type == "sink" or "topics.regex" in config:
        # Transforms of a sink work on records already read, so they do not change what it reads.
        return DeclaredTopics(names=_split(config.get("topics")), pattern=config.get("topics.regex") or None)
    names = next((named for key in _SOURCE_KEYS if (named := _split(config.get(key)))), ())
    if not names:
        return DeclaredTopics(unknown_because="its config names no topic")
    return _routed(names, config)


def _split(value: str | None) -> tuple[str, ...]:
    return tuple(sorted({name.strip() for name in (value or "").split(",") if name.strip()}))


def _routed(names: tuple[str, ...], config: Mapping[str, str | None]) -> DeclaredTopics:
    for alias in _split_in_order(config.get("transforms")):
        kind = (
            (config.get(f"transforms.{alias}.type") or "")
            .rpartition(".")[2]
            .removesuffix("$Value")
            .removesuffix("$Key")
        )
        if not kind.endswith(_ROUTERS):
            continue
        if kind != "RegexRouter" or config.get(f"transforms.{alias}.predicate"):
            return DeclaredTopics(
                unknown_because=f"its transform {alias} ({kind}) decides the topic record by record"
            )
        followed = _follow(
            names, config.get(f"transforms.{alias}.regex"), config.get(f"transforms.{alias}.replacement")
        )
        if followed is None:
            return DeclaredTopics(unknown_because=f"its transform {alias} ({kind}) could not be followed")
        names = followed
    return DeclaredTopics(names=names)


def _split_in_order(value: str | None) -> list[str]:
    return [name.strip() for name in (value or "").split(",") if name.strip()]


def _follow(names: tuple[str, ...], regex: str | None, replacement: str | None) -> tuple[str, ...] | None:
    """RegexRouter's rule: a topic that matches whole is replaced, others stay
    (org.apache.kafka.connect.transforms.RegexRouter)."""
    if regex is None or replacement is None:
        return None
    try:
        pattern = re.compile(regex)
        python_replacement = re.sub(r"\$(\d+)", r"\\g<\1>", replacement.replace("\\", r"\\"))
        return tuple(
            sorted(
                {
                    pattern.sub(python_replacement, name, count=1) if pattern.fullmatch(name) else name
                    for name in names
                }
            )
        )
    except (re.error, IndexError):
        return None
