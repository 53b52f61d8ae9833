"""The comparable form of a record: its lasting values as flat text, field by field, the same in state and
changes."""

from collections.abc import Iterator

import msgspec

from mesh_assets.inventory.access_records import Acl, ClientQuota, ScramUser
from mesh_assets.inventory.broker_records import ClusterBroker
from mesh_assets.inventory.changes import Change, ChangeKind, ResourceType, Severity
from mesh_assets.inventory.cluster_link_records import ClusterLink, MirrorTopic
from mesh_assets.inventory.groups import ConsumerGroup
from mesh_assets.inventory.records import Connector, Schema, Topic
from mesh_assets.inventory.transaction_records import OpenTransaction
from mesh_assets.inventory.wording import one_line

Fields = dict[str, str | None]
"""Field → value as text. None: unknown, it could not be read. A missing field does not exist on the resource.

None under a key that ends in a dot (`config.`) means that everything below it is unknown.
"""

Resource = (
    Topic
    | Connector
    | Schema
    | ConsumerGroup
    | ClusterBroker
    | Acl
    | ClientQuota
    | ScramUser
    | OpenTransaction
    | ClusterLink
    | MirrorTopic
)

SENTENCE_VALUE_CHARACTERS = 120
SENTENCE_TRACE_CHARACTERS = 300

# Keys are sorted, so that equal records give equal text.
_encoder = msgspec.json.Encoder(order="deterministic")


def json_text(value: object) -> str:
    return _encoder.encode(value).decode()


def known_fields(fields: Fields) -> dict[str, str]:
    return {field: value for field, value in fields.items() if value is not None}


def differing_fields(
    before: Fields, after: Fields, *, learned: tuple[str, ...] = ()
) -> Iterator[tuple[str, str | None, str | None]]:
    """Field, value before and value after of each field that differs; None where the field does not exist.

    A field that is unknown in `after` never differs. One that was unknown in `before` differs only if it
    starts with one of `learned`; its value before is None then.
    """
    unknown_before, unknown_after = _unknown_branches(before), _unknown_branches(after)
    for field in sorted({field for field, _ in before.items() ^ after.items()}):
        old, new = before.get(field), after.get(field)
        if (new is None and field in after) or field.startswith(unknown_after):
            continue
        was_unknown = (old is None and field in before) or field.startswith(unknown_before)
        if was_unknown and (new is None or not field.startswith(learned)):
            continue
        yield field, old, new


def _unknown_branches(fields: Fields) -> tuple[str, ...]:
    return tuple(field for field, value in fields.items() if value is None and field.endswith("."))


def created(
    resource_type: ResourceType, resource: str, record: Resource, *, sentence: str, severity: Severity
) -> Change:
    """`after` is the whole record as the document holds it, so applying the change needs nothing else."""
    return _change("created", resource_type, resource, None, (None, json_text(record)), severity, sentence)


def deleted(resource_type: ResourceType, resource: str, record: Resource, *, sentence: str) -> Change:
    """`before` is the whole record as last known. A deletion is a warning: the content is gone, and someone may
    still need it."""
    return _change("deleted", resource_type, resource, None, (json_text(record), None), "warning", sentence)


def updated(
    resource_type: ResourceType,
    resource: str,
    field: str,
    *,
    before: str | None,
    after: str | None,
    severity: Severity,
    sentence: str,
) -> Change:
    return _change("updated", resource_type, resource, field, (before, after), severity, sentence)


def _change(
    kind: ChangeKind,
    resource_type: ResourceType,
    resource: str,
    field: str | None,
    values: tuple[str | None, str | None],
    severity: Severity,
    sentence: str,
) -> Change:
    return Change(
        kind=kind,
        resource_type=resource_type,
        resource=resource,
        field=field,
        before=values[0],
        after=values[1],
        severity=severity,
        sentence=one_line(sentence),
    )


def shown(value: str | None, *, absent: str = "none") -> str:
    """`value` as it appears in a sentence: on one line, of limited length."""
    if value is None:
        return absent
    return one_line(value, most=SENTENCE_VALUE_CHARACTERS) or '""'


def because(trace: str | None) -> str:
    """`: <first line of the trace>`; empty without a trace."""
    lines = [line for line in (trace or "").splitlines() if line.strip()]
    return f": {one_line(lines[0], most=SENTENCE_TRACE_CHARACTERS)}" if lines else ""
