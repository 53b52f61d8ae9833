"""The poller reads the real broker, invokes real code, and commits as Lambda documents; and it can be ordered to misbehave."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mesh_assets_tests.an_aws_account import FAILS, TELLS, AwsAccount

pytestmark = pytest.mark.sandbox
COUNTED: dict[str, Any] = {"MetricsConfig": {"Metrics": ["EventCount"]}}


def test_records_reach_the_function_as_lambdas_event_and_are_committed_after(
    account: AwsAccount, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    account.function(TELLS, environment={"TELL": str(told)})
    topic = account.topic(1)
    account.produce(topic, "one", "two")

    made = account.mapping(
        topic=topic,
        EventSourceArn=account.cluster(),
        AmazonManagedKafkaEventSourceConfig={"ConsumerGroupId": f"g-{topic}"},
    )

    account.until(lambda: told.exists() and told.read_text().endswith("\n"))  # written whole
    [event] = [json.loads(line) for line in told.read_text().splitlines()]
    [first, second] = event["records"][f"{topic}-0"]
    assert (event["eventSource"], event["eventSourceArn"]) == ("aws:kafka", made["EventSourceArn"])
    assert (base64.b64decode(first["value"]), base64.b64decode(second["key"])) == (b"one", b"k")
    assert (first["offset"], first["headers"], first["timestampType"]) == (0, [{"h": [1, 2]}], "CREATE_TIME")
    account.until(lambda: account.committed(f"g-{topic}", topic) == 2)
    assert account.until(lambda: account.last_result(made) == "OK")


def test_a_function_that_always_fails_leaves_the_records_uncommitted(account: AwsAccount) -> None:
    account.function(FAILS)
    topic = account.topic(1)
    account.produce(topic, "one")
    made = account.mapping(topic=topic, **COUNTED)

    account.until(lambda: account.counted(made, "FailedInvokeEventCount") >= 2)

    assert account.committed(made["UUID"], topic) == 0
    assert account.last_result(made) == "PROBLEM: Function call failed"


def test_halves_of_a_failing_batch_are_retried_separately_and_only_the_bad_record_is_given_up(
    account: AwsAccount,
) -> None:
    account.function(
        "import base64\ndef run(event, context):\n"
        "    for read in sum(event['records'].values(), []):\n"
        "        if base64.b64decode(read['value']) == b'bad':\n            raise ValueError('bad')\n"
    )
    queue, arn = account.queue("failed")
    topic = account.topic(1)
    account.produce(topic, "good", "good", "bad", "good")

    made = account.mapping(
        topic=topic,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=2,
        DestinationConfig={"OnFailure": {"Destination": arn}},
        **COUNTED,
    )

    [told] = account.until(lambda: account.messages(queue))
    assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert told["KafkaBatchInfo"]["offsets"] == {
        f"{topic}-0": {"startOffset": 2, "endOffset": 2, "batchSize": 1}
    }
    account.until(lambda: account.committed(made["UUID"], topic) == 4)
    assert account.counted(made, "OnFailureDestinationDeliveredEventCount") == 1


def test_a_partial_answer_brings_back_only_the_rest(account: AwsAccount) -> None:
    account.function(
        "import base64\nseen = []\ndef run(event, context):\n"
        "    [(place, reads)] = event['records'].items()\n    seen.append(len(reads))\n"
        "    if len(seen) == 1:\n"
        "        return {'batchItemFailures': [{'itemIdentifier': {'partition': place, 'offset': reads[1]['offset']}}]}\n"
        "    if seen != [3, 2]:\n        raise ValueError(str(seen))\n"
    )
    topic = account.topic(1)
    account.produce(topic, "a", "b", "c")
    made = account.mapping(topic=topic, FunctionResponseTypes=["ReportBatchItemFailures"], **COUNTED)

    account.until(lambda: account.committed(made["UUID"], topic) == 3)

    assert account.counted(made, "InvokedEventCount") == 5
    assert account.counted(made, "FailedInvokeEventCount") == 2


def test_records_that_a_filter_rejects_are_committed_and_counted(account: AwsAccount) -> None:
    account.function(FAILS)
    topic = account.topic(1)
    account.produce(topic, '{"kind": "b"}', "no json")
    pattern = '{"value": {"kind": ["a"]}}'

    made = account.mapping(topic=topic, FilterCriteria={"Filters": [{"Pattern": pattern}]}, **COUNTED)

    account.until(lambda: account.committed(made["UUID"], topic) == 2)
    assert account.counted(made, "FilteredOutEventCount") == 2


def test_latest_begins_after_the_existing_records(account: AwsAccount) -> None:
    account.function(FAILS)
    topic = account.topic(1)
    account.produce(topic, "before")
    group = f"latest-{topic}"

    account.mapping(
        topic=topic, StartingPosition="LATEST", SelfManagedKafkaEventSourceConfig={"ConsumerGroupId": group}
    )
    account.until(lambda: account.kafka.describe_consumer_groups([group])[group].result(10).members)

    assert account.committed(group, topic) == 0


def test_a_wrong_password_is_the_last_result(account: AwsAccount) -> None:
    account.function()
    made = account.mapping(
        topic=account.topic(1),
        SelfManagedEventSource={
            "Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": [str(account.ends.sasl_bootstrap_servers)]}
        },
        SourceAccessConfigurations=[
            {
                "Type": "SASL_SCRAM_512_AUTH",
                "URI": account.secret(username="warehouse-app", password="wrong"),
            },
            {"Type": "SERVER_ROOT_CA_CERTIFICATE", "URI": account.secret(certificate=_authority(account))},
        ],
    )

    account.until(lambda: account.last_result(made) == "PROBLEM: SASL authentication failed.")


def _authority(account: AwsAccount) -> str:
    return (account.ends.estate_file.parent / "credentials" / "authority.pem").read_text()


# --- ordered to misbehave


def test_a_stuck_poller_stays_a_member_and_reads_nothing(account: AwsAccount) -> None:
    account.function(FAILS)
    account.faults(stuck=True)
    topic = account.topic(1)
    account.produce(topic, "one")
    made = account.mapping(topic=topic)

    account.until(
        lambda: account.kafka.describe_consumer_groups([made["UUID"]])[made["UUID"]].result(10).members
    )

    assert account.committed(made["UUID"], topic) == 0


def test_the_stand_in_can_commit_what_the_function_never_saw(account: AwsAccount) -> None:
    account.function(FAILS)
    account.faults(commit_without_invoking=True)
    topic = account.topic(1)
    account.produce(topic, "one")
    made = account.mapping(topic=topic, **COUNTED)

    account.until(lambda: account.committed(made["UUID"], topic) == 1)

    assert account.counted(made, "InvokedEventCount") == 0


def test_the_stand_in_denies_throttles_and_says_what_it_is(account: AwsAccount) -> None:
    told = account.faults(deny=["lambda:ListEventSourceMappings"])
    assert "stand-in" in told["what"]
    assert told["faults"]["deny"] == ["lambda:ListEventSourceMappings"]
    with pytest.raises(ClientError, match="AccessDeniedException"):
        account.mappings.list_event_source_mappings()

    account.faults(throttle=1)
    assert account.mappings.list_event_source_mappings()["EventSourceMappings"] == []  # boto3 tried again
