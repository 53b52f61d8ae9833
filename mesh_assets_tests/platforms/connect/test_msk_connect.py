"""MSK Connect with a fake client, whose answers are checked against AWS's own model."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.validate import ParamValidator

from mesh_assets.collecting.connectors import connector_record
from mesh_assets.errors import RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.estate.connections import MskConnectEndpoint
from mesh_assets.platforms.connect.connectors import Connector
from mesh_assets.platforms.connect.msk_connect import MskConnectClient, brokers_of

OURS = "b-1.payments.abc123.c2.kafka.eu-west-1.amazonaws.com:9098,b-2.payments.abc123.c2.kafka.eu-west-1.amazonaws.com:9098"
OURS_AS_CONNECT_HAS_IT = "b-3.payments.abc123.c2.kafka.eu-west-1.amazonaws.com:9096"
THEIRS = "b-1.orders.xyz789.c2.kafka.eu-west-1.amazonaws.com:9098"
URL = "https://kafkaconnect.eu-west-1.amazonaws.com"
SINK = {
    "connector.class": "io.confluent.connect.s3.S3SinkConnector",
    "topics": "orders",
    "aws.secret.access.key": "hush",
}


def _arn(name: str) -> str:
    return f"arn:aws:kafkaconnect:eu-west-1:123456789012:connector/{name}/1"


class AConnect:
    """Connectors by name: (bootstrap servers, state, config). `page`: how many a page holds. `fails`: what a
    call raises, by method."""

    def __init__(self, page: int = 100, **connectors: tuple[str, str, Mapping[str, str]]) -> None:
        self.meta = SimpleNamespace(endpoint_url=URL)
        self.connectors = connectors
        self.page = page
        self.fails: dict[str, Exception] = {}
        self.why: dict[str, dict[str, str]] = {}
        self.closed = False
        self.stuck = False
        self._model = botocore.session.get_session().get_service_model("kafkaconnect")

    def _checked(self, operation: str, given: Any, answer: Any) -> Any:
        model = self._model.operation_model(operation)
        for value, shape in ((given, model.input_shape), (answer, model.output_shape)):
            report = ParamValidator().validate(value, shape)
            assert not report.has_errors(), report.generate_report()
        return answer

    def _summary(self, name: str) -> dict[str, Any]:
        servers, state, _ = self.connectors[name]
        cluster = {
            "apacheKafkaCluster": {
                "bootstrapServers": servers,
                "vpc": {"subnets": ["subnet-1"], "securityGroups": []},
            }
        }
        return {
            "connectorName": name,
            "connectorArn": _arn(name),
            "connectorState": state,
            "kafkaCluster": cluster,
        }

    def list_connectors(self, **given: Any) -> Any:
        if "list" in self.fails:
            raise self.fails["list"]
        names = [name for name in self.connectors if name.startswith(given.get("connectorNamePrefix", ""))]
        start = int(given.get("nextToken", 0))
        end = start + min(self.page, given["maxResults"])
        answer: dict[str, Any] = {"connectors": [self._summary(name) for name in names[start:end]]}
        if end < len(names) or self.stuck:
            answer["nextToken"] = "1" if self.stuck else str(end)
        return self._checked("ListConnectors", given, answer)

    def describe_connector(self, **given: Any) -> Any:
        if "describe" in self.fails:
            raise self.fails["describe"]
        name = given["connectorArn"].split("/")[1]
        answer = {**self._summary(name), "connectorConfiguration": dict(self.connectors[name][2])}
        if name in self.why:
            answer["stateDescription"] = self.why[name]
        return self._checked("DescribeConnector", given, answer)

    def close(self) -> None:
        self.closed = True


def _client(connect: AConnect) -> MskConnectClient:
    return MskConnectClient(MskConnectEndpoint(kind="msk_connect"), bootstrap_servers=OURS, client=connect)


def _refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "ListConnectors")


def test_a_connector_of_this_cluster_comes_with_its_config_and_one_of_another_does_not() -> None:
    connect = AConnect(archive=(OURS_AS_CONNECT_HAS_IT, "RUNNING", SINK), other=(THEIRS, "RUNNING", SINK))
    with _client(connect) as client:
        [connector] = client.connectors()
        assert client.requests == 2
        assert client.url == URL
    assert connector == Connector(
        name="archive",
        id=_arn("archive"),
        type="sink",
        connector_class="io.confluent.connect.s3.S3SinkConnector",
        state="RUNNING",
        worker_id=None,
        trace=None,
        config=SINK,
        tasks=(),
    )
    assert connector_record("msk", connector).active
    assert "hush" not in repr(connector)
    assert connect.closed


def test_all_pages_are_read() -> None:
    connect = AConnect(page=2, **{f"c{number}": (OURS, "CREATING", SINK) for number in range(5)})
    client = _client(connect)
    assert [connector.name for connector in client.connectors()] == ["c0", "c1", "c2", "c3", "c4"]
    assert client.requests == 3 + 5


def test_a_repeated_page_is_an_error_and_not_the_end() -> None:
    connect = AConnect(archive=(OURS, "RUNNING", SINK))
    connect.stuck = True
    with pytest.raises(UnexpectedAnswerError, match="the same page twice"):
        _client(connect).connectors()


def test_a_failed_connector_says_why() -> None:
    connect = AConnect(archive=(OURS, "FAILED", SINK))
    connect.why["archive"] = {"code": "InvalidInput", "message": "The connector cannot reach the bucket"}
    [connector] = _client(connect).connectors()
    assert (connector.state, connector.trace) == (
        "FAILED",
        "InvalidInput: The connector cannot reach the bucket",
    )
    assert not connector_record("msk", connector).active


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"connector.class": "com.example.MySourceConnector", "topics": "orders"}, "source"),
        ({"connector.class": "org.example.JdbcSinkConnector"}, "sink"),
        ({"connector.class": "io.debezium.connector.mysql.MySqlConnector"}, "unknown"),
        ({"connector.class": "com.example.SourceToSink"}, "unknown"),
        ({"connector.class": "com.example.Odd", "topics.regex": "orders.*"}, "sink"),
    ],
)
def test_a_type_comes_from_the_config_and_is_never_guessed(config: dict[str, str], kind: str) -> None:
    [connector] = _client(AConnect(one=(OURS, "RUNNING", config))).connectors()
    assert connector.type == kind


def test_an_unreadable_config_is_empty_and_a_deleted_connector_is_left_out() -> None:
    connect = AConnect(archive=(OURS, "RUNNING", SINK))
    connect.fails["describe"] = _refusal("ForbiddenException")
    [connector] = _client(connect).connectors()
    assert (connector.config, connector.type) == ({}, "unknown")
    connect.fails["describe"] = _refusal("NotFoundException")
    assert _client(connect).connectors() == ()


def test_a_connector_that_aws_does_not_describe_stays_as_listed_with_the_reason() -> None:
    connect = AConnect(archive=(OURS, "RUNNING", SINK))
    connect.fails["describe"] = _refusal("InternalServerErrorException")
    [connector] = _client(connect).connectors()
    assert (connector.name, connector.state, connector.config) == ("archive", "RUNNING", {})
    assert "kafkaconnect:DescribeConnector on archive" in (connector.error or "")


@pytest.mark.parametrize(
    ("failure", "kind", "sentence"),
    [
        (
            _refusal("ForbiddenException"),
            RefusedError,
            "access denied; allow kafkaconnect:ListConnectors on it to the role",
        ),
        (
            _refusal("TooManyRequestsException"),
            UnreachableError,
            "AWS is busy or in trouble (TooManyRequestsException)",
        ),
        (EndpointConnectionError(endpoint_url=URL), UnreachableError, "no answer"),
    ],
)
def test_an_unreadable_list_is_an_error(failure: Exception, kind: type[Exception], sentence: str) -> None:
    connect = AConnect()
    connect.fails["list"] = failure
    with pytest.raises(kind) as caught:
        _client(connect).connectors()
    assert str(caught.value).startswith(f"kafkaconnect:ListConnectors on MSK Connect at {URL}")
    assert sentence in str(caught.value)


def test_the_existence_of_a_connector_is_checked_by_name() -> None:
    connect = AConnect(archive_2=(OURS, "RUNNING", SINK), archive=(THEIRS, "RUNNING", SINK))
    client = _client(connect)
    assert (client.presence("archive"), client.presence("arch"), client.presence("archive_2")) == (
        "here",
        "gone",
        "here",
    )
    connect.fails["list"] = _refusal("ForbiddenException")
    assert client.presence("archive") == "refused"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (OURS, OURS_AS_CONNECT_HAS_IT, True),
        (OURS, "b-1-public.payments.abc123.c2.kafka.eu-west-1.amazonaws.com:9198", True),
        (OURS, THEIRS, False),
        (
            "boot-abc.c1.kafka-serverless.eu-west-1.amazonaws.com:9098",
            "boot-abc.c1.kafka-serverless.eu-west-1.amazonaws.com:9098",
            True,
        ),
        ("kafka-1.example:9092,kafka-2.example:9092", "kafka-2.example:9094", True),
        ("b-1.example:9092", "b-2.example:9092", False),
    ],
)
def test_brokers_belong_together_by_name_whatever_their_numbers_and_ports(
    one: str, other: str, same: bool
) -> None:
    assert bool(brokers_of(one) & brokers_of(other)) is same
