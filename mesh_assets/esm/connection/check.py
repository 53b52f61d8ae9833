"""Checks a connection step by step, in the order a client takes them: the first failure is the one to fix.

Only reads: joins no group, writes nothing, creates no topic.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from functools import partial

from mesh_assets.errors import EstateError, PlatformError, RefusedError
from mesh_assets.esm.aws_account import AwsAccount
from mesh_assets.esm.connection.login import KafkaLogin, lambda_refusal, properties_of
from mesh_assets.esm.connection.steps import (
    STEPS,
    ConnectionReport,
    Step,
    StepName,
    addresses,
    connect,
    resolve_names,
    shake_hands,
)
from mesh_assets.platforms import Presence
from mesh_assets.platforms.kafka.rights import (
    ClusterRights,
    read_cluster_rights,
    read_groups_rights,
    read_topic_rights,
)
from mesh_assets.platforms.kafka.wire.forms import Connections, together
from mesh_assets.platforms.kafka.wire.greetings import BROKERS
from mesh_assets.platforms.kafka.wire.named_groups import group_presence
from mesh_assets.platforms.kafka.wire.running import RunningCluster

TIMEOUT_SECONDS = 10.0

_DESCRIBE_CLUSTER = "DESCRIBE on the cluster"
_GROUP_FACTS: dict[Presence | None, str] = {
    "here": "may be described",
    "refused": "may not be described",
    "gone": "does not exist yet",
    "unaskable": "no group can have this name",
}


def check_connection(
    login: KafkaLogin,
    *,
    account: AwsAccount | None = None,
    topic: str | None = None,
    group: str | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
    on_step: Callable[[Step], None] = lambda step: None,  # noqa: ARG005
) -> ConnectionReport:
    """Reports every step; those after a failure are skipped. `on_step` is called as each step ends.

    `account` is needed for MSK IAM. `topic` None: the login's own. Raises EstateError for an incomplete
    login; whatever the network or the brokers do is in the report.
    """
    login.checked()
    steps: list[Step] = []
    with closing(_steps(login, account, topic or login.topic, group, timeout_seconds)) as taken:
        for step in taken:
            steps.append(step)
            on_step(step)
            if step.state == "failed":
                break
    done = {step.name for step in steps}
    for name in STEPS:
        if name not in done:
            skipped = Step(name=name, state="skipped", said=f"{steps[-1].name} failed")
            steps.append(skipped)
            on_step(skipped)
    return ConnectionReport(
        endpoint=login.bootstrap_servers, login=login.authentication, origin=login.origin, steps=tuple(steps)
    )


def _steps(
    login: KafkaLogin,
    account: AwsAccount | None,
    topic: str | None,
    group: str | None,
    timeout_seconds: float,
) -> Generator[Step]:
    step, servers = resolve_names(addresses(login.bootstrap_servers))
    yield step
    step, server = connect(servers, timeout_seconds=timeout_seconds)
    yield step
    if server is not None and login.uses_tls:
        yield shake_hands(server, login, timeout_seconds=timeout_seconds)
    else:
        yield Step(name="TLS", state="skipped", said="security protocol " + login.security_protocol)
    refused = lambda_refusal(login)
    if refused is not None:
        yield Step(name="authentication", state="failed", said=refused[0], cause=refused[1])
        return
    try:
        properties = properties_of(login, account)
    except (EstateError, PlatformError) as error:
        yield Step(
            name="authentication",
            state="failed",
            said=str(error),
            cause="AWS provided no credentials to sign in with",
        )
        return
    try:
        running = RunningCluster(properties, timeout_seconds)
    except EstateError as error:
        yield _not_authenticated(error, login)
        return
    with closing(running) as kafka:
        yield _authenticate(kafka, login)
        seen = _metadata(kafka)
        if isinstance(seen, Step):
            yield seen
            return
        facts: dict[str, str | int] = {
            "cluster id": seen.cluster_id or "none",
            "brokers": seen.brokers,
            "visible topics": len(seen.topics),
        }
        yield Step(name="metadata", state="ok", facts=facts)
        yield from _rights(kafka, seen, topic, group)


def _authenticate(kafka: RunningCluster, login: KafkaLogin) -> Step:
    try:
        kafka.run(lambda connections: connections.brokers(), doing="connecting", right=_DESCRIBE_CLUSTER)
    except (EstateError, PlatformError) as error:
        return _not_authenticated(error, login)
    return Step(name="authentication", state="ok", facts={"as": login.authentication})


def _not_authenticated(error: EstateError | PlatformError, login: KafkaLogin) -> Step:
    return Step(
        name="authentication", state="failed", said=str(error), cause=_authentication_cause(error, login)
    )


def _authentication_cause(error: Exception, login: KafkaLogin) -> str:
    if isinstance(error, EstateError):
        return "the credentials are malformed: check the PEM texts, and that the key matches the certificate"
    if not isinstance(error, RefusedError) and login.sasl_mechanism is None:
        wants = "a client certificate (mutual TLS) or a login (SASL)" if login.uses_tls else "TLS or a login"
        return f"the listener hung up: it wants {wants}; use those credentials, or another port"
    match login.sasl_mechanism:
        case "AWS_MSK_IAM":
            return "your AWS identity lacks kafka-cluster:Connect on the cluster, or the cluster has IAM turned off"
        case "SCRAM-SHA-512" | "SCRAM-SHA-256":
            return (
                "a wrong username or password, or a user without this mechanism (MSK: SHA-512 only, and the secret, AmazonMSK_…, must be "
                "associated with the cluster)"
            )
        case "PLAIN":
            return "a wrong username (API key) or password (API secret), or another cluster's"
        case _:
            return "the brokers do not trust the client's certificate, or do not want one: check who signed it and when it expires"


def _metadata(kafka: RunningCluster) -> ClusterRights | Step:
    cause = (
        "the broker that took the login did not describe the cluster: try again, or another of its brokers"
    )
    try:
        seen = read_cluster_rights(kafka)
        cause = "the brokers advertise addresses (advertised.listeners) that cannot be reached from here"
        kafka.run(_reach_every_broker, doing="connecting to every broker", right=_DESCRIBE_CLUSTER)
    except PlatformError as error:
        return Step(name="metadata", state="failed", said=str(error), cause=cause)
    return seen


async def _reach_every_broker(connections: Connections) -> None:
    """A consumer also connects to what each of them advertises."""
    await together(connections.ask(BROKERS, broker=broker.id) for broker in await connections.brokers())


def _rights(
    kafka: RunningCluster, seen: ClusterRights, topic: str | None, group: str | None
) -> Iterator[Step]:
    if topic is None:
        yield from (_not_asked("topic", "no topic was named"), _not_asked("rights", "no topic was named"))
        return
    try:
        found = read_topic_rights(kafka, [topic])[topic]
        group_state = None if group is None else _group_state(kafka, seen, group)
    except PlatformError as error:
        yield Step(
            name="topic", state="failed", said=str(error), cause="the brokers did not describe the topic"
        )
        return
    if found.state != "here":
        hidden = found.state == "refused"
        said = f"topic {topic} {'may not be described, if it exists' if hidden else 'does not exist'}"
        close = [name for name in seen.topics if name.casefold() == topic.casefold()]
        cause = (
            "no DESCRIBE on the topic: grant READ, which implies it (MSK IAM: kafka-cluster:DescribeTopic and ReadData)"
            if hidden
            else f"did you mean {close[0]}?"
            if close
            else "a typo, or the topic is on another cluster"
        )
        yield Step(name="topic", state="failed", said=said, cause=cause)
        return
    yield Step(name="topic", state="ok", facts={"topic": topic})
    yield _judge_rights(topic, found.operations, group, group_state)


def _group_state(kafka: RunningCluster, seen: ClusterRights, group: str) -> Presence | None:
    """None: it is not listed, and it is unknown whether it is hidden."""
    complete = True if "DESCRIBE" in (seen.operations or frozenset()) else None
    groups = read_groups_rights(kafka, lambda name: name == group, list_is_complete=complete)
    if (listed := groups.groups.get(group)) is not None:
        return "here" if listed.state == "here" else "refused"
    if groups.every_group_is_visible is not False:
        return "gone" if groups.every_group_is_visible else None
    asked = partial(
        group_presence, names=[group], endpoint=kafka.endpoint, timeout_seconds=kafka.timeout_seconds
    )
    return kafka.run(asked, doing="asking for consumer groups by name", right="DESCRIBE on the group")[group]


def _judge_rights(
    topic: str, operations: frozenset[str] | None, group: str | None, group_state: Presence | None
) -> Step:
    facts: dict[str, str | int] = {}
    if operations is None:
        facts["topic"] = "the brokers do not report rights"
    else:
        facts["topic"] = ", ".join(sorted(operations & {"READ", "DESCRIBE", "WRITE"})) or "none"
    if group is not None:
        facts["group"] = _GROUP_FACTS.get(group_state, "does not exist yet, or is hidden")
    missing = [] if operations is None else sorted({"READ", "DESCRIBE"} - operations)
    if missing:
        cause = f"grant {' and '.join(missing)} on topic {topic} (MSK IAM: kafka-cluster:ReadData, kafka-cluster:DescribeTopic)"
        return Step(
            name="rights",
            state="failed",
            facts=facts,
            said=f"no {' and '.join(missing)} on topic {topic}",
            cause=cause,
        )
    if group_state == "refused":
        cause = (
            f"grant READ on group {group} (MSK IAM: kafka-cluster:DescribeGroup, kafka-cluster:AlterGroup)"
        )
        return Step(
            name="rights", state="failed", facts=facts, said=f"no DESCRIBE on group {group}", cause=cause
        )
    return Step(name="rights", state="ok", facts=facts)


def _not_asked(name: StepName, why: str) -> Step:
    return Step(name=name, state="skipped", said=why)
