"""What a discovery says at its end: every figure that the terminal, `--json` and the UI show, in one record."""

from datetime import datetime

from mesh_assets.inventory.document import Summary
from mesh_assets.inventory.key_figures import KeyFigures
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.sections import SectionName, SectionState
from mesh_assets.inventory.triggers import Trigger


class EventReport(Record, frozen=True, kw_only=True):
    """Where the event went. `compressed_bytes`: the batch that carried it, as sent and stored; None if
    unknown.

    `approximate_tokens`: JSON bytes of the document divided by four, a rule of thumb for language models.
    """

    topic: str
    partition: int
    offset: int
    bytes: int
    compressed_bytes: int | None
    approximate_tokens: int
    claim_check: bool


class DiscoveryReport(Record, frozen=True, kw_only=True):
    """`total_changes`: those a person counts (a new schema version is one, whatever comes along with it);
    None: there was no earlier document to compare with. `first_changes`: the sentences of the first of them.

    `seconds` is from the first read to the moved pointer. `level_requests`: how many of the HTTP requests
    were for levels and modes of subjects. `notes`: what the user should know though it stopped nothing.
    """

    cluster: str
    cluster_id: str
    environment: str | None
    run_id: str
    sequence: int
    trigger: Trigger
    discovery_timestamp: datetime
    seconds: float
    phases: dict[str, float]
    kafka_calls: int
    http_requests: int
    level_requests: int
    summary: Summary
    schemas_by_type: dict[str, int]
    inactive_connectors: tuple[str, ...]
    groups_behind: int
    sections: dict[SectionName, SectionState]
    total_changes: int | None
    first_changes: tuple[str, ...]
    event: EventReport
    inventory_location: str
    notes: tuple[str, ...]
    metrics: KeyFigures = KeyFigures()
