"""Cluster links and mirror topics, through the Kafka REST interface (v3): `/kafka/v3/clusters/{id}/links`.

Source: Confluent's OpenAPI, "Cluster Linking (v3)": `ListLinksResponseData`, `ListLinkConfigsResponseData`,
`ListMirrorTopicsResponseData`. Its lists are complete (`metadata.next` is null). It takes the key of the
Kafka cluster, whose owner needs Operator on the cluster, or DESCRIBE on it through an ACL (Confluent's
"Manage Security for Cluster Linking"). Confluent Platform's brokers serve the same under `/kafka`.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, TypeVar

from msgspec.structs import replace

from mesh_assets.errors import PlatformError
from mesh_assets.estate.connections import KafkaRestConnection
from mesh_assets.inventory.cluster_link_records import (
    NO_LINK_ERROR,
    ClusterLink,
    ClusterLinks,
    LinkTask,
    MirrorTopic,
)
from mesh_assets.inventory.parts import Unread
from mesh_assets.masking.configs import mask_config, mask_text
from mesh_assets.platforms.confluent_cloud.service import (
    KAFKA_KEY_EXPECTED,
    KAFKA_KEY_LACKS,
    ConfluentCloudClient,
)
from mesh_assets.platforms.http import Answer, Credential, path_segment

NAME = "Kafka REST"
_IN_FLIGHT = 8
# A cluster or a version without links has no such path, or refuses the request outright (Confluent Platform:
# "Cluster Linking is not enabled").
_NOT_HAD = frozenset({400, 404, 405, 501})

# Of the two kinds of 401 that are published, the one that is not about rights ("Authentication failed").
_UNKNOWN_KEY = 40101
_SAID_CHARACTERS = 2_000

Part = TypeVar("Part")


class KafkaRestClient(ConfluentCloudClient[KafkaRestConnection]):
    """Reads the links of a cluster and their mirror topics; changes nothing. Safe to use from many threads."""

    service_name = NAME
    key = Credential(kind="Kafka API key", unknown=KAFKA_KEY_EXPECTED, lacking=KAFKA_KEY_LACKS)

    def cluster_links(self, cluster_id: str) -> tuple[ClusterLinks, dict[str, Unread]]:
        """What is known about links, and the parts that could not be read. Two requests, plus one per link.

        Raises PlatformError if the service is unreachable or does not know the key.
        """
        path = f"/kafka/v3/clusters/{path_segment(cluster_id)}/links"
        links = self._part(path, lambda answer: tuple(_each(answer, _link)))
        if not isinstance(links, Unread):
            with ThreadPoolExecutor(max_workers=_IN_FLIGHT, thread_name_prefix="link-configs") as pool:
                links = tuple(pool.map(lambda link: self._with_config(path, link), links))
        mirrors = self._part(f"{path}/-/mirrors", lambda answer: tuple(_each(answer, _mirror)))
        unread = {
            name: part
            for name, part in (("links", links), ("mirror_topics", mirrors))
            if isinstance(part, Unread)
        }
        found = ClusterLinks(
            links=None if isinstance(links, Unread) else tuple(sorted(links, key=lambda one: one.name)),
            mirror_topics=None
            if isinstance(mirrors, Unread)
            else tuple(sorted(mirrors, key=lambda one: one.name)),
            unknown={name: part.reason for name, part in unread.items()},
        )
        return found, unread

    def _part(self, path: str, read: Callable[[Answer], Part]) -> Part | Unread:
        answer = self._service.ask("GET", path)
        if answer.status == 403 or (answer.status == 401 and answer.error_code != _UNKNOWN_KEY):
            said = f": {answer.message}" if answer.message else ""
            reason = f"{self._service} refused {answer.who} ({answer.status}{said}); {self.key.lacking}"
            return Unread(reason=reason, expected=True)
        if answer.status in _NOT_HAD:
            said = f": {answer.message}" if answer.message else ""
            reason = f"{self._service} has no cluster links to report ({answer.status}{said})"
            return Unread(reason=reason, expected=True)
        return read(answer)

    def _with_config(self, path: str, link: ClusterLink) -> ClusterLink:
        """A link whose configs cannot be read is still a link."""
        try:
            config = self._part(f"{path}/{path_segment(link.name)}/configs", _config)
        except PlatformError as error:
            return replace(link, config_error=str(error))
        if isinstance(config, Unread):
            return replace(link, config_error=config.reason)
        return replace(link, config=config)


def _each(answer: Answer, record: Callable[[Any], Part]) -> Iterator[Part]:
    """The records of a list. Raises UnexpectedAnswerError for another shape, or a list that continues
    elsewhere."""
    value = answer.json()
    data = value.get("data") if isinstance(value, dict) else None
    if not isinstance(data, list):
        raise answer.unexpected("with something other than a list")
    metadata = value.get("metadata")
    if isinstance(metadata, dict) and metadata.get("next"):
        raise answer.unexpected("with a list that continues; it is specified as complete")
    for item in data:
        try:
            yield record(item)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise answer.unexpected(
                f"with an entry whose shape differs from the specification ({error!r})"
            ) from error


def _link(item: Any) -> ClusterLink:
    error = _text(item.get("link_error"))
    return ClusterLink(
        name=_given(item, "link_name"),
        # `link_id` is deprecated; versions before its successor have only this.
        id=_text(item.get("cluster_link_id")) or _text(item.get("link_id")) or "",
        source_cluster_id=_text(item.get("source_cluster_id")),
        destination_cluster_id=_text(item.get("destination_cluster_id")),
        remote_cluster_id=_text(item.get("remote_cluster_id")),
        state=_text(item.get("link_state")),
        error=None if error == NO_LINK_ERROR else error,
        error_message=_said(item.get("link_error_message")),
        tasks=tuple(
            LinkTask(name=_given(task, "task_name"), state=_given(task, "state"), errors=_errors(task))
            for task in item.get("tasks") or ()
        ),
    )


def _mirror(item: Any) -> MirrorTopic:
    lags = [int(one["lag"]) for one in item.get("mirror_lags") or ()]
    known = bool(lags) and min(lags) >= 0
    since = item.get("state_time_ms")
    own = _said(item.get("mirror_topic_error"))
    return MirrorTopic(
        name=_given(item, "mirror_topic_name"),
        link=_given(item, "link_name"),
        source_topic=_given(item, "source_topic_name"),
        status=_given(item, "mirror_status"),
        partitions=int(item["num_partitions"]),
        status_since=datetime.fromtimestamp(since / 1000, UTC)
        if isinstance(since, int) and since > 0
        else None,
        lag_records=sum(lags) if known else None,
        largest_lag_records=max(lags) if known else None,
        errors=(
            *((own,) if own and own != NO_LINK_ERROR else ()),
            *_errors(item, "mirror_state_transition_errors"),
        ),
    )


def _config(answer: Answer) -> dict[str, str | None]:
    """Masked; a sensitive value is left empty, so it is unknown. Newer answers call the flag `is_sensitive`, older ones `sensitive`."""
    items = list(_each(answer, lambda item: (_given(item, "name"), _text(item.get("value")), item)))
    sensitive = {name for name, _, item in items if item.get("is_sensitive") or item.get("sensitive")}
    return mask_config({name: value for name, value, _ in items}, passwords=sensitive)


def _errors(item: Any, key: str = "errors") -> tuple[str, ...]:
    return tuple(
        ": ".join(part for part in (_text(one.get("error_code")), _said(one.get("error_message"))) if part)
        for one in item.get(key) or ()
    )


def _given(item: Any, key: str) -> str:
    value = item[key]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} is {value!r}")
    return value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _said(value: Any) -> str | None:
    """The service's sentence, which may quote a link's config."""
    text = _text(value)
    return None if text is None else mask_text(text[:_SAID_CHARACTERS])
