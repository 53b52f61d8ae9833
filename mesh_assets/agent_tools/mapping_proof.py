"""Tools: connections, test messages, and the proof that a mapping processes. All work as the mapping with the
UUID does."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from pydantic import Field

from mesh_assets.agent_tools.event_source_mappings import (
    MakeService,
    PlanId,
    Uuid,
    mapping_service,
)
from mesh_assets.answering.answers import Answer, Name
from mesh_assets.answering.calls import current_call
from mesh_assets.answering.pages import BadArgumentError
from mesh_assets.esm.aws_account import AwsAccess
from mesh_assets.mcp_server.confirming import Question
from mesh_assets.mcp_server.server import LONG, Behaviour, MeshServer

if TYPE_CHECKING:
    from mesh_assets.esm.connection.login import KafkaLogin
    from mesh_assets.esm.mapping import EventSourceMapping

_SECONDS = 15.0
SecretArn = Annotated[
    str | None,
    Field(
        max_length=2048,
        description="ARN of a secret with other credentials; the mapping's own when left out.",
    ),
]
Messages = Annotated[int, Field(ge=1, le=10_000, description="How many test messages.")]
BytesEach = Annotated[int, Field(ge=1, le=1_000_000, description="Their size.")]
Key = Annotated[
    str | None, Field(max_length=1_000, description="Their key; round the partitions when left out.")
]


class BrokersAnswer(Answer):
    """By network and authentication; what the cluster does not offer is left out."""

    cluster_arn: str
    brokers: dict[str, dict[str, str]]


class ConnectionAnswer(Answer):
    """`steps` in the order a client takes them; those after a failure are skipped. Tried from this machine,
    not from Lambda's network."""

    ok: bool
    endpoint: str
    login: str
    credentials: str
    steps: list[dict[str, Any]]


class PositionAnswer(Answer):
    """By partition: what the group has committed (null: nothing yet), the first record there is, and where
    the next one goes."""

    position: dict[str, Any]
    lag_records: int | None = None


class ProducedAnswer(Answer):
    """`applied` False: nothing was written. `plan` names the groups that would receive the messages."""

    applied: bool
    plan: dict[str, Any]
    produced: dict[str, Any] | None = None
    next: str


class ProgressAnswer(Answer):
    """`passed`: the group has committed beyond the last test message of each partition."""

    passed: bool
    partitions: list[dict[str, Any]]


class ValidationAnswer(Answer):
    """The verdict with its evidence; `applied` False: nothing was written, and only the plan is told."""

    applied: bool
    plan: dict[str, Any]
    validation: dict[str, Any] | None = None
    next: str


def add_proof(server: MeshServer, make_service: MakeService | None = None) -> None:
    service = make_service or (lambda: mapping_service(server))
    writes = server.mesh.allow_writes
    changes: Behaviour = "changes" if writes else "reads_systems"
    asking = _question if writes else None
    following = (
        "call again with this plan's id to carry it out"
        if writes
        else "the server may not write: --allow-writes"
    )

    def may_write() -> None:
        if not writes:
            raise BadArgumentError(
                "test messages are a change, and the server may make none: start it with --allow-writes"
            )

    @server.answers("Get an MSK cluster's brokers", "reads_systems")
    def get_msk_bootstrap_brokers(
        event_source_arn: Annotated[Name, Field(max_length=2048, description="The cluster's ARN.")],
    ) -> BrokersAnswer:
        """The bootstrap brokers of an MSK cluster, by network and authentication."""
        from mesh_assets.esm.connection.credentials import get_msk_bootstrap_brokers as ask

        found = ask(service().access, event_source_arn)
        return BrokersAnswer(cluster_arn=found.cluster_arn, brokers=msgspec.to_builtins(found.by_network))

    @server.answers("Test a connection to Kafka", "reads_systems", times=LONG)
    def test_kafka_connection(uuid: Uuid, secret_arn: SecretArn = None) -> ConnectionAnswer:
        """Tries the connection of a mapping step by step (names, TCP, TLS, login, metadata, topic, rights);
        says why a step failed."""
        from mesh_assets.esm import connection as connecting

        access, mapping, login = _reached(service, uuid, secret_arn)
        report = connecting.test_kafka_connection(
            login,
            access=access,
            topic=mapping.topic,
            group=mapping.consumer_group_id,
            tell=lambda _: current_call().go_on(),
        )
        steps = [msgspec.to_builtins(step) for step in report.steps]
        return ConnectionAnswer(
            ok=report.ok, endpoint=report.endpoint, login=report.login, credentials=report.origin, steps=steps
        )

    @server.answers("Get a mapping's offsets", "reads_systems", times=LONG)
    def get_initial_offset(uuid: Uuid, secret_arn: SecretArn = None) -> PositionAnswer:
        """Where the consumer group of a mapping stands on its topic now; pass it to
        check_offset_after_production later."""
        from mesh_assets.esm import proof
        from mesh_assets.esm.connection.login import properties_of
        from mesh_assets.platforms.kafka.session import Session

        access, mapping, login = _reached(service, uuid, secret_arn)
        with closing(Session(properties_of(login, access), _SECONDS)) as session:
            position = proof.get_initial_offset(session, mapping.consumer_group_id, _topic(mapping))
        return PositionAnswer(position=_plain(position), lag_records=position.lag_records)

    @server.answers("Produce test messages", changes, times=LONG, asking=asking)
    def produce_test_messages(
        uuid: Uuid,
        messages: Messages = 10,
        bytes_each: BytesEach = 256,
        key: Key = None,
        secret_arn: SecretArn = None,
        plan_id: PlanId = None,
    ) -> ProducedAnswer:
        """Plans test messages into a mapping's topic, naming every group that would receive them; with
        plan_id writes them."""
        from mesh_assets.esm import proof
        from mesh_assets.esm.connection.login import properties_of

        if plan_id is not None:
            may_write()
        access, mapping, login = _reached(service, uuid, secret_arn)
        properties = properties_of(login, access)
        plan = proof.plan_test_messages(
            properties,
            topic=_topic(mapping),
            messages=messages,
            bytes_each=bytes_each,
            key=key,
            group=mapping.consumer_group_id,
        )
        if plan_id is None:
            return ProducedAnswer(applied=False, plan=_plain(plan), next=following)
        proof.check_plan(plan, plan_id)
        done = proof.produce_test_messages(properties, plan, tell=_tell)
        return ProducedAnswer(
            applied=True, plan=_plain(plan), produced=_plain(done), next="check_offset_after_production"
        )

    @server.answers("Check offsets after test messages", "reads_systems", times=LONG)
    def check_offset_after_production(
        uuid: Uuid,
        initial: Annotated[
            dict[str, Any], Field(description="`position` of get_initial_offset, from before.")
        ],
        produced: Annotated[dict[str, Any], Field(description="`produced` of produce_test_messages.")],
        secret_arn: SecretArn = None,
    ) -> ProgressAnswer:
        """How far the group of a mapping has come since test messages were written."""
        from mesh_assets.esm import proof
        from mesh_assets.esm.connection.login import properties_of
        from mesh_assets.platforms.kafka.session import Session

        try:
            before = msgspec.convert(initial, proof.Position, strict=False)
            written = msgspec.convert(produced, proof.Produced, strict=False)
        except msgspec.ValidationError as error:
            raise BadArgumentError(
                f"initial and produced are to be passed as they were answered: {error}"
            ) from error
        access, mapping, login = _reached(service, uuid, secret_arn)
        with closing(Session(properties_of(login, access), _SECONDS)) as session:
            now = proof.get_initial_offset(session, mapping.consumer_group_id, _topic(mapping))
        found = proof.check_offset_after_production(before, now, written)
        return ProgressAnswer(
            passed=all(one.passed for one in found), partitions=[_plain(one) for one in found]
        )

    @server.answers("Validate that a mapping processes", changes, times=LONG, asking=asking)
    def validate_esm_processing(
        uuid: Uuid,
        messages: Messages = 10,
        bytes_each: BytesEach = 256,
        key: Key = None,
        secret_arn: SecretArn = None,
        plan_id: PlanId = None,
    ) -> ValidationAnswer:
        """Plans test messages; with plan_id writes them and judges by offsets, members and counts whether the
        mapping processes."""
        from mesh_assets.esm import proof

        if plan_id is not None:
            may_write()
        access, mapping, login = _reached(service, uuid, secret_arn)
        request = proof.ValidationRequest(messages=messages, bytes_each=bytes_each, key=key)
        plan = proof.plan_validation(access, mapping, login, request)
        if plan_id is None:
            return ValidationAnswer(applied=False, plan=_plain(plan), next=following)
        found = proof.validate_esm_processing(access, mapping, login, request, plan_id=plan_id, tell=_tell)
        return ValidationAnswer(
            applied=True, plan=_plain(plan), validation=_plain(found), next=found.verdict.advice or "done"
        )


def _reached(
    service: MakeService, uuid: str, secret_arn: str | None
) -> "tuple[AwsAccess, EventSourceMapping, KafkaLogin]":
    from mesh_assets.esm.connection.credentials import find_login

    mappings = service()
    mapping = mappings.get(uuid)
    return mappings.access, mapping, find_login(mappings.access, secret_arn=secret_arn, mapping=mapping)


def _topic(mapping: "EventSourceMapping") -> str:
    if mapping.topic is None:
        raise BadArgumentError(f"mapping {mapping.uuid} reads no Kafka topic")
    return mapping.topic


def _question(answer: ProducedAnswer | ValidationAnswer) -> Question | None:
    if answer.applied:
        return None
    plan = answer.plan
    groups = plan["other_groups"]
    readers = f"not known ({plan['other_groups_error']})" if groups is None else ", ".join(groups) or "none"
    text = (
        f"Write {plan['messages']} test messages of {plan['bytes_each']} bytes into {plan['topic']} at {plan['endpoint']}.\n"
        f"Other groups that would receive them: {readers}\nCarry out plan {plan['id']}?"
    )
    return Question(plan_id=plan["id"], text=text)


def _tell(text: str) -> None:
    current_call().progress_from_thread(0, None, text)


def _plain(record: Any) -> dict[str, Any]:
    """A record as JSON values, keys as text."""
    found: dict[str, Any] = msgspec.to_builtins(record, str_keys=True)
    return found
