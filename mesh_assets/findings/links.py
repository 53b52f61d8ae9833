"""Rules about links to other clusters, and the topics that they mirror."""

from collections.abc import Iterator

from mesh_assets.findings.case import Case, minute
from mesh_assets.findings.finding import Figure, Found
from mesh_assets.inventory.cluster_link_records import (
    BROKEN_MIRRORS,
    ENDED_MIRRORS,
    PAUSED_MIRRORS,
    MirrorTopic,
)
from mesh_assets.inventory.wording import counted, shortened

_ERROR_CHARACTERS = 200


def judge_cluster_links(case: Case) -> Iterator[Found]:
    """A link that says what is wrong with it. Its state alone says too little: a link at its source has others."""
    known = case.document.cluster_links
    mirrors = (known.mirror_topics if known else None) or ()
    for link in (known.links if known else None) or ():
        if link.error is None:
            continue
        affected = sum(1 for one in mirrors if one.link == link.name and one.status not in ENDED_MIRRORS)
        said = f": {shortened(link.error_message, _ERROR_CHARACTERS)}" if link.error_message else ""
        whence = "" if link.origin_id is None else f" from {link.origin_id}"
        sentence = f"{link.name}: the link{whence} fails with {link.error}, and {counted(affected, 'mirror topic')} with it{said}"
        yield Found("cluster_link_failed", "critical", link.name, sentence, {"mirror_topics": affected})


def judge_mirror_topics(case: Case) -> Iterator[Found]:
    known = case.document.cluster_links
    for mirror in (known.mirror_topics if known else None) or ():
        evidence: dict[str, Figure] = {"lag_records": mirror.lag_records, "partitions": mirror.partitions}
        if mirror.status in BROKEN_MIRRORS:
            reason = f": {shortened(mirror.errors[0], _ERROR_CHARACTERS)}" if mirror.errors else ""
            yield Found("mirror_topic_failed", "critical", mirror.name, f"{_what(mirror)}{reason}", evidence)
        elif mirror.status in PAUSED_MIRRORS:
            lag = "" if mirror.lag_records is None else f"; {counted(mirror.lag_records, 'record')} wait"
            yield Found("mirror_topic_paused", "warning", mirror.name, f"{_what(mirror)}{lag}", evidence)


def _what(mirror: MirrorTopic) -> str:
    since = "" if mirror.status_since is None else f" since {minute(mirror.status_since)}"
    return f"{mirror.name}: as a mirror of {mirror.source_topic}, by the link {mirror.link}, it is {mirror.status}{since}"
