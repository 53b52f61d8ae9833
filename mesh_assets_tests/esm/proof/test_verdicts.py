"""Each verdict from a real cause: real Kafka, real function code, the stand-in's poller in between."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer

from mesh_assets.errors import RefusedError
from mesh_assets.esm.connection import KafkaLogin
from mesh_assets_tests.an_aws_account import FAILS, OK, AwsAccount
from mesh_assets_tests.esm.proof.traffic import COUNTED, Validate, polled

pytestmark = pytest.mark.sandbox


@contextmanager
def a_foreign_member(account: AwsAccount, group: str, topic: str, *, commits: bool) -> Iterator[None]:
    """A foreign reader in the mapping's group, with partitions of its own."""
    consumer = Consumer(
        {
            "bootstrap.servers": account.ends.bootstrap_servers,
            "group.id": group,
            "client.id": "somebody-else",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": commits,
            "auto.commit.interval.ms": 200,
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 300,
        }
    )
    consumer.subscribe([topic])
    with polled(consumer, until=consumer.assignment):
        yield


@contextmanager
def traffic(account: AwsAccount, topic: str) -> Iterator[None]:
    """Other producers' records, on both partitions, all the time."""
    ended = threading.Event()

    def write() -> None:
        with Producer({"bootstrap.servers": account.ends.bootstrap_servers}) as producer:
            while not ended.wait(0.2):
                for number in range(40):
                    producer.produce(topic, str(number).encode(), partition=number % 2)
                assert producer.flush(20) == 0

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_processed_when_its_members_passed_all_and_nothing_was_lost(
    account: AwsAccount, validate: Validate
) -> None:
    account.function(OK)
    made = account.mapping(topic=account.topic(2), **COUNTED)

    found = validate(made)

    assert found.verdict.name == "processed", found.verdict
    assert found.counts is not None
    assert (found.counts.invoked, found.counts.errors, found.counts.dropped) == (4, 0, None)
    assert [one.passed for one in found.progress] == [True, True]
    assert [member.client_id for member in found.members] == [f"lambda-{made['UUID']}"]
    # And again, warm: earlier counts do not belong to this proof.
    assert validate(made).verdict.name == "processed"


def test_processed_without_the_mappings_own_counts_where_its_settings_lose_nothing(
    account: AwsAccount, validate: Validate
) -> None:
    account.function(OK)
    found = validate(account.mapping(topic=account.topic(1), EventSourceArn=account.cluster()))
    assert found.verdict.name == "processed", found.verdict
    assert "may have other callers" in found.verdict.sentence


def test_records_that_a_failing_function_gave_up_are_committed_not_processed(
    account: AwsAccount, validate: Validate
) -> None:
    account.function(FAILS)
    found = validate(account.mapping(topic=account.topic(1), MaximumRetryAttempts=0, **COUNTED))
    assert found.verdict.name == "committed, not processed", found.verdict
    assert found.counts is not None
    assert found.counts.dropped == 4
    assert (found.counts.errors or 0) > 0


def test_records_in_the_on_failure_destination_are_committed_not_processed(
    account: AwsAccount, validate: Validate
) -> None:
    account.function(FAILS)
    _, arn = account.queue("failed")
    destination: dict[str, Any] = {"DestinationConfig": {"OnFailure": {"Destination": arn}}}
    found = validate(
        account.mapping(topic=account.topic(1), MaximumRetryAttempts=0, **destination, **COUNTED)
    )
    assert found.verdict.name == "committed, not processed", found.verdict
    assert "on-failure 4" in found.verdict.sentence
    assert arn in found.verdict.advice


def test_a_failing_function_that_blocks_its_partition_is_not_processed(
    account: AwsAccount, validate: Validate
) -> None:
    account.function(FAILS)
    made = account.mapping(topic=account.topic(1), **COUNTED)
    found = validate(made, until=lambda: account.last_result(made) == "PROBLEM: Function call failed")
    assert found.verdict.name == "not processed", found.verdict
    assert "PROBLEM: Function call failed" in found.verdict.sentence
    assert "the function fails" in found.verdict.advice


def test_filtered_records_are_committed_not_processed(account: AwsAccount, validate: Validate) -> None:
    account.function(OK)
    filters: dict[str, Any] = {"FilterCriteria": {"Filters": [{"Pattern": '{"value": {"kind": ["order"]}}'}]}}
    found = validate(account.mapping(topic=account.topic(1), **filters, **COUNTED))
    assert found.verdict.name == "committed, not processed", found.verdict
    assert "filtered 4" in found.verdict.sentence
    assert '["order"]' in found.verdict.advice


def test_records_that_grew_too_old_are_committed_not_processed(
    account: AwsAccount, validate: Validate
) -> None:
    account.function(FAILS)
    account.faults(age_factor=100.0)  # AWS's minimum age of 60 s passes in 0.6
    found = validate(account.mapping(topic=account.topic(1), MaximumRecordAgeInSeconds=60, **COUNTED))
    assert found.verdict.name == "committed, not processed", found.verdict
    assert found.counts is not None
    assert found.counts.dropped == 4


def test_a_foreign_member_that_commits_leaves_it_unproven(account: AwsAccount, validate: Validate) -> None:
    account.function(OK)
    topic = account.topic(2)
    made = account.mapping(topic=topic, **COUNTED)
    with a_foreign_member(account, made["UUID"], topic, commits=True):
        found = validate(made, until=lambda: account.committed(made["UUID"], topic) == 4)
    assert found.verdict.name == "unproven", found.verdict
    assert "somebody-else at 127.0.0.1 is also a member of group" in found.verdict.sentence


def test_a_busy_topic_does_not_prove_what_a_foreign_member_took(
    account: AwsAccount, validate: Validate
) -> None:
    account.function(OK)
    topic = account.topic(2)
    made = account.mapping(topic=topic, **COUNTED)
    counts: list[float] = []

    def counts_more() -> bool:
        counts.append(account.counted(made, "CommittedEventCount"))
        return counts[-1] > counts[0] + 20

    with a_foreign_member(account, made["UUID"], topic, commits=True), traffic(account, topic):
        found = validate(made, until=counts_more, passed=True)
    assert found.counts is not None
    assert (found.counts.committed or 0) > 4, "the mapping counts other records than the test's"
    assert found.verdict.name == "unproven", found.verdict
    assert "held partition" in found.verdict.sentence


def test_a_partition_without_commits_makes_it_partly(account: AwsAccount, validate: Validate) -> None:
    account.function(OK)
    topic = account.topic(2)
    made = account.mapping(topic=topic, **COUNTED)
    with a_foreign_member(account, made["UUID"], topic, commits=False):
        found = validate(made, until=lambda: account.committed(made["UUID"], topic) == 2)
    assert found.verdict.name == "partly", found.verdict
    assert "1 of 2 partitions" in found.verdict.sentence
    assert "committed nothing yet" in found.verdict.sentence


def test_behind_a_backlog_it_says_how_far_and_how_fast(account: AwsAccount, validate: Validate) -> None:
    account.function(OK)
    topic = account.topic(1)
    account.produce(topic, *(str(number) for number in range(3000)))
    account.faults(slow_seconds=0.5)
    made = account.mapping(topic=topic, BatchSize=50, **COUNTED)
    account.until(lambda: account.committed(made["UUID"], topic) > 0)

    seen: set[int] = set()

    def goes_on() -> bool:
        seen.add(account.committed(made["UUID"], topic))
        return len(seen) > 1

    found = validate(made, until=goes_on)

    assert found.verdict.name == "behind", found.verdict
    assert "records before the test messages at" in found.verdict.sentence


def test_a_wrong_password_is_not_processed_with_the_last_result_as_evidence(
    account: AwsAccount, validate: Validate
) -> None:
    account.function(OK)
    authority = (account.ends.estate_file.parent / "credentials" / "authority.pem").read_text()
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
            {"Type": "SERVER_ROOT_CA_CERTIFICATE", "URI": account.secret(certificate=authority)},
        ],
    )
    found = validate(made, until=lambda: "SASL authentication failed" in account.last_result(made))
    assert found.verdict.name == "not processed", found.verdict
    assert "SASL authentication failed" in found.verdict.sentence
    assert found.verdict.advice.startswith("check the mapping's own connection")


def test_latest_without_a_member_yet_is_inconclusive(account: AwsAccount, validate: Validate) -> None:
    account.function(OK)
    account.faults(state_delay_seconds=60.0)
    made = account.mapping(topic=account.topic(1), StartingPosition="LATEST", wait=False)
    found = validate(made, until=lambda: True)
    assert found.verdict.name == "inconclusive", found.verdict


def test_a_disabled_mapping_is_not_processed_and_nothing_is_written(
    account: AwsAccount, validate: Validate
) -> None:
    account.function(OK)
    made = account.mapping(topic=account.topic(1), Enabled=False, wait=False)
    account.until(lambda: account.state(made["UUID"]) == "Disabled")
    found = validate(made)
    assert (found.verdict.name, found.produced) == ("not processed", None)
    assert sum(found.before.end.values()) == 0


def test_filters_under_an_unusable_key_leave_it_unproven(account: AwsAccount, validate: Validate) -> None:
    account.function(OK)
    key = f"arn:aws:kms:us-east-1:{account.id}:key/0b7c2f"
    everything: dict[str, Any] = {
        "FilterCriteria": {"Filters": [{"Pattern": '{"topic": [{"exists": true}]}'}]}
    }
    made = account.mapping(topic=account.topic(1), KMSKeyArn=key, **everything)
    account.faults(deny=["kms:Decrypt"])
    found = validate(made)
    assert found.verdict.name == "unproven", found.verdict
    assert "filters that cannot be read (KMSAccessDeniedException" in found.verdict.sentence


# --- a mapping layer that lies is detected


def test_commits_without_the_function_are_detected(account: AwsAccount, validate: Validate) -> None:
    account.function(OK)
    account.faults(commit_without_invoking=True)
    made = account.mapping(topic=account.topic(1), **COUNTED)
    found = validate(made, until=lambda: account.counted(made, "CommittedEventCount") == 4)
    assert found.verdict.name == "committed, not processed", found.verdict
    assert "delivered only 0 of them to the function" in found.verdict.sentence


def test_invocation_counts_without_invocations_are_detected(account: AwsAccount, validate: Validate) -> None:
    account.function(OK)
    account.faults(drop=True)
    made = account.mapping(topic=account.topic(1), **COUNTED)
    found = validate(made, until=lambda: account.counted(made, "CommittedEventCount") == 4)
    assert found.verdict.name == "unproven", found.verdict
    assert "no invocation of the function" in found.verdict.sentence


def test_without_metrics_it_is_unproven(account: AwsAccount, validate: Validate) -> None:
    account.function(OK)
    account.faults(no_metrics=True)
    found = validate(account.mapping(topic=account.topic(1), **COUNTED), metrics_seconds=0.3)
    assert found.verdict.name == "unproven", found.verdict


def test_filters_without_counts_are_unproven_with_what_to_turn_on(
    account: AwsAccount, validate: Validate
) -> None:
    account.function(OK)
    filters: dict[str, Any] = {"FilterCriteria": {"Filters": [{"Pattern": '{"value": {"kind": ["order"]}}'}]}}
    found = validate(account.mapping(topic=account.topic(1), **filters), metrics_seconds=0.3)
    assert found.verdict.name == "unproven", found.verdict
    assert "EventCount" in found.verdict.advice


def test_unreadable_offsets_are_an_error_and_not_a_verdict(account: AwsAccount, validate: Validate) -> None:
    account.function(OK)
    login = KafkaLogin(
        bootstrap_servers=str(account.ends.sasl_bootstrap_servers),
        security_protocol="SASL_SSL",
        sasl_mechanism="PLAIN",
        username="warehouse-app",
        password="wrong",
        authority=(account.ends.estate_file.parent / "credentials" / "authority.pem").read_text(),
    )
    with pytest.raises(RefusedError, match="refused user warehouse-app") as caught:
        validate(account.mapping(topic=account.topic(1)), login=login)
    assert "wrong" not in str(caught.value)
