"""What the mapping tells of itself: metrics and its own log."""

from collections import Counter
from collections.abc import Iterator

from mesh_assets.esm.findings import Finding, fault
from mesh_assets.esm.validation.subject import Subject

METRICS = ("EventCount", "ErrorCount", "KafkaMetrics")
LOG_LEVELS = ("DEBUG", "INFO", "WARN")


def observing_findings(subject: Subject) -> Iterator[Finding]:
    metrics, level = subject.request.metrics, subject.request.log_level
    if metrics == () and subject.creating:
        yield fault("metrics", "()", "is empty", f"name some of {', '.join(METRICS)}, or leave it out")
    for name, times in Counter(metrics or ()).items():
        if name not in METRICS:
            yield fault("metrics", name, f"is none of {', '.join(METRICS)}", "choose among them")
        elif times > 1:
            yield fault("metrics", name, f"stands there {times} times", "name it once")
    if level is None:
        return
    if level not in LOG_LEVELS:
        yield fault("log_level", level, f"is none of {', '.join(LOG_LEVELS)}", "choose one of them")
    if not subject.provisioned:
        yield fault(
            "log_level",
            level,
            "the poller's log is there in provisioned mode only",
            "set provisioned_mode, or leave it out",
        )
