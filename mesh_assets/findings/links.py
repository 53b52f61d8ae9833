"""Rules about links to other clusters, and the topics that they mirror."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from mesh_assets.findings.case import Case, minute
from mesh_assets.findings.finding import Figure, Found
from mesh_assets.inventory.cluster_link_records import (
    BROKEN_MIRRORS,
    ENDED_MIRRORS,
    PAUSED_MIRRORS,
    ClusterLink,
    MirrorTopic,
)
from mesh_assets.inventory.wording import counted, listed, plural, shortened

_ERROR_CHARACTERS = 200
_LINK_FAILED, _LINK_PAUSED, _TASK_FAILED = "LINK_FAILED", "LINK_PAUSED", "IN_ERROR"


def judge_cluster_links(case: Case) -> Iterator[Found]:
    """One finding for what is wrong with a link, however many topics it mirrors. Its state alone says too little: a link has
    different states at its source."""
    known = case.document.cluster_links
    links = {link.name: link for link in (known.links if known else None) or ()}
    mirrors: defaultdict[str, list[MirrorTopic]] = defaultdict(list)
    for one in (known.mirror_topics if known else None) or ():
        if one.status not in ENDED_MIRRORS:
            mirrors[one.link].append(one)
    for name in dict.fromkeys((*links, *mirrors)):
        link, affected = links.get(name), mirrors[name]
        error = None if link is None else link.error
        paused = [one for one in affected if one.status == _LINK_PAUSED]
        if error is not None or any(one.status == _LINK_FAILED for one in affected):
            said = "" if link is None or not link.error_message else f": {_short(link.error_message)}"
            fails = f"fails with {error}" if error is not None else "has failed"
            sentence = f"{name}: the link{_whence(link)} {fails}, and {counted(len(affected), 'mirror topic')} with it{said}"
            yield Found("cluster_link_failed", "critical", name, sentence, {"mirror_topics": len(affected)})
            continue
        if paused:
            waiting = sum(one.lag_records or 0 for one in paused)
            sentence = (
                f"{name}: the link{_whence(link)} is paused, and {counted(len(paused), 'mirror topic')} with it; "
                f"{_at_least(paused)}{counted(waiting, 'record')} {plural(waiting, 'waits', 'wait')}"
            )
            evidence: dict[str, Figure] = {"mirror_topics": len(paused), "lag_records": waiting}
            yield Found("cluster_link_paused", "warning", name, sentence, evidence)
        failed = [task for task in (link.tasks if link is not None else ()) if task.state == _TASK_FAILED]
        if failed:
            errors = [f": {_short(task.errors[0])}" if task.errors else "" for task in failed]
            words = listed([f"{task.name}{error}" for task, error in zip(failed, errors, strict=True)])
            sentence = f"{name}: the link{_whence(link)} mirrors, but {counted(len(failed), 'other task')} failed: {words}"
            yield Found(
                "cluster_link_task_failed",
                "warning",
                name,
                sentence,
                {"tasks": tuple(task.name for task in failed)},
            )


def judge_mirror_topics(case: Case) -> Iterator[Found]:
    """What is wrong with single mirror topics; problems of their link have a finding of their own."""
    known = case.document.cluster_links
    broken_links = {link.name for link in (known.links if known else None) or () if link.error is not None}
    for mirror in (known.mirror_topics if known else None) or ():
        evidence: dict[str, Figure] = {"lag_records": mirror.lag_records, "partitions": mirror.partitions}
        if mirror.status in (_LINK_FAILED, _LINK_PAUSED) or mirror.link in broken_links:
            continue
        if mirror.status in BROKEN_MIRRORS:
            reason = f": {_short(mirror.errors[0])}" if mirror.errors else ""
            yield Found("mirror_topic_failed", "critical", mirror.name, f"{_what(mirror)}{reason}", evidence)
        elif mirror.status in PAUSED_MIRRORS:
            lag = "" if mirror.lag_records is None else f"; {counted(mirror.lag_records, 'record')} wait"
            yield Found("mirror_topic_paused", "warning", mirror.name, f"{_what(mirror)}{lag}", evidence)


def _whence(link: ClusterLink | None) -> str:
    return "" if link is None or link.origin_id is None else f" from {link.origin_id}"


def _at_least(mirrors: Sequence[MirrorTopic]) -> str:
    return "at least " if any(one.lag_records is None for one in mirrors) else ""


def _short(text: str) -> str:
    return shortened(text, _ERROR_CHARACTERS)


def _what(mirror: MirrorTopic) -> str:
    since = "" if mirror.status_since is None else f" since {minute(mirror.status_since)}"
    return f"{mirror.name}: as a mirror of {mirror.source_topic}, by the link {mirror.link}, it is {mirror.status}{since}"
