"""The clients against botocore's own validation of parameters and answers (its Stubber), without a network."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from mesh_assets.errors import (
    EstateError,
    PlatformError,
    RefusedError,
    UnexpectedAnswerError,
    UnreachableError,
)
from mesh_assets.platforms.aws.client import new_session
from mesh_assets.platforms.aws.messaging import SnsTopic, SqsQueue, region_of
from mesh_assets.platforms.aws.records import QueueMessage

URL = "https://sqs.eu-central-1.amazonaws.com/123456789012/triggers"
MESSAGE = QueueMessage(id="m-1", body="{}", receipt="r-1", receives=2)


@pytest.fixture(autouse=True)
def _no_aws_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """None of the developer's own AWS settings, and no request to the cloud's metadata service."""
    for name in (
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_SESSION_TOKEN",
    ):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def stub() -> Iterator[Stubber]:
    client = new_session().create_client(
        "sqs", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with Stubber(client) as stubber:
        yield stubber
    client.close()


def test_up_to_ten_messages_are_received_by_long_polling_of_at_most_twenty_seconds(stub: Stubber) -> None:
    answer = {
        "Messages": [
            {
                "MessageId": "m-1",
                "ReceiptHandle": "r-1",
                "Body": "{}",
                "Attributes": {"ApproximateReceiveCount": "2"},
            }
        ]
    }
    asked = {
        "QueueUrl": URL,
        "MaxNumberOfMessages": 10,
        "WaitTimeSeconds": 20,
        "MessageSystemAttributeNames": ["ApproximateReceiveCount"],
    }
    stub.add_response("receive_message", answer, asked)
    stub.add_response("receive_message", {}, {**asked, "WaitTimeSeconds": 1})
    queue = SqsQueue(URL, client=stub.client)

    assert queue.receive(wait_seconds=60) == (MESSAGE,)
    assert queue.receive(wait_seconds=1) == ()


def test_one_call_deletes_and_returns_what_was_not_deleted(stub: Stubber) -> None:
    failed = {"Successful": [], "Failed": [{"Id": "0", "SenderFault": False, "Code": "InternalError"}]}
    stub.add_response(
        "delete_message_batch", failed, {"QueueUrl": URL, "Entries": [{"Id": "0", "ReceiptHandle": "r-1"}]}
    )
    queue = SqsQueue(URL, client=stub.client)

    assert queue.delete([MESSAGE]) == ("m-1",)
    assert queue.delete([]) == ()


@pytest.mark.parametrize(
    ("url", "fifo"),
    [(URL, {}), (f"{URL}.fifo", {"MessageGroupId": "mesh-assets", "MessageDeduplicationId": "m-1"})],
)
def test_messages_are_sent_with_text_attributes(stub: Stubber, url: str, fifo: dict[str, str]) -> None:
    attributes = {"mesh_reason": {"DataType": "String", "StringValue": "not JSON"}}
    asked = {"QueueUrl": url, "MessageBody": "hello", "MessageAttributes": attributes, **fifo}
    stub.add_response("send_message", {"MessageId": "m-2", "MD5OfMessageBody": "x"}, asked)

    SqsQueue(url, client=stub.client).send(
        "hello", attributes={"mesh_reason": "not JSON"}, deduplication_id="m-1"
    )

    stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("code", "status", "kind", "sentence"),
    [
        ("AccessDenied", 403, RefusedError, "access denied; allow sqs:ReceiveMessage on it"),
        ("ExpiredToken", 403, RefusedError, "the AWS credentials have expired; renew them"),
        ("InvalidClientTokenId", 403, RefusedError, "AWS does not accept the credentials"),
        (
            "AWS.SimpleQueueService.NonExistentQueue",
            400,
            RefusedError,
            "it does not exist in this account and region",
        ),
        ("RequestThrottled", 403, UnreachableError, "AWS is busy or in trouble"),
        ("Whatever", 503, UnreachableError, "AWS is busy or in trouble"),
        ("InvalidAttributeName", 400, UnexpectedAnswerError, "failed: InvalidAttributeName first line"),
    ],
)
def test_a_refusal_names_the_action_the_queue_and_what_to_do(
    stub: Stubber, code: str, status: int, kind: type[PlatformError], sentence: str
) -> None:
    stub.add_client_error("receive_message", code, "first line\nsecond line", http_status_code=status)

    with pytest.raises(kind) as caught:
        SqsQueue(URL, client=stub.client).receive(wait_seconds=1)

    assert str(caught.value).startswith("sqs:ReceiveMessage on queue triggers")
    assert sentence in str(caught.value)
    assert "second line" not in str(caught.value)


def test_without_a_region_no_request_is_made() -> None:
    with pytest.raises(EstateError, match=r"no AWS region is known for queue triggers; write `region:`"):
        SqsQueue("http://127.0.0.1:1/123456789012/triggers")


def test_the_region_in_the_address_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")

    assert region_of(URL) == "eu-central-1"
    assert region_of("https://us-gov-west-1.queue.amazonaws.com/1/q") == "us-gov-west-1"
    assert SqsQueue(URL).name == "triggers"


def test_without_credentials_it_says_where_they_may_come_from() -> None:
    with pytest.raises(
        RefusedError,
        match=r"sqs:ReceiveMessage on queue triggers: no AWS credentials were found; set AWS_ACCESS_KEY_ID",
    ):
        SqsQueue(URL).receive(wait_seconds=1)


def test_a_missing_profile_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")

    with pytest.raises(
        RefusedError,
        match=r"the AWS credentials could not be loaded \(The config profile \(nobody\) could not be found\)",
    ):
        SqsQueue(URL)


def test_an_address_without_a_listener_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    queue = SqsQueue(
        "http://127.0.0.1:1/123456789012/triggers", region="us-east-1", endpoint_url="http://127.0.0.1:1"
    )

    with pytest.raises(UnreachableError, match=r"no answer \(EndpointConnectionError\)"):
        queue.receive(wait_seconds=1)


def test_an_invalid_endpoint_is_named() -> None:
    with pytest.raises(EstateError, match="endpoint_url of queue triggers is not an address"):
        SqsQueue(URL, endpoint_url="http://")


def test_a_topic_gets_a_subject_that_sns_accepts() -> None:
    client = new_session().create_client(
        "sns", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    arn = "arn:aws:sns:us-east-1:123456789012:alerts"
    with Stubber(client) as stubber:
        stubber.add_response(
            "publish",
            {"MessageId": "1"},
            {"TopicArn": arn, "Message": "überall\nzwei", "Subject": "caf  two lines"},
        )
        SnsTopic(arn, client=client).publish("überall\nzwei", subject="café\ntwo lines" + "\u00e9" * 200)
        stubber.add_client_error("publish", "AuthorizationError", http_status_code=403)
        with pytest.raises(
            RefusedError, match="sns:Publish on topic alerts: access denied; allow sns:Publish"
        ):
            SnsTopic(arn, client=client).publish("x", subject="")
    client.close()
