"""Kafka's names in the form that Dagster allows: keys, groups, owners, tags. Any change is reported.

Dagster's rules are those of 1.13 (`dagster/_core/definitions/utils.py`, `_utils/tags.py`): a group is segments of
letters, digits and `_`; a tag's value has at most 63 letters, digits, `_`, `-`, `.`; an owner is an e-mail address
or `team:NAME`.
"""

import re
from typing import Literal

from mesh_assets.estate.findings import FindingKind
from mesh_assets.inventory.wording import one_line

AssetKind = Literal["topics", "connectors", "consumer_groups", "datasets", "functions"]
"""The middle part of a key, `<cluster>/topics/<name>`; for a thing that belongs to no cluster, the first part:
`datasets/<namespace>/<name>`, `functions/<name>`."""
Key = tuple[str, ...]
CheckName = Literal["findings"] | FindingKind
"""An asset check: for all its findings together, or for those of one kind."""
DEFAULT_CHECKS: tuple[CheckName, ...] = ("findings",)

_NO_NAME = "(no name)"
_OWNER_CHARACTERS = 100
_TAG_CHARACTERS = 63
_NOT_IN_GROUPS = re.compile(r"[^A-Za-z0-9_]+")
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9_.-]+")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}")


def asset_key(cluster: str, kind: AssetKind, name: str) -> Key:
    """The parts of the key of a thing in a cluster. A name's own slashes stay in its part; the empty name, which a consumer group may have,
    gets a word."""
    return (cluster, kind, name or _NO_NAME)


def dataset_key(namespace: str | None, name: str) -> Key:
    """The parts of the key of a dataset, as OpenLineage names it."""
    return ("datasets", namespace or _NO_NAME, name or _NO_NAME)


def function_key(name: str) -> Key:
    """The parts of the key of a Lambda function: its name, unique within an account and region."""
    return ("functions", name or _NO_NAME)


def group_name(text: str) -> str:
    """`data-mesh-cluster` → `data_mesh_cluster`. A name without any letter or digit becomes `_`."""
    return _NOT_IN_GROUPS.sub("_", text) or "_"


def tag_value(text: str) -> str:
    """The text with every character that a tag must not contain replaced by `_`, cut to 63 characters."""
    return _NOT_IN_TAGS.sub("_", text)[:_TAG_CHARACTERS]


def owner(text: str) -> str | None:
    """An e-mail address as it is, anything else as a team: `payments` → `team:payments`. None for empty text."""
    plain = one_line(text, most=_OWNER_CHARACTERS)
    if not plain:
        return None
    if _EMAIL.fullmatch(plain):
        return plain
    team = plain.removeprefix("team:").strip()
    return f"team:{team}" if team else None
