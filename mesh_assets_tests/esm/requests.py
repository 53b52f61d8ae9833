"""Valid requests, for tests to break."""

from datetime import UTC, datetime
from typing import Any

from mesh_assets.esm.applying import Applied
from mesh_assets.esm.errors import Violation
from mesh_assets.esm.iam.wiring import Wiring
from mesh_assets.esm.planning import PlanOptions
from mesh_assets.esm.request import CreateRequest, UpdateRequest, read_request
from mesh_assets.esm.service import MappingService
from mesh_assets.esm.surroundings import TopicLookup
from mesh_assets.esm.validation import create_violations
from mesh_assets_tests.esm.fake_aws import ACCOUNT, CLUSTER_ARN, REGION, SECRET_ARN, FakeAws

VPC = [
    {"type": "VPC_SUBNET", "uri": "subnet:subnet-0a1b"},
    {"type": "VPC_SECURITY_GROUP", "uri": "security_group:sg-0a1b"},
]
SELF_MANAGED_SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:kafka/payers-AbCdEf"

MSK: dict[str, Any] = {
    "target": "orders-handler",
    "kafka_topic": "orders",
    "event_source_arn": CLUSTER_ARN,
    "starting_position": "TRIM_HORIZON",
    "kafka_consumer_group_id": "orders-handler",
}
MSK_SCRAM: dict[str, Any] = {
    **MSK,
    "source_access_configurations": [{"type": "SASL_SCRAM_512_AUTH", "uri": SECRET_ARN}],
}
SELF_MANAGED: dict[str, Any] = {
    **{name: value for name, value in MSK.items() if name != "event_source_arn"},
    "kafka_bootstrap_servers": ["b1.example.com:9092", "b2.example.com:9092"],
    "source_access_configurations": [*VPC, {"type": "SASL_SCRAM_256_AUTH", "uri": SELF_MANAGED_SECRET}],
}
PROVISIONED: dict[str, Any] = {**MSK, "provisioned_mode": True}


WIRING = Wiring(
    partition="aws",
    region=REGION,
    account_id=ACCOUNT,
    function_name="f",
    topic="orders",
    group="g",
    cluster_arn=None,
)


def create(base: dict[str, Any], **changes: Any) -> CreateRequest:
    return read_request(CreateRequest, {**base, **changes})


def update(**changes: Any) -> UpdateRequest:
    return read_request(UpdateRequest, changes)


GROUP: dict[str, Any] = {"AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": "orders-handler"}}


def three_partitions(wiring: Wiring, servers: tuple[str, ...]) -> int | None:  # noqa: ARG001 - the signature of a lookup
    return 3


def service(aws: FakeAws, lookup: TopicLookup = three_partitions) -> MappingService:
    return MappingService(aws.account(), lookup_topic=lookup, sleep=lambda _: None)


def operations(plan: Any) -> list[str]:
    return [f"{call.service}:{call.operation}" for call in plan.calls]


OTHER_GROUP: dict[str, Any] = {"AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": "others"}}


SECRET = SELF_MANAGED_SECRET
GLUE = f"arn:aws:glue:{REGION}:{ACCOUNT}:registry/main"
CONFLUENT = "https://psrc-1.eu-central-1.aws.confluent.cloud"
QUEUE = {name: value for name, value in SELF_MANAGED.items() if name != "starting_position"} | {
    "consumption_mode": "Queue"
}
YESTERDAY = datetime(2026, 1, 1, tzinfo=UTC)


def access(*kinds: str) -> list[dict[str, str]]:
    """One entry of each type, with the URI that the type requires."""
    uris = {
        "VPC_SUBNET": "subnet:subnet-0a1b",
        "VPC_SECURITY_GROUP": "security_group:sg-0a1b",
        "OAUTHBEARER_SCOPE": "kafka",
        "OAUTHBEARER_AUDIENCE": "kafka.example.com",
        "OAUTHBEARER_LOGICAL_CLUSTER": "lkc-1",
        "OAUTHBEARER_IDENTITY_POOL": "pool-1",
    }
    return [
        {"type": kind} if kind.startswith("IAM") else {"type": kind, "uri": uris.get(kind, SECRET)}
        for kind in kinds
    ]


def faults(base: dict[str, Any], **changes: Any) -> list[Violation]:
    return [
        violation for violation in create_violations(create(base, **changes)) if violation.severity == "fault"
    ]


def warnings(base: dict[str, Any], **changes: Any) -> list[Violation]:
    return [
        violation
        for violation in create_violations(create(base, **changes))
        if violation.severity == "warning"
    ]


OTHER_ARN = SECRET_ARN.replace("orders", "other")
HUSH = "hunter2-do-not-show"


GO_ON = PlanOptions(continue_without_permissions=True)


def created(service: MappingService, options: PlanOptions | None = None, **changes: Any) -> Applied:
    request = create(MSK, **changes)
    options = options or PlanOptions()
    return service.create(request, service.plan_create(request, options).id, options)
