"""How many records an invocation gets, and how long they are gathered."""

from collections.abc import Iterator

from mesh_assets.esm.findings import Finding, fault, warning
from mesh_assets.esm.validation.subject import Subject

_LARGEST_BATCH = 10_000
_LONGEST_WINDOW_SECONDS = 300


def batch_findings(subject: Subject) -> Iterator[Finding]:
    size, window = subject.request.batch_size, subject.request.max_batching_window
    if size is not None and not 1 <= size <= _LARGEST_BATCH:
        yield fault("batch_size", size, f"1-{_LARGEST_BATCH} for Kafka", "correct it; the default is 100")
    if window is None:
        return
    if subject.queue_mode:
        yield fault(
            "max_batching_window", window, "a queue (share group) has no batching window", "leave it out"
        )
    elif not 0 <= window <= _LONGEST_WINDOW_SECONDS:
        yield fault("max_batching_window", window, f"0-{_LONGEST_WINDOW_SECONDS} seconds", "correct it")
    elif subject.existing is None or subject.existing.max_batching_window != window:
        yield warning(
            "max_batching_window",
            window,
            "the default of 500 ms cannot be had again once it was changed, but by making the mapping anew",
            "leave it out if 500 ms do",
        )
