"""Event source mappings of one account and region, for the commands, the jobs and the agents' tools."""

import time
from collections.abc import Callable

from mesh_assets.esm.applying import Applied, apply_plan
from mesh_assets.esm.aws_account import AwsAccount
from mesh_assets.esm.errors import InvalidRequestError, MappingNotFoundError, fault
from mesh_assets.esm.estate_clusters import estate_formats, estate_topics
from mesh_assets.esm.execution_role import plan_execution_role, plan_function_permissions
from mesh_assets.esm.lookup import (
    DEFAULT_DEADLINE_SECONDS,
    Progress,
    Wanted,
    find_mapping,
    list_mappings,
    wait_until,
)
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.plan import Plan
from mesh_assets.esm.planning import (
    DEFAULT_OPTIONS,
    PlanOptions,
    plan_create,
    plan_delete,
    plan_mapping_permissions,
    plan_update,
)
from mesh_assets.esm.request import CreateRequest, NamedMapping, PermissionsRequest, UpdateRequest
from mesh_assets.esm.surroundings import TopicLookup
from mesh_assets.esm.value_format import FormatLookup
from mesh_assets.estate.model import Estate


class MappingService:
    """Lists, finds, plans and changes mappings; every change needs the id of its plan.

    Contacts nothing until asked. `lookup_topic`, `lookup_format` None: topics and the format of their values are looked up
    over the estate's own connections.
    Besides the errors named below, every method raises PlatformError when AWS or Kafka refuses or does not
    answer.
    """

    def __init__(
        self,
        account: AwsAccount,
        estate: Estate | None = None,
        *,
        lookup_topic: TopicLookup | None = None,
        lookup_format: FormatLookup | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.account = account
        self._lookup_topic = lookup_topic or estate_topics(estate, account)
        self._lookup_format = lookup_format or estate_formats(estate, account)
        self._sleep = sleep
        self._changed: dict[str, EventSourceMapping] = {}

    def list(
        self,
        *,
        function: str | None = None,
        source: str | None = None,
        topic: str | None = None,
        state: str | None = None,
    ) -> tuple[EventSourceMapping, ...]:
        """All mappings that match."""
        return list_mappings(self.account, function=function, source=source, topic=topic, state=state)

    def get(
        self,
        uuid: str | None = None,
        *,
        function: str | None = None,
        source: str | None = None,
        topic: str | None = None,
    ) -> EventSourceMapping:
        """The mapping with this UUID, or with function, source and topic.

        Raises MappingNotFoundError, AmbiguousMappingError.
        """
        return find_mapping(self.account, uuid=uuid, function=function, source=source, topic=topic)

    def named(self, named: str | NamedMapping) -> EventSourceMapping:
        """The mapping that a UUID, or one of the ways to name a mapping, means. Raises as `get` does."""
        if isinstance(named, str):
            return self.get(named)
        return self.get(
            named.uuid or None, function=named.function_name, source=named.source, topic=named.kafka_topic
        )

    # --- plans: these only read, and raise like the functions of the same name

    def plan_create(self, request: CreateRequest, options: PlanOptions = DEFAULT_OPTIONS) -> Plan:
        return plan_create(
            self.account,
            request,
            options=options,
            lookup_topic=self._lookup_topic,
            lookup_format=self._lookup_format,
        )

    def plan_update(self, request: UpdateRequest, options: PlanOptions = DEFAULT_OPTIONS) -> Plan:
        return plan_update(self.account, request, options=options, lookup_format=self._lookup_format)

    def plan_delete(self, named: str | NamedMapping) -> Plan:
        return plan_delete(self.account, self.named(named))

    def plan_permissions(self, named: str | PermissionsRequest) -> Plan:
        """The rights of the named mapping; if it does not exist yet, of the described one. Raises InvalidRequestError if
        `named` has both a UUID and a description."""
        if isinstance(named, str):
            return plan_mapping_permissions(self.account, self.get(named))
        if named.uuid and named.describes_a_mapping:
            raise InvalidRequestError(
                [
                    fault(
                        "uuid",
                        named.uuid,
                        "names a mapping, whose own settings decide which rights it needs",
                        "leave out the UUID, or what describes another mapping",
                    )
                ]
            )
        if named.uuid:
            return plan_mapping_permissions(self.account, self.named(named))
        if not named.describes_a_mapping:
            try:
                return plan_mapping_permissions(self.account, self.named(named))
            except MappingNotFoundError:
                pass  # it need not exist yet
        return plan_function_permissions(self.account, named, lookup_topic=self._lookup_topic)

    def plan_execution_role(self, role_name: str, request: CreateRequest) -> Plan:
        return plan_execution_role(self.account, role_name, request)

    # --- applying: the plan is made again and must have the same id; raises like planning and `apply_plan`

    def create(self, request: CreateRequest, plan_id: str, options: PlanOptions = DEFAULT_OPTIONS) -> Applied:
        return self._apply(self.plan_create(request, options), plan_id, options)

    def update(self, request: UpdateRequest, plan_id: str, options: PlanOptions = DEFAULT_OPTIONS) -> Applied:
        return self._apply(self.plan_update(request, options), plan_id, options)

    def delete(self, named: str | NamedMapping, plan_id: str) -> Applied:
        return self._apply(self.plan_delete(named), plan_id)

    def add_permissions(self, named: str | PermissionsRequest, plan_id: str) -> Applied:
        return self._apply(self.plan_permissions(named), plan_id)

    def create_execution_role(self, role_name: str, request: CreateRequest, plan_id: str) -> Applied:
        return self._apply(self.plan_execution_role(role_name, request), plan_id)

    def wait(
        self,
        uuid: str,
        wanted: Wanted,
        *,
        deadline_seconds: float = DEFAULT_DEADLINE_SECONDS,
        progress: Callable[[Progress], None] | None = None,
    ) -> EventSourceMapping | None:
        """Waits for a state, after this service's own last change of the mapping. Raises like `wait_until`."""
        return wait_until(
            self.account,
            uuid,
            wanted,
            after=self._changed.get(uuid),
            deadline_seconds=deadline_seconds,
            progress=progress,
            sleep=self._sleep,
        )

    def _apply(self, plan: Plan, plan_id: str, options: PlanOptions = DEFAULT_OPTIONS) -> Applied:
        applied = apply_plan(self.account, plan, plan_id, options=options, sleep=self._sleep)
        if applied.mapping is not None:
            self._changed[applied.mapping.uuid] = applied.mapping
        return applied
