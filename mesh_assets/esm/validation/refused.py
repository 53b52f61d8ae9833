"""What other event sources have and Kafka has not: taken, so that the answer can say why."""

from collections.abc import Iterator

from mesh_assets.esm.findings import Finding, fault
from mesh_assets.esm.validation.subject import Subject

_NOT_FOR_KAFKA = {
    "tumbling_window": (
        "tumbling windows exist for Kinesis and DynamoDB streams only",
        "leave it out; to aggregate, use max_batching_window or a stream processor",
    ),
    "parallelization_factor": (
        "exists for Kinesis and DynamoDB streams only; Kafka's parallelism is its partitions",
        "leave it out; add partitions, or pollers in provisioned mode",
    ),
    "maximum_concurrency": (
        "ScalingConfig exists for SQS only",
        "leave it out; set max_pollers, or the function's reserved concurrency",
    ),
}


def refused_findings(subject: Subject) -> Iterator[Finding]:
    for field, (rule, action) in _NOT_FOR_KAFKA.items():
        value = getattr(subject.request, field)
        if value is not None:
            yield fault(field, value, rule, action)
