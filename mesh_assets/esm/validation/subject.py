"""What the rules examine: the request and, for an update, the existing mapping."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mesh_assets.esm.api_request import provisioned_mode_asked
from mesh_assets.esm.errors import Violation, fault
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.request import CreateRequest, UpdateRequest

Source = Literal["msk", "self_managed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A request in its context. `existing` None: the mapping is to be created.

    `source` None: the request names neither source or both. That is a violation of its own, and rules that
    depend on the source stay silent.
    """

    request: CreateRequest | UpdateRequest
    source: Source | None
    existing: EventSourceMapping | None = None

    @property
    def creating(self) -> bool:
        return self.existing is None

    @property
    def topic(self) -> str | None:
        return self.request.kafka_topic if self.existing is None else self.existing.topic

    @property
    def queue_mode(self) -> bool:
        """Whether it consumes as a share group (ConsumptionMode Queue)."""
        if self.existing is None:
            return self.request.consumption_mode == "Queue"
        return self.existing_config("SelfManagedKafkaEventSourceConfig").get("ConsumptionMode") == "Queue"

    @property
    def provisioned(self) -> bool:
        """Whether it has dedicated pollers once the request is applied."""
        asked = provisioned_mode_asked(self.request)
        return asked if asked is not None else self.existing is not None and self.existing.is_provisioned

    @property
    def ends_provisioned_mode(self) -> bool:
        return self.existing is not None and self.existing.is_provisioned and not self.provisioned

    def existing_config(self, name: str) -> Mapping[str, Any]:
        """A config of the existing mapping, by the API's name; empty if it has none or is new."""
        return {} if self.existing is None else self.existing.configuration.get(name) or {}

    def after(self, name: str) -> Any:
        """The setting's value once the request is applied.

        Only for settings that the mapping has under the same name.
        """
        asked = getattr(self.request, name)
        return asked if asked is not None or self.existing is None else getattr(self.existing, name)


def not_among(field: str, value: str, choices: Sequence[str]) -> Violation:
    """The violation by a value that is not one of the choices."""
    return fault(field, value, f"is not one of {', '.join(choices)}", "choose one of them")


def repeated(field: str, values: Iterable[str]) -> Iterator[Violation]:
    """A violation for each value that is given more than once."""
    for value, times in Counter(values).items():
        if times > 1:
            yield fault(field, value, f"is given {times} times", "name it once")


def choice_violations(field: str, values: Sequence[str], choices: Sequence[str]) -> Iterator[Violation]:
    """What is wrong with a list of choices: not one of them, or given twice."""
    for value in dict.fromkeys(values):
        if value not in choices:
            yield not_among(field, value, choices)
    yield from repeated(field, values)


def source_of(request: CreateRequest | UpdateRequest) -> Source | None:
    """Which kind of source the request names; None for neither or both."""
    has_arn, has_servers = bool(request.event_source_arn), bool(request.kafka_bootstrap_servers)
    if has_arn == has_servers:
        return None
    return "msk" if has_arn else "self_managed"
