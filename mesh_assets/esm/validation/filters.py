"""Which records reach the function."""

import json
from collections.abc import Iterator

from mesh_assets.esm.arns import arn_in
from mesh_assets.esm.findings import Finding, fault, warning
from mesh_assets.esm.validation.subject import Subject

_LONGEST_PATTERN = 4_096
_FILTERS_WITHOUT_ASKING = 5


def filter_findings(subject: Subject) -> Iterator[Finding]:
    patterns = subject.request.filter_patterns
    for number, pattern in enumerate(patterns or ()):
        yield from _pattern(f"filter_patterns[{number}]", pattern)
    if patterns is not None and len(patterns) > _FILTERS_WITHOUT_ASKING:
        yield warning(
            "filter_patterns",
            len(patterns),
            f"an account has {_FILTERS_WITHOUT_ASKING} filters a mapping unless more were granted",
            "check the quota",
        )
    if patterns == () and subject.creating:
        yield fault("filter_patterns", "()", "is empty", "leave it out to let every record pass")
    key = subject.request.filter_kms_key_arn
    if not key:
        return
    arn = arn_in(key)
    if arn is None or arn.service != "kms":
        yield fault("filter_kms_key_arn", key, "is no ARN of a KMS key", "give the key's ARN")
    if not subject.after("filter_patterns"):
        yield fault(
            "filter_kms_key_arn",
            key,
            "encrypts filter patterns, and there are none",
            "add filter_patterns, or leave it out",
        )


def _pattern(field: str, pattern: str) -> Iterator[Finding]:
    if len(pattern) > _LONGEST_PATTERN:
        yield fault(
            field,
            pattern,
            f"a pattern has at most {_LONGEST_PATTERN} characters, this has {len(pattern)}",
            "shorten it",
        )
        return
    try:
        read = json.loads(pattern)
    except json.JSONDecodeError as error:
        yield fault(
            field,
            pattern,
            f"is no JSON ({error.msg} at {error.pos})",
            'write it like {"value": {"status": ["failed"]}}',
        )
        return
    if not isinstance(read, dict):
        yield fault(
            field, pattern, "a pattern is a JSON object", 'write it like {"value": {"status": ["failed"]}}'
        )
