"""Changes of cluster links and mirror topics: they come and go and change state; links change their configs.

Lag is not a change, and neither is a link's task, which fails and recovers by itself.
"""

from collections.abc import Iterator, Mapping

from mesh_assets.diff.fields import Fields, created, deleted, differing_fields, shown, updated
from mesh_assets.inventory.changes import Change, ResourceType, Severity
from mesh_assets.inventory.cluster_link_records import (
    BROKEN_MIRRORS,
    ClusterLink,
    ClusterLinks,
    MirrorTopic,
)
from mesh_assets.inventory.wording import named

_CONFIG = "config."


def link_fields(link: ClusterLink) -> Fields:
    """A link without `error` has none, or its cluster does not report it."""
    told = {
        "source_cluster_id": link.source_cluster_id,
        "destination_cluster_id": link.destination_cluster_id,
        "remote_cluster_id": link.remote_cluster_id,
        "state": link.state,
        "error": link.error,
    }
    fields: Fields = {"id": link.id, **{name: value for name, value in told.items() if value is not None}}
    if link.config is None:
        fields[_CONFIG] = None
    else:
        fields.update({_CONFIG + name: value for name, value in link.config.items()})
    return fields


def mirror_fields(mirror: MirrorTopic) -> Fields:
    return {
        "link": mirror.link,
        "source_topic": mirror.source_topic,
        "status": mirror.status,
        "partitions": str(mirror.partitions),
    }


def diff_cluster_links(before: ClusterLinks | None, after: ClusterLinks | None) -> Iterator[Change]:
    """Nothing for a part that was or is not known."""
    if before is None or after is None:
        return
    if before.links is not None and after.links is not None:
        yield from _diff_links(
            {one.name: one for one in before.links}, {one.name: one for one in after.links}
        )
    if before.mirror_topics is not None and after.mirror_topics is not None:
        yield from _diff_mirrors(
            {one.name: one for one in before.mirror_topics}, {one.name: one for one in after.mirror_topics}
        )


def _diff_links(old: Mapping[str, ClusterLink], new: Mapping[str, ClusterLink]) -> Iterator[Change]:
    for name in sorted(old.keys() - new.keys()):
        yield deleted(
            "cluster_link",
            name,
            old[name],
            sentence=f"Cluster link {named(name)} {_whence(old[name])} is gone",
        )
    for name in sorted(new.keys() - old.keys()):
        sentence = f"Cluster link {named(name)} {_whence(new[name])} was created"
        yield created("cluster_link", name, new[name], sentence=sentence, severity="info")
    for name in sorted(old.keys() & new.keys()):
        yield from _updates(
            "cluster_link",
            f"Cluster link {named(name)}",
            name,
            link_fields(old[name]),
            link_fields(new[name]),
        )


def _diff_mirrors(old: Mapping[str, MirrorTopic], new: Mapping[str, MirrorTopic]) -> Iterator[Change]:
    for name in sorted(old.keys() - new.keys()):
        sentence = f"Topic {named(name)} no longer mirrors {named(old[name].source_topic)}"
        yield deleted("mirror_topic", name, old[name], sentence=sentence)
    for name in sorted(new.keys() - old.keys()):
        one = new[name]
        sentence = f"Topic {named(name)} mirrors {named(one.source_topic)} over the link {named(one.link)}: {one.status}"
        yield created("mirror_topic", name, one, sentence=sentence, severity=_severity("status", one.status))
    for name in sorted(old.keys() & new.keys()):
        yield from _updates(
            "mirror_topic",
            f"Mirror topic {named(name)}",
            name,
            mirror_fields(old[name]),
            mirror_fields(new[name]),
        )


def _updates(type_: ResourceType, subject: str, name: str, old: Fields, new: Fields) -> Iterator[Change]:
    for field, was, is_ in differing_fields(old, new):
        yield updated(
            type_,
            name,
            field,
            before=was,
            after=is_,
            severity=_severity(field, is_),
            sentence=f"{subject}: {field.removeprefix(_CONFIG)} {shown(was)} → {shown(is_)}",
        )


def _severity(field: str, value: str | None) -> Severity:
    if field == "status" and value in BROKEN_MIRRORS:
        return "critical"
    if field == "error" and value is not None:
        return "critical"
    if field in ("status", "state") and value is not None and value != "ACTIVE":
        return "warning"
    return "info"


def _whence(link: ClusterLink) -> str:
    if link.destination_cluster_id is not None:
        return f"to {link.destination_cluster_id}"
    return f"from {link.origin_id or 'an unnamed cluster'}"
