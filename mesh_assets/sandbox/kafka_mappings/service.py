"""The mappings of all accounts: creating, changing, listing and deleting them, with states, conflicts and pages."""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
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

_DECRYPT, _ENCRYPT = "kms:Decrypt", "kms:GenerateDataKey"
_NOT_DECRYPTED = {
    "ErrorCode": "KMSAccessDeniedException",
    "Message": f"User is not authorized to perform: {_DECRYPT} (the stand-in was told so)",
}
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
        self._require_key(body, body)
        function = self._function(account, str(body["FunctionName"]))
        arn = body.get("EventSourceArn")
        if arn is not None and not self._cluster_exists(account, arn):
            raise invalid(
                f"Cannot access cluster: the cluster {arn} does not exist, or the function's role may not describe it."
            )
        enabled = bool(body.get("Enabled", True))
        mapping = KafkaMapping(
            account=account,
            function_arn=function,
            settings={name: value for name, value in body.items() if value != {}},
            enabled=enabled,
        )
        with self._lock:
            self._refuse_duplicate(mapping)
            self._refuse_group(mapping)
            mapping.begin(
                "Creating",
                "Enabled" if enabled else "Disabled",
                delay_seconds=self._faults.now.state_delay_seconds,
            )
            self._mappings[mapping.uuid] = mapping
            return mapping.told()

    def get(self, account: str, uuid: str) -> dict[str, Any]:
        with self._lock:
            seen = self._find(account, uuid).seen_after(self._faults.now.lag_seconds)
        if seen is None:
            raise _unknown()
        return self._readable(seen)

    def _readable(self, seen: dict[str, Any]) -> dict[str, Any]:
        """The mapping as shown to a caller who may or may not use the key of its filters."""
        if seen.get("KMSKeyArn") and _DECRYPT in self._faults.now.deny:
            return {**_listed(seen), "FilterCriteriaError": _NOT_DECRYPTED}
        return seen

    def _require_key(self, settings: Request, body: Request) -> None:
        """Filters are encrypted as the caller. Lambda's wording of a denial is not published."""
        encrypts = {"FilterCriteria", "KMSKeyArn"} & body.keys() and settings.get("KMSKeyArn")
        if encrypts and _ENCRYPT in self._faults.now.deny:
            raise RefusedRequest(
                403,
                "AccessDeniedException",
                f"User is not authorized to perform: {_ENCRYPT} on resource: {settings['KMSKeyArn']} (the stand-in was told so)",
            )

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
            self._refuse_busy(mapping, "update")
            self._refuse_fixed(mapping, body)
            wanted = mapping.merged({k: v for k, v in body.items() if k not in ("Enabled", "UUID")})
            if mapping.config_in(mapping.settings).get("SchemaRegistryConfig") and not wanted.get(
                "ProvisionedPollerConfig"
            ):
                raise invalid(
                    "You can't change to on-demand mode unless you remove your schema registry configuration first."
                )
            check_settings(wanted, managed=mapping.managed, topic=mapping.topic)
            self._require_key(wanted, body)
            function = mapping.function_arn
            if "FunctionName" in body:
                function = self._function(account, str(body["FunctionName"]))
                self._refuse_duplicate(replace(mapping, function_arn=function))
            mapping.before, mapping.function_arn = mapping.told(), function
            enabled = bool(body.get("Enabled", mapping.enabled))
            passing = "Updating" if enabled == mapping.enabled else ("Enabling" if enabled else "Disabling")
            mapping.settings, mapping.enabled = wanted, enabled
            mapping.begin(
                passing,
                "Enabled" if enabled else "Disabled",
                delay_seconds=self._faults.now.state_delay_seconds,
            )
            return self._readable(mapping.told())

    def delete(self, account: str, uuid: str) -> dict[str, Any]:
        with self._lock:
            mapping = self._find(account, uuid)
            self._refuse_busy(mapping, "delete")
            mapping.before = mapping.told()
            mapping.begin("Deleting", None, delay_seconds=self._faults.now.state_delay_seconds)
            return self._readable(mapping.told())

    def list(self, account: str, query: Mapping[str, str]) -> dict[str, Any]:
        check_shape(
            "ListEventSourceMappings",
            {**query, **({"MaxItems": int(query["MaxItems"])} if "MaxItems" in query else {})},
        )
        with self._lock:
            function = self._function(account, query["FunctionName"]) if query.get("FunctionName") else None
            found = [
                seen
                for mapping in self._mappings.values()
                if mapping.account == account
                and (seen := mapping.seen_after(self._faults.now.lag_seconds)) is not None
                and function in (None, seen["FunctionArn"])
                and query.get("EventSourceArn") in (None, seen.get("EventSourceArn"))
            ]
            try:
                start = int(query.get("Marker") or 0)
            except ValueError:
                raise invalid("Marker is not valid.") from None
            end = start + min(int(query.get("MaxItems", PAGE)), PAGE)
            page = {"EventSourceMappings": [_listed(seen) for seen in found[start:end]]}
            return page | ({"NextMarker": str(end)} if end < len(found) else {})

    def _find(self, account: str, uuid: str) -> KafkaMapping:
        mapping = self._mappings.get(uuid)
        if mapping is None or mapping.account != account:
            raise _unknown()
        return mapping

    def _function(self, account: str, name: str) -> str:
        """The function's ARN, with the version or alias as given: an alias is not replaced by its version."""
        try:
            found = self._accounts.client(account, "lambda").get_function_configuration(FunctionName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                raise RefusedRequest(
                    404, "ResourceNotFoundException", f"Function not found: {name}"
                ) from error
            raise
        bare = ":".join(str(found["FunctionArn"]).split(":")[:7])
        qualifier = _QUALIFIER.search(name)
        return bare if qualifier is None else f"{bare}:{qualifier[1]}"

    def _refuse_duplicate(self, wanted: KafkaMapping) -> None:
        for other in self._mappings.values():
            if other.uuid != wanted.uuid and (
                other.account,
                other.function_arn,
                other.source,
                other.topic,
            ) == (
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

    def _refuse_group(self, wanted: KafkaMapping) -> None:
        for other in self._mappings.values():
            if (other.account, other.group) == (wanted.account, wanted.group):
                raise invalid(
                    f"The consumer group ID must be unique among all your Kafka event sources: {wanted.group} is used by {other.uuid}."
                )

    @staticmethod
    def _refuse_busy(mapping: KafkaMapping, verb: str) -> None:
        if mapping.in_passing:
            raise RefusedRequest(
                400,
                "ResourceInUseException",
                f"Cannot {verb} the event source mapping because it is in use.",
            )

    @staticmethod
    def _refuse_fixed(mapping: KafkaMapping, wanted: Request) -> None:
        before, after = mapping.config_in(mapping.settings), mapping.config_in(wanted)
        if after.get("ConsumerGroupId", mapping.group) != mapping.group:
            raise invalid(f"ConsumerGroupId {_FIXED}.")
        if after.get("ConsumptionMode", before.get("ConsumptionMode")) != before.get("ConsumptionMode"):
            raise invalid(f"ConsumptionMode {_FIXED}.")


def _check_filters(body: Request) -> None:
    try:
        checked((body.get("FilterCriteria") or {}).get("Filters") or ())
    except ValueError as error:
        raise invalid(str(error)) from error


_QUALIFIER = re.compile(r"(?:^|:function:|^\d{12}:(?!function:))[\w-]+:(\$LATEST|[\w-]+)$")


def _listed(seen: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping as the list describes it: without encrypted filters."""
    hidden = ("FilterCriteria",) if seen.get("KMSKeyArn") else ()
    return {name: value for name, value in seen.items() if name not in hidden}


def _unknown() -> RefusedRequest:
    return RefusedRequest(404, "ResourceNotFoundException", "The resource you requested does not exist.")
