"""Provisioned mode: pollers of its own, alone or in a group."""

import re
from collections.abc import Iterator

from mesh_assets.esm.api_request import DEFAULT_MIN_POLLERS, effective_pollers
from mesh_assets.esm.findings import Finding, fault
from mesh_assets.esm.validation.subject import Subject

MOST_MIN_POLLERS = 200
MOST_MAX_POLLERS = 2_000
"""For Kafka. The model's 10,000 are for SQS."""

_GROUP = re.compile(r"[a-zA-Z0-9-_]{0,128}")


def poller_findings(subject: Subject) -> Iterator[Finding]:
    request = subject.request
    if request.provisioned_mode is False:
        for field in ("min_pollers", "max_pollers", "poller_group"):
            if getattr(request, field):
                yield fault(
                    field,
                    getattr(request, field),
                    "needs provisioned mode, and provisioned_mode is false",
                    "leave one of them out",
                )
        return
    lowest, highest = request.min_pollers, request.max_pollers
    if lowest is not None and not 1 <= lowest <= MOST_MIN_POLLERS:
        yield fault(
            "min_pollers",
            lowest,
            f"1-{MOST_MIN_POLLERS}",
            f"correct it; the default is {DEFAULT_MIN_POLLERS}",
        )
    if highest is not None and not 1 <= highest <= MOST_MAX_POLLERS:
        yield fault("max_pollers", highest, f"1-{MOST_MAX_POLLERS} for Kafka", "correct it")
    if subject.provisioned:
        least, most = effective_pollers(request, subject.existing)
        if least > most:
            yield fault(
                "min_pollers",
                least,
                f"is more than max_pollers, {most}",
                "raise max_pollers or lower min_pollers",
            )
    yield from _group(subject)


def _group(subject: Subject) -> Iterator[Finding]:
    group = subject.request.poller_group
    if group is None:
        return
    if not _GROUP.fullmatch(group):
        yield fault("poller_group", group, "up to 128 letters, digits, '-' and '_'", "choose another")
    elif group == "" and subject.creating:
        yield fault(
            "poller_group",
            "''",
            "is empty, which makes a mapping leave its group, and a new one has none",
            "leave it out",
        )
    elif not subject.provisioned:
        yield fault(
            "poller_group",
            group,
            "only mappings in provisioned mode share pollers",
            "set provisioned_mode, or leave it out",
        )
