"""An account in the stand-in for AWS with real functions and real topics, for tests of mappings."""

import io
import json
import random
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar
from unittest.mock import patch
from uuid import uuid4

import httpx
from confluent_kafka import ConsumerGroupTopicPartitions, Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from mesh_assets.esm.proof import validation
from mesh_assets.platforms.aws.client import new_session
from mesh_assets.sandbox.servers import Endpoints

Result = TypeVar("Result")

OK = "def run(event, context):\n    return {}\n"
FAILS = "def run(event, context):\n    raise RuntimeError('it fails')\n"
# Its input goes to a file, from which a test reads it.
TELLS = """
import json, os
def run(event, context):
    with open(os.environ["TELL"], "a") as file:
        file.write(json.dumps(event) + "\\n")
    return {}
"""


def _queue(settings: dict[str, Any]) -> bool:
    config = settings.get("SelfManagedKafkaEventSourceConfig", {})
    return bool(config.get("ConsumptionMode") == "Queue")


def _this_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


_AT_ONCE: dict[str, Any] = {
    "full_minute_after": _this_minute,
    "_POSITION_PAUSE_SECONDS": 0.1,
    "_METRICS_PAUSE_SECONDS": 0.1,
}


@contextmanager
def an_account(url: str, broker: Endpoints, *, state_delay_seconds: float = 0.1) -> Iterator["AwsAccount"]:
    """A new account whose mappings change state that fast. Mappings and the stand-in's faults end with the block. A proof need
    not wait for a full minute, since nothing happened here before; and it polls often, since the stand-in is fast."""
    made = AwsAccount(url, broker, state_delay_seconds=state_delay_seconds)
    made.faults()
    try:
        # Closed at the end: a client that the garbage collector frees later can hang the whole process.
        with made.kafka, patch.multiple(validation, **_AT_ONCE):
            yield made
    finally:
        made.tell()
        for mapping in made.mappings.list_event_source_mappings()["EventSourceMappings"]:
            if mapping["State"] in ("Enabled", "Disabled"):
                made.mappings.delete_event_source_mapping(UUID=mapping["UUID"])
        made.close()


@dataclass(frozen=True)
class AwsAccount:
    """`url`: of the stand-in for mappings. Each account is new and holds nothing of other tests."""

    url: str
    ends: Endpoints
    state_delay_seconds: float = 0.1
    id: str = field(default_factory=lambda: str(random.SystemRandom().randrange(10**11, 10**12)))
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """The same one each time."""
        if service not in self._clients:
            self._clients[service] = new_session().create_client(
                service,
                endpoint_url=self.url,
                region_name="us-east-1",
                aws_access_key_id=self.id,
                aws_secret_access_key="sandbox",
            )
        return self._clients[service]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    @property
    def mappings(self) -> Any:
        return self.client("lambda")

    @cached_property
    def kafka(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.ends.bootstrap_servers})

    def role(self, name: str = "runs") -> str:
        trust = {"Version": "2012-10-17", "Statement": []}
        return str(
            self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"][
                "Arn"
            ]
        )

    def function(
        self, code: str = OK, *, name: str = "consume", environment: dict[str, str] | None = None
    ) -> str:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("app.py", code)
        made = self.mappings.create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=f"arn:aws:iam::{self.id}:role/runs",
            Handler="app.run",
            Code={"ZipFile": archive.getvalue()},
            Environment={"Variables": environment or {}},
        )
        return str(made["FunctionArn"])

    def topic(self, partitions: int = 2) -> str:
        name = f"__esm-{uuid4().hex[:12]}"  # outside the estate that other tests look at
        [future] = self.kafka.create_topics([NewTopic(name, partitions, 1)]).values()
        future.result(timeout=30)
        return name

    def cluster(self, **authentication: Any) -> str:
        """An MSK cluster; its ARN."""
        made = self.client("kafka").create_cluster(
            ClusterName=f"orders-{uuid4().hex[:6]}",
            KafkaVersion="3.8.x",
            NumberOfBrokerNodes=1,
            BrokerNodeGroupInfo={"ClientSubnets": ["subnet-1"], "InstanceType": "kafka.t3.small"},
            **({"ClientAuthentication": authentication} if authentication else {}),
        )
        return str(made["ClusterArn"])

    def secret(self, **fields: str) -> str:
        made = self.client("secretsmanager").create_secret(
            Name=f"s-{uuid4().hex[:8]}", SecretString=json.dumps(fields)
        )
        return str(made["ARN"])

    def mapping(
        self, *, topic: str, function: str = "consume", wait: bool = True, **settings: Any
    ) -> dict[str, Any]:
        """A mapping of the self-managed broker's open listener unless an ARN is given; enabled when this
        returns."""
        own: dict[str, Any] = {}
        if "EventSourceArn" not in settings:
            own["SelfManagedEventSource"] = {
                "Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": [self.ends.bootstrap_servers]}
            }
            own["SourceAccessConfigurations"] = [
                {"Type": "VPC_SUBNET", "URI": "subnet:subnet-1"},
                {"Type": "VPC_SECURITY_GROUP", "URI": "security_group:sg-1"},
            ]
        made: dict[str, Any] = self.mappings.create_event_source_mapping(
            **{
                "FunctionName": function,
                "Topics": [topic],
                **({} if _queue(settings) else {"StartingPosition": "TRIM_HORIZON"}),
                **own,
                **settings,
            }
        )
        if wait:
            self.until(lambda: self.state(made["UUID"]) == "Enabled")
        return made

    def state(self, uuid: str) -> str:
        return str(self.mappings.get_event_source_mapping(UUID=uuid)["State"])

    def last_result(self, made: dict[str, Any]) -> str:
        return str(self.mappings.get_event_source_mapping(UUID=made["UUID"])["LastProcessingResult"])

    def counted(self, made: dict[str, Any], metric: str) -> float:
        """The mapping's own count so far in CloudWatch."""
        now = datetime.now(UTC)
        points = self.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "EventSourceMappingUUID", "Value": made["UUID"]}],
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=1),
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        return float(sum(point["Sum"] for point in points))

    def produce(self, topic: str, *values: str) -> None:
        with Producer({"bootstrap.servers": self.ends.bootstrap_servers}) as producer:
            for value in values:
                producer.produce(topic, value.encode(), key=b"k", headers=[("h", b"\x01\x02")])
            assert producer.flush(20) == 0

    def committed(self, group: str, topic: str) -> int:
        """Of all partitions together."""
        [future] = self.kafka.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]).values()
        return sum(
            one.offset
            for one in future.result(timeout=20).topic_partitions or ()
            if one.topic == topic and one.offset >= 0
        )

    def faults(self, **faults: Any) -> dict[str, Any]:
        """Limits with the clock of this account."""
        return self.tell(**{"state_delay_seconds": self.state_delay_seconds, "window_seconds": 0.1, **faults})

    def tell(self, **faults: Any) -> dict[str, Any]:
        answer = httpx.put(f"{self.url}/_standin", json=faults, trust_env=False, timeout=10)
        return dict(answer.raise_for_status().json())

    def queue(self, name: str) -> tuple[str, str]:
        """Its address and ARN."""
        sqs = self.client("sqs")
        url = str(sqs.create_queue(QueueName=name)["QueueUrl"])
        return url, f"arn:aws:sqs:us-east-1:{self.id}:{name}"

    def messages(self, url: str) -> list[dict[str, Any]]:
        found = self.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", ())
        return [json.loads(one["Body"]) for one in found]

    @staticmethod
    def until(look: Callable[[], Result], *, seconds: float = 60.0) -> Result:
        """The result of `look` as soon as it gives one."""
        deadline = time.monotonic() + seconds
        while not (found := look()):
            assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
            time.sleep(0.05)
        return found
