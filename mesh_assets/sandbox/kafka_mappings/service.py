"""The mappings of all accounts: creating, changing, listing and deleting them, with states, conflicts and pages."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from mesh_assets.sandbox.kafka_mappings.batches import checked
from mesh_assets.sandbox.kafka_mappings.mapping import KafkaMapping
from mesh_assets.sandbox.kafka_mappings.refusals import (
    FaultBoard,
    RefusedRequest,
    Request,
    check_create,
    check_settings,
    check_shape,
    invalid,
)
from mesh_assets.sandbox.kafka_mappings.roles import Accounts

PAGE = 100
"""AWS's own page limit, whatever MaxItems says."""

_FIXED = "cannot be changed"
_NEVER_UPDATED = (
    "EventSourceArn",
    "SelfManagedEventSource",
    "Topics",
    "StartingPosition",
    "StartingPositionTimestamp",
    "Tags",
    "Queues",
)


class MappingService:
    """The API's operations; each raises `RefusedRequest`.

    `cluster_exists`: whether the account has an MSK cluster with that ARN. `watch`: called with each mapping at every
    tick.
    """

    def __init__(
        self,
        accounts: Accounts,
        faults: FaultBoard,
        *,
        cluster_exists: Callable[[str, str], bool],
        watch: Callable[[KafkaMapping, bool], None],
    ) -> None:
        self._accounts = accounts
        self._faults = faults
        self._cluster_exists = cluster_exists
        self._watch = watch
        self._lock = threading.RLock()
        self._mappings: dict[str, KafkaMapping] = {}

    def settle(self) -> None:
        """Let time pass; called at every tick."""
        with self._lock:
            for mapping in list(self._mappings.values()):
                lives = mapping.settle()
                if not lives:
                    del self._mappings[mapping.uuid]
                self._watch(mapping, lives)

    def create(self, account: str, body: Request) -> dict[str, Any]:
        check_create(body)
        _check_filters(body)
        function = self._function(account, str(body["FunctionName"]))
        arn = body.get("EventSourceArn")
        if arn is not None and not self._cluster_exists(account, arn):
            raise invalid(
                f"Cannot access cluster: the cluster {arn} does not exist, or the function's role may not describe it."
            )
        enabled = bool(body.get("Enabled", True))
        mapping = KafkaMapping(account=account, function_arn=function, settings=dict(body), enabled=enabled)
        with self._lock:
            self._refuse_duplicate(mapping)
            mapping.begin(
                "Creating",
                "Enabled" if enabled else "Disabled",
                delay_seconds=self._faults.now.state_delay_seconds,
            )
            self._mappings[mapping.uuid] = mapping
            return mapping.told()

    def get(self, account: str, uuid: str) -> dict[str, Any]:
        with self._lock:
            return self._find(account, uuid).told()

    def update(self, account: str, uuid: str, body: Request) -> dict[str, Any]:
        for name in _NEVER_UPDATED:
            if name in body:
                raise RefusedRequest(
                    400, "ValidationException", f"1 validation error detected: unknown member {name}"
                )
        check_shape("UpdateEventSourceMapping", {**body, "UUID": uuid})
        _check_filters(body)
        with self._lock:
            mapping = self._find(account, uuid)
            self._refuse_busy(mapping)
            wanted = {
                **mapping.settings,
                **{name: value for name, value in body.items() if name not in ("Enabled", "UUID")},
            }
            self._refuse_fixed(mapping, wanted)
            check_settings(wanted, managed=mapping.managed, topic=mapping.topic)
            if "FunctionName" in body:
                mapping.function_arn = self._function(account, str(body["FunctionName"]))
            enabled = bool(body.get("Enabled", mapping.enabled))
            passing = "Updating" if enabled == mapping.enabled else ("Enabling" if enabled else "Disabling")
            mapping.settings, mapping.enabled = wanted, enabled
            mapping.begin(
                passing,
                "Enabled" if enabled else "Disabled",
                delay_seconds=self._faults.now.state_delay_seconds,
            )
            return mapping.told()

    def delete(self, account: str, uuid: str) -> dict[str, Any]:
        with self._lock:
            mapping = self._find(account, uuid)
            self._refuse_busy(mapping)
            mapping.begin("Deleting", None, delay_seconds=self._faults.now.state_delay_seconds)
            return mapping.told()

    def list(self, account: str, query: Mapping[str, str]) -> dict[str, Any]:
        check_shape(
            "ListEventSourceMappings",
            {**query, **({"MaxItems": int(query["MaxItems"])} if "MaxItems" in query else {})},
        )
        with self._lock:
            function = self._function(account, query["FunctionName"]) if query.get("FunctionName") else None
            found = [
                mapping
                for mapping in self._mappings.values()
                if mapping.account == account
                and function in (None, mapping.function_arn)
                and query.get("EventSourceArn") in (None, mapping.settings.get("EventSourceArn"))
            ]
            try:
                start = int(query.get("Marker") or 0)
            except ValueError:
                raise invalid("Marker is not valid.") from None
            end = start + min(int(query.get("MaxItems", PAGE)), PAGE)
            page = {"EventSourceMappings": [mapping.told() for mapping in found[start:end]]}
            return page | ({"NextMarker": str(end)} if end < len(found) else {})

    def _find(self, account: str, uuid: str) -> KafkaMapping:
        mapping = self._mappings.get(uuid)
        if mapping is None or mapping.account != account:
            raise RefusedRequest(
                404, "ResourceNotFoundException", "The resource you requested does not exist."
            )
        return mapping

    def _function(self, account: str, name: str) -> str:
        """The function's ARN, with the qualifier as given."""
        try:
            found = self._accounts.client(account, "lambda").get_function_configuration(FunctionName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                raise RefusedRequest(
                    404, "ResourceNotFoundException", f"Function not found: {name}"
                ) from error
            raise
        return str(found["FunctionArn"])

    def _refuse_duplicate(self, wanted: KafkaMapping) -> None:
        for other in self._mappings.values():
            if (other.account, other.function_arn, other.source, other.topic) == (
                wanted.account,
                wanted.function_arn,
                wanted.source,
                wanted.topic,
            ):
                raise RefusedRequest(
                    409,
                    "ResourceConflictException",
                    f'An event source mapping with Kafka cluster ("{other.source}"), topic ("{other.topic}") and function '
                    f'("{other.function_arn}") already exists. Please update or delete the existing mapping with UUID {other.uuid}',
                )

    @staticmethod
    def _refuse_busy(mapping: KafkaMapping) -> None:
        if mapping.in_passing:
            raise RefusedRequest(
                400,
                "ResourceInUseException",
                f"Cannot change the event source mapping because it is in use: it is {mapping.state}.",
            )

    @staticmethod
    def _refuse_fixed(mapping: KafkaMapping, wanted: Request) -> None:
        name = (
            "AmazonManagedKafkaEventSourceConfig" if mapping.managed else "SelfManagedKafkaEventSourceConfig"
        )
        before, after = mapping.settings.get(name, {}), wanted.get(name, {})
        if after.get("ConsumerGroupId", mapping.group) != mapping.group:
            raise invalid(f"ConsumerGroupId {_FIXED}.")
        if after.get("ConsumptionMode", before.get("ConsumptionMode")) != before.get("ConsumptionMode"):
            raise invalid(f"ConsumptionMode {_FIXED}.")


def _check_filters(body: Request) -> None:
    try:
        checked((body.get("FilterCriteria") or {}).get("Filters") or ())
    except ValueError as error:
        raise invalid(str(error)) from error
