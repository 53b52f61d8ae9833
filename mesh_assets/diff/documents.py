"""The changes between two documents, and a state to which changes are applied."""

from collections.abc import Collection, Iterable, Iterator

import msgspec

from mesh_assets.diff.access import (
    acl_fields,
    acl_name,
    diff_access,
    quota_fields,
    quota_name,
    scram_user_fields,
)
from mesh_assets.diff.brokers import CLUSTER, broker_fields, cluster_fields, diff_brokers
from mesh_assets.diff.cluster_links import diff_cluster_links, link_fields, mirror_fields
from mesh_assets.diff.connectors import (
    SecretPlace,
    connector_fields,
    connector_key,
    diff_connectors,
    full_name,
)
from mesh_assets.diff.consumer_groups import (
    EPHEMERAL_GROUPS,
    diff_consumer_groups,
    group_fields,
    lasting_groups,
)
from mesh_assets.diff.fields import known_fields
from mesh_assets.diff.log_directories import LOG_DIRECTORIES, diff_log_directories, directory_fields
from mesh_assets.diff.schemas import (
    SCHEMA_REGISTRY,
    diff_registry,
    diff_schemas,
    registry_fields,
    schema_fields,
)
from mesh_assets.diff.topics import (
    TOPIC_DEFAULTS,
    defaults_fields,
    diff_topic_defaults,
    diff_topics,
    topic_fields,
)
from mesh_assets.diff.transactions import diff_transactions, transaction_fields, transaction_name
from mesh_assets.inventory.access_records import Access, Acl, ClientQuota, ScramUser
from mesh_assets.inventory.broker_records import ClusterBroker
from mesh_assets.inventory.changes import Change, ResourceType
from mesh_assets.inventory.cluster_link_records import ClusterLink, ClusterLinks, MirrorTopic
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.groups import ConsumerGroup
from mesh_assets.inventory.records import Connector, Schema, Topic
from mesh_assets.inventory.sections import SECTION_NAMES, SectionName
from mesh_assets.inventory.transaction_records import OpenTransaction
from mesh_assets.joining.scope import ScopeChange, scope_change

# The diff of two documents: which sections can be compared, and what changed in each.

# A topic that was deleted and recreated appears as both, under one name. Whoever applies the changes in order
# must delete first.
_KIND_ORDER = {"deleted": 0, "created": 1, "updated": 2}


def diff_documents(
    before: Document | None,
    after: Document,
    *,
    ephemeral_groups: tuple[str, ...] = EPHEMERAL_GROUPS,
    changed_secrets: Collection[SecretPlace] = (),
) -> tuple[Change, ...]:
    """What changed from `before` to `after`, two documents of the same cluster, sorted by resource type,
    resource and field.

    The first document of a cluster is a baseline without changes (`before` None), and so is the first reading
    of a section. What only one of the two scopes of a section covers is neither deleted nor created
    (joining/scope.py). A value that is unknown in either document gives no change. The exceptions are the states of
    connectors, tasks and groups that become known: a consumer must end up with them. state.py says how a
    consumer applies the changes. `changed_secrets`: what is masked in both documents and not the same.
    """
    if before is None:
        return ()
    return tuple(sorted(_changes(before, after, ephemeral_groups, changed_secrets), key=_position))


def compared_sections(before: Document, after: Document) -> tuple[SectionName, ...]:
    """The sections that can have changes: freshly read in `after`, and read at some time in `before` (the last
    good data counts)."""
    return tuple(
        name
        for name in SECTION_NAMES
        if name != "metrics" and _read_anew(after, name) and _read_ever(before, name)
    )


def _read_anew(document: Document, name: SectionName) -> bool:
    state = document.sections.get(name)
    return state is not None and state.status == "fresh"


def _read_ever(document: Document, name: SectionName) -> bool:
    state = document.sections.get(name)
    return state is not None and state.status != "not_configured" and state.collected_at is not None


def _changes(
    before: Document,
    after: Document,
    ephemeral_groups: tuple[str, ...],
    changed_secrets: Collection[SecretPlace],
) -> Iterator[Change]:
    sections = compared_sections(before, after)

    def scopes(name: SectionName) -> ScopeChange:
        return scope_change(before, name, after.sections[name].scope)

    if "topics" in sections:
        yield from diff_topics(
            *scopes("topics").within_both(before.topics, after.topics, lambda topic: (None, topic.name))
        )
        yield from diff_topic_defaults(before.topic_defaults, after.topic_defaults, after.topics)
        yield from diff_log_directories(before.log_directories, after.log_directories)
    if "connectors" in sections:
        of_connectors = scopes("connectors")
        old = of_connectors.carried(before.connectors)
        yield from diff_connectors(
            *of_connectors.within_both(old, after.connectors, connector_key), changed_secrets=changed_secrets
        )
    if "schemas" in sections:
        of_schemas = scopes("schemas")
        yield from diff_schemas(
            *of_schemas.within_both(before.schemas, after.schemas, lambda schema: (None, schema.subject))
        )
        if not of_schemas.unrelated:
            yield from diff_registry(before.schema_registry, after.schema_registry)
    if "consumer_groups" in sections:
        groups = scopes("consumer_groups").within_both(
            before.consumer_groups, after.consumer_groups, lambda group: (None, group.group_id)
        )
        yield from diff_consumer_groups(*groups, ephemeral=ephemeral_groups)
    if "brokers" in sections:
        yield from diff_brokers(before.brokers, after.brokers)
    if "access" in sections:
        yield from diff_access(before.access, after.access)
    if "transactions" in sections:
        yield from diff_transactions(before.transactions, after.transactions)
    if "cluster_links" in sections:
        yield from diff_cluster_links(before.cluster_links, after.cluster_links)


def _position(change: Change) -> tuple[str, str, str, int]:
    return change.resource_type, change.resource, change.field or "", _KIND_ORDER[change.kind]


# The lasting state of a cluster: everything in a document that is neither volatile, derived nor unknown, as
# flat text. And how a consumer of the changes gets from one state to the next.
#
# The whole contract: `created` adds the record that `after` holds as JSON, `deleted` removes the resource,
# `updated` sets one field to `after`, or removes the field if `after` is None. Anything that becomes known for
# the first time (the baseline of a section, a config that could not be read before) is not a change; the
# snapshot has it. The same goes for whatever enters or leaves the scope of a section; `scope_note` in its state
# says so.

State = dict[ResourceType, dict[str, dict[str, str]]]
"""Resource type → resource → field → value; fields and values as in changes. A connector's key is
`endpoint/name`."""


def stable_state(document: Document, *, ephemeral_groups: tuple[str, ...] = EPHEMERAL_GROUPS) -> State:
    registry, brokers, access = document.schema_registry, document.brokers, document.access or Access()
    links = document.cluster_links or ClusterLinks()
    return {
        "topic": {topic.name: known_fields(topic_fields(topic)) for topic in document.topics},
        "topic_defaults": {}
        if document.topic_defaults is None
        else {TOPIC_DEFAULTS: known_fields(defaults_fields(document.topic_defaults))},
        "log_directories": {}
        if document.log_directories is None
        else {LOG_DIRECTORIES: known_fields(directory_fields(document.log_directories))},
        "connector": {full_name(connector): connector_state(connector) for connector in document.connectors},
        "schema": {schema.subject: known_fields(schema_fields(schema)) for schema in document.schemas},
        "schema_registry": {}
        if registry is None
        else {SCHEMA_REGISTRY: known_fields(registry_fields(registry))},
        "consumer_group": {
            group_id: known_fields(group_fields(group))
            for group_id, group in lasting_groups(document.consumer_groups, ephemeral_groups).items()
        },
        "broker": {}
        if brokers is None
        else {str(one.id): known_fields(broker_fields(one, brokers.configs)) for one in brokers.brokers},
        "cluster": {} if brokers is None else {CLUSTER: known_fields(cluster_fields(brokers))},
        "acl": {acl_name(acl): known_fields(acl_fields(acl)) for acl in access.acls or ()},
        "client_quota": {quota_name(one): known_fields(quota_fields(one)) for one in access.quotas or ()},
        "scram_user": {user.name: known_fields(scram_user_fields(user)) for user in access.scram_users or ()},
        "hanging_transaction": {
            transaction_name(one): known_fields(transaction_fields(one))
            for one in (document.transactions.hanging if document.transactions else ())
        },
        "cluster_link": {one.name: known_fields(link_fields(one)) for one in links.links or ()},
        "mirror_topic": {one.name: known_fields(mirror_fields(one)) for one in links.mirror_topics or ()},
    }


def connector_state(connector: Connector) -> dict[str, str]:
    """With endpoint and name, because a change uses a connector's name alone if that is unique."""
    return {"connect": connector.connect, "name": connector.name, **known_fields(connector_fields(connector))}


_topic = msgspec.json.Decoder(Topic)
_connector = msgspec.json.Decoder(Connector)
_schema = msgspec.json.Decoder(Schema)
_group = msgspec.json.Decoder(ConsumerGroup)
_broker = msgspec.json.Decoder(ClusterBroker)
_acl = msgspec.json.Decoder(Acl)
_quota = msgspec.json.Decoder(ClientQuota)
_scram_user = msgspec.json.Decoder(ScramUser)
_transaction = msgspec.json.Decoder(OpenTransaction)
_link = msgspec.json.Decoder(ClusterLink)
_mirror = msgspec.json.Decoder(MirrorTopic)


def apply_changes(state: State, changes: Iterable[Change]) -> State:
    """`state` with the changes applied; `state` itself is not modified. Applying the same changes again has no
    effect.

    A change of a resource that is not in the state is skipped: a later change, already applied, deleted the
    resource. Raises ValueError for the creation of a schema registry, of topic defaults or of a cluster, which no
    diff produces.
    """
    present: State = {
        resource_type: {key: dict(fields) for key, fields in resources.items()}
        for resource_type, resources in state.items()
    }
    for change in changes:
        resources = present.setdefault(change.resource_type, {})
        if change.kind == "created":
            key, fields = _resource(change.resource_type, change.resource, change.after or "")
            resources[key] = fields
            continue
        found = _find(resources, change)
        if found is None:
            continue
        if change.kind == "deleted":
            del resources[found]
        elif change.field is not None and change.after is not None:
            resources[found][change.field] = change.after
        elif change.field is not None:
            resources[found].pop(change.field, None)
    return present


def _resource(resource_type: ResourceType, resource: str, record: str) -> tuple[str, dict[str, str]]:
    match resource_type:
        case "topic":
            return resource, known_fields(topic_fields(_topic.decode(record)))
        case "connector":
            connector = _connector.decode(record)
            return full_name(connector), connector_state(connector)
        case "schema":
            return resource, known_fields(schema_fields(_schema.decode(record)))
        case "consumer_group":
            return resource, known_fields(group_fields(_group.decode(record)))
        case "broker":
            return resource, known_fields(broker_fields(_broker.decode(record), None))
        case "acl":
            return resource, known_fields(acl_fields(_acl.decode(record)))
        case "client_quota":
            return resource, known_fields(quota_fields(_quota.decode(record)))
        case "scram_user":
            return resource, known_fields(scram_user_fields(_scram_user.decode(record)))
        case "hanging_transaction":
            return resource, known_fields(transaction_fields(_transaction.decode(record)))
        case "cluster_link":
            return resource, known_fields(link_fields(_link.decode(record)))
        case "mirror_topic":
            return resource, known_fields(mirror_fields(_mirror.decode(record)))
        case "schema_registry" | "topic_defaults" | "log_directories" | "cluster":
            raise ValueError(f"a {resource_type} is never created by a change")


def _find(resources: dict[str, dict[str, str]], change: Change) -> str | None:
    if change.resource_type != "connector" or "/" in change.resource:
        return change.resource if change.resource in resources else None
    return next((key for key, fields in resources.items() if fields["name"] == change.resource), None)
