"""All rules over one request."""

from collections.abc import Callable, Iterator, Sequence

from mesh_assets.esm.api_request import create_arguments, update_arguments
from mesh_assets.esm.errors import InvalidRequestError
from mesh_assets.esm.findings import Finding
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.request import CreateRequest, UpdateRequest
from mesh_assets.esm.validation.batches import batch_findings
from mesh_assets.esm.validation.failures import failure_findings
from mesh_assets.esm.validation.filters import filter_findings
from mesh_assets.esm.validation.model import model_findings
from mesh_assets.esm.validation.observing import observing_findings
from mesh_assets.esm.validation.place import place_findings
from mesh_assets.esm.validation.pollers import poller_findings
from mesh_assets.esm.validation.refused import refused_findings
from mesh_assets.esm.validation.registry import registry_findings
from mesh_assets.esm.validation.source_access import source_access_findings
from mesh_assets.esm.validation.start import start_findings
from mesh_assets.esm.validation.subject import Subject, source_of
from mesh_assets.esm.validation.tags import tag_findings
from mesh_assets.esm.validation.unchangeable import unchangeable_findings

_RULES: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    place_findings,
    unchangeable_findings,
    source_access_findings,
    start_findings,
    batch_findings,
    poller_findings,
    failure_findings,
    filter_findings,
    registry_findings,
    observing_findings,
    tag_findings,
    refused_findings,
)


def create_findings(request: CreateRequest) -> tuple[Finding, ...]:
    """Every rule a mapping to be made breaks, and every warning. Nothing is called."""
    subject = Subject(request=request, source=source_of(request))
    found = [finding for rule in _RULES for finding in rule(subject)]
    return _with_the_model(found, "CreateEventSourceMapping", create_arguments(request))


def update_findings(request: UpdateRequest, existing: EventSourceMapping) -> tuple[Finding, ...]:
    """Every rule a change of the mapping breaks, and every warning. Nothing is called."""
    subject = Subject(
        request=request, source="msk" if existing.event_source_arn else "self_managed", existing=existing
    )
    found = [finding for rule in _RULES for finding in rule(subject)]
    return _with_the_model(found, "UpdateEventSourceMapping", update_arguments(request, existing))


def require_no_fault(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The warnings among the findings. Raises InvalidRequestError with all faults when there is one."""
    faults = [finding for finding in findings if finding.severity == "fault"]
    if faults:
        raise InvalidRequestError(faults)
    return tuple(findings)


def _with_the_model(
    found: list[Finding], operation: str, arguments: dict[str, object]
) -> tuple[Finding, ...]:
    """The model has the last word, for a limit that is newer than our rules; what we said of a field better
    is not said again."""
    said = {finding.field.split(".")[0].split("[")[0] for finding in found if finding.severity == "fault"}
    return (
        *found,
        *(finding for finding in model_findings(operation, arguments) if finding.field not in said),
    )
