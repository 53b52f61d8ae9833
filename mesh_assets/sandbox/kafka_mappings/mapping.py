"""A mapping: its settings, the states it goes through, and how the API describes it."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mesh_assets.sandbox.state import AWS_REGION

_DEFAULTS: dict[str, Any] = {
    "BatchSize": 100,
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRetryAttempts": -1,
    "MaximumRecordAgeInSeconds": -1,
    "BisectBatchOnFunctionError": False,
    "FunctionResponseTypes": [],
    "DestinationConfig": {"OnFailure": {}},
}
_NOT_TOLD = ("Enabled", "FunctionName", "Tags", "UUID")
USER = "USER_INITIATED: "


@dataclass(kw_only=True)
class KafkaMapping:
    """A mapping. `settings`: by the API's names.

    `state_at`: until when (`time.monotonic()`) it stays in a transitional state. `then`: the state that follows; None: it
    is deleted.
    """

    account: str
    function_arn: str
    settings: dict[str, Any]
    enabled: bool
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "Creating"
    state_at: float = 0.0
    then: str | None = None
    reason: str = USER + "Creating"
    last_result: str = "No records processed"
    modified: float = field(default_factory=time.time)

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{AWS_REGION}:{self.account}:event-source-mapping:{self.uuid}"

    @property
    def topic(self) -> str:
        return str(self.settings["Topics"][0])

    @property
    def managed(self) -> bool:
        return "EventSourceArn" in self.settings

    @property
    def _own(self) -> str:
        return "AmazonManagedKafkaEventSourceConfig" if self.managed else "SelfManagedKafkaEventSourceConfig"

    @property
    def group(self) -> str:
        return str(self.settings.get(self._own, {}).get("ConsumerGroupId") or self.uuid)

    @property
    def source(self) -> Any:
        """Two mappings of the same function, topic and source are duplicates."""
        own = (
            self.settings.get("SelfManagedEventSource", {})
            .get("Endpoints", {})
            .get("KAFKA_BOOTSTRAP_SERVERS", ())
        )
        return self.settings.get("EventSourceArn") or tuple(sorted(own))

    def setting(self, name: str) -> Any:
        return self.settings.get(name, _DEFAULTS.get(name))

    def begin(self, state: str, then: str | None, *, delay_seconds: float) -> None:
        self.state, self.then = state, then
        self.state_at = time.monotonic() + delay_seconds
        self.reason = USER + state
        self.modified = time.time()

    def settle(self) -> bool:
        """Move on to the next state if it is time; False when the mapping is gone."""
        if self.state_at and time.monotonic() >= self.state_at:
            if self.then is None:
                return False
            self.state, self.state_at = self.then, 0.0
            self.reason = USER + self.state
        return True

    @property
    def in_passing(self) -> bool:
        return self.state_at > 0

    def told(self) -> dict[str, Any]:
        """The mapping as the API describes it, ready for JSON."""
        known: Mapping[str, Any] = {**_DEFAULTS, **self.settings}
        own = {**known.get(self._own, {}), "ConsumerGroupId": self.group}
        told = {
            name: value for name, value in known.items() if name not in _NOT_TOLD and value not in (None, "")
        }
        return {
            **told,
            self._own: own,
            "UUID": self.uuid,
            "EventSourceMappingArn": self.arn,
            "FunctionArn": self.function_arn,
            "LastModified": self.modified,
            "LastProcessingResult": self.last_result,
            "State": self.state,
            "StateTransitionReason": self.reason,
        }
