"""What the evidence supports: `processed` only where nothing else fits, and what CloudWatch did not report is unknown."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from mesh_assets.errors import RefusedError
from mesh_assets.esm.aws_account import AwsAccount
from mesh_assets.esm.mapping import EventSourceMapping, read_mapping
from mesh_assets.esm.proof import Position, Verdict, judge
from mesh_assets.esm.proof.evidence import Counts, Member, full_minute_after, merge_members, read_counts
from mesh_assets.esm.proof.messages import PartitionProgress
from mesh_assets.esm.proof.verdict import Evidence
from mesh_assets.estate.model import AwsAccountSettings

UUID = "a8c5714d-6203-416a-a404-1a18c8ae03ef"
OTHER = "11111111-2222-3333-4444-555555555555"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/0b7c2f"
COUNTED = {"MetricsConfig": {"Metrics": ["EventCount"]}}
# Four messages, two on each of two partitions, of which each held ten records before.
MESSAGES = 4
SINCE = datetime(2026, 11, 29, 12, 1, tzinfo=UTC)


def a_mapping(**answer: Any) -> EventSourceMapping:
    return read_mapping(
        {
            "UUID": UUID,
            "FunctionArn": "arn:aws:lambda:eu-central-1:123456789012:function:orders-handler",
            "State": "Enabled",
            "LastProcessingResult": "OK",
            "Topics": ["orders"],
            "EventSourceArn": "arn:aws:kafka:eu-central-1:123456789012:cluster/orders/1",
            "StartingPosition": "LATEST",
            **answer,
        }
    )


def a_member(client_id: str, *partitions: int) -> Member:
    return Member(client_id=client_id, host="10.0.0.7", partitions=partitions)


def committed(*offsets: int) -> Position:
    places = range(len(offsets))
    return Position(
        group="g",
        topic="orders",
        committed=dict(zip(places, offsets, strict=True)),
        start=dict.fromkeys(places, 0),
        end=dict.fromkeys(places, 12),
        members=(),
    )


def judged(
    mapping: EventSourceMapping,
    counts: Counts,
    *members: Member,
    now: tuple[int, int] = (12, 12),
    by_group: int = 4,
    **changed: Any,
) -> Verdict:
    evidence = evidence_of(mapping, counts, *members, now=now, by_group=by_group)
    return judge(msgspec.structs.replace(evidence, **changed))


def evidence_of(
    mapping: EventSourceMapping, counts: Counts, *members: Member, now: tuple[int, int], by_group: int
) -> Evidence:
    return Evidence(
        mapping=mapping,
        messages=MESSAGES,
        before=committed(5, 5),
        progress=tuple(
            PartitionProgress(
                partition=partition,
                passed=offset >= 12,
                committed_before=5,
                committed=offset,
                last=11,
                ahead=max(0, 10 - offset),
                moved=offset - 5,
            )
            for partition, offset in enumerate(now)
        ),
        members=members or (a_member(f"lambda-{UUID}", 0, 1),),
        counts=counts,
        committed_by_group=by_group,
        elapsed_seconds=2.0,
        deadline_seconds=30.0,
    )


def own(**changed: Any) -> Counts:
    """The mapping's own counts of four processed records, and nothing else."""
    given: dict[str, Any] = {"invocations": 1, "errors": 0, "polled": 4, "invoked": 4, "committed": 4}
    return Counts(per_mapping=True, **{**given, **changed})


def of_function(**changed: Any) -> Counts:
    return Counts(per_mapping=False, **{"invocations": 1, "errors": 0, **changed})


# --- whose commits they are

MINE, THEIRS = a_member(f"lambda-{UUID}", 0), a_member("somebody-else", 1)


def test_a_busy_topic_does_not_hide_a_partition_that_a_foreign_member_holds() -> None:
    busy = own(polled=900, invoked=900, committed=900)
    found = judged(a_mapping(**COUNTED), busy, MINE, THEIRS, by_group=1_400)
    assert found.name == "unproven"
    assert "somebody-else at 10.0.0.7 is also a member of group g, held partition 1" in found.sentence


def test_the_committed_count_decides_where_members_cannot() -> None:
    strangers = (a_member("kafka-poller-1", 0), a_member("kafka-poller-2", 1))
    assert judged(a_mapping(**COUNTED), own(), *strangers, by_group=4).name == "processed"
    assert judged(a_mapping(**COUNTED), own(), *strangers, by_group=5).name == "unproven"


def test_what_a_mapping_does_not_count_is_not_reported_as_zero() -> None:
    uncounted = judged(a_mapping(), of_function())
    assert uncounted.name == "processed"
    assert "its settings lose none" in uncounted.sentence
    assert "dropped" not in uncounted.sentence
    assert "dropped, filtered and on-failure are zero" in judged(a_mapping(**COUNTED), own()).sentence


def test_a_foreign_member_elsewhere_is_no_reason_to_doubt() -> None:
    elsewhere = a_member("somebody-else", 2)
    mine = a_member(f"lambda-{UUID}", 0, 1)
    assert judged(a_mapping(), of_function(), mine, elsewhere).name == "processed"


def test_another_mappings_pollers_are_foreign() -> None:
    found = judged(a_mapping(), of_function(), MINE, a_member(f"lambda-{OTHER}", 1))
    assert (found.name, OTHER in found.sentence) == ("unproven", True)


def test_a_partition_that_was_never_seen_held_is_unproven() -> None:
    found = judged(a_mapping(), of_function(), MINE)
    assert found.name == "unproven"
    assert "nobody in group g was seen with partition 1" in found.sentence


def test_a_member_keeps_every_partition_that_it_held_in_any_reading() -> None:
    seen = merge_members([a_member("somebody-else", 0, 1)], [a_member("somebody-else")])
    assert seen == (a_member("somebody-else", 0, 1),)


def test_only_own_progress_towards_the_messages_counts_as_being_behind() -> None:
    mine = (MINE, a_member(f"lambda-{UUID}-2", 1))
    assert judged(a_mapping(), of_function(), *mine, now=(8, 5)).name == "behind"
    found = judged(a_mapping(), of_function(), MINE, THEIRS, now=(5, 8))
    assert (found.name, "somebody-else" in found.sentence) == ("unproven", True)


def test_the_possible_commits_of_a_group_count_every_partition() -> None:
    assert committed(12, 20).committed_since(committed(5, 5)) == 22


# --- what may have been lost

ENCRYPTED: list[dict[str, Any]] = [
    {"KMSKeyArn": KEY},
    {"FilterCriteriaError": {"ErrorCode": "KMSAccessDeniedException", "Message": "not authorized"}},
]


@pytest.mark.parametrize("answer", ENCRYPTED, ids=["encrypted", "error"])
def test_unreadable_filters_are_possible_losses(answer: Mapping[str, Any]) -> None:
    found = judged(a_mapping(**answer), of_function())
    assert found.name == "unproven"
    assert "filters that cannot be read" in found.sentence
    assert judged(a_mapping(**COUNTED, **answer), own()).name == "processed"


LOSSY: list[tuple[dict[str, Any], str]] = [
    ({"SchemaRegistryConfig": {"SchemaRegistryURI": "https://registry.example"}}, "a schema registry"),
    ({"ConsumptionMode": "Queue"}, "queue mode's limit of deliveries"),
]


@pytest.mark.parametrize(("config", "named"), LOSSY, ids=["registry", "queue"])
def test_uncounted_losses_that_a_mode_allows_are_unproven(config: dict[str, Any], named: str) -> None:
    own_brokers: dict[str, Any] = {"EventSourceArn": None, "SelfManagedKafkaEventSourceConfig": config}
    found = judged(a_mapping(**own_brokers), of_function())
    assert (found.name, named in found.sentence) == ("unproven", True)
    assert judged(a_mapping(**own_brokers, **COUNTED), own()).name == "processed"


def test_rejected_filters_under_a_key_are_reported_without_their_patterns() -> None:
    found = judged(a_mapping(**COUNTED, KMSKeyArn=KEY), own(filtered=4, invoked=None))
    assert (found.name, KEY in found.advice) == ("committed, not processed", True)


def test_fewer_delivered_than_committed_leaves_open_which_ones() -> None:
    found = judged(a_mapping(**COUNTED), own(committed=50, invoked=45), by_group=50)
    assert (found.name, "committed 50 records in the window and delivered only 45" in found.sentence) == (
        "unproven",
        True,
    )
    again = own(committed=4, invoked=6, failed_invokes=3)
    assert judged(a_mapping(**COUNTED), again).name == "unproven"


def test_single_failures_not_counted_yet_may_have_been_given_up() -> None:
    given: dict[str, Any] = {
        **COUNTED,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "MaximumRetryAttempts": 0,
    }
    assert judged(a_mapping(**given), own()).name == "unproven"
    assert judged(a_mapping(**given), own(failed_invokes=0)).name == "processed"


def test_metrics_that_need_provisioned_pollers_say_so_when_they_stay_away() -> None:
    found = judged(a_mapping(**COUNTED), own(committed=None, invoked=None, polled=None))
    assert (found.name, "provisioned" in found.advice) == ("unproven", True)


# --- a share group

QUEUE: dict[str, Any] = {
    "EventSourceArn": None,
    "SelfManagedKafkaEventSourceConfig": {"ConsumptionMode": "Queue"},
}


def test_a_share_group_without_a_start_may_begin_after_the_messages() -> None:
    nowhere = tuple(
        PartitionProgress(
            partition=partition,
            passed=False,
            committed_before=None,
            committed=None,
            last=11,
            ahead=None,
            moved=0,
        )
        for partition in (0, 1)
    )
    assert judged(a_mapping(**QUEUE), own(), progress=nowhere).name == "inconclusive"
    found = judged(a_mapping(**QUEUE), own(), progress=nowhere, members=())
    assert (found.name, "share group has no member" in found.advice) == ("not processed", True)


def test_brokers_that_do_not_count_a_share_groups_progress_prove_nothing() -> None:
    found = judged(a_mapping(**QUEUE), own(), now=(12, 8), at_least=True)
    assert (found.name, "Kafka before 4.2" in found.sentence) == ("unproven", True)
    assert judged(a_mapping(**QUEUE, **COUNTED), own(), at_least=True).name == "processed"


# --- what CloudWatch reports

AFTER = timedelta(minutes=1)


class CloudWatch:
    """`series`: metric → its points by minutes since SINCE. `statuses`: metric → that of its result."""

    def __init__(self, series: Mapping[str, Mapping[int, float]], **statuses: str) -> None:
        self.series = series
        self.statuses = statuses
        self.pages = 1

    def get_metric_data(self, **asked: Any) -> dict[str, Any]:
        page = int(asked.get("NextToken", "0"))
        results = []
        for query in asked["MetricDataQueries"]:
            name = query["MetricStat"]["Metric"]["MetricName"]
            points = {
                SINCE + minute * AFTER: value
                for minute, value in self.series.get(name, {}).items()
                if asked["StartTime"] <= SINCE + minute * AFTER < asked["EndTime"]
                and (page == self.pages - 1 or minute == 0)
            }
            whole = page == self.pages - 1
            results.append(
                {
                    "Id": query["Id"],
                    "Timestamps": list(points),
                    "Values": list(points.values()),
                    "StatusCode": self.statuses.get(name, "Complete" if whole else "PartialData"),
                }
            )
        answer: dict[str, Any] = {"MetricDataResults": results}
        if not whole:
            answer["NextToken"] = str(page + 1)
        return answer


def counts_of(cloudwatch: CloudWatch, **mapping: Any) -> Counts:
    account = AwsAccount(
        AwsAccountSettings(region="eu-central-1"),
        make_client=lambda *_: cloudwatch,
    )
    return read_counts(account, a_mapping(**mapping), since=SINCE, now=lambda: SINCE + 3 * AFTER)


@pytest.mark.parametrize("status", ["InternalError", "PartialData"])
def test_a_metric_without_a_complete_answer_is_unknown_and_never_zero(status: str) -> None:
    told = CloudWatch({"Invocations": {0: 1}, "Errors": {0: 0}}, Errors=status)
    counts = counts_of(told)
    assert (counts.errors, dict(counts.unread)) == (None, {"errors": status})
    found = judged(a_mapping(), counts)
    assert (found.name, f"errors ({status})" in found.sentence) == ("unproven", True)


def test_unreported_lost_records_are_not_zero_either() -> None:
    whole = {"Invocations": {0: 1.0}, "Errors": {0: 0.0}, "InvokedEventCount": {0: 4.0}}
    told = CloudWatch({**whole, "CommittedEventCount": {0: 4.0}}, DroppedEventCount="InternalError")
    assert judged(a_mapping(**COUNTED), counts_of(told, **COUNTED)).name == "unproven"


def test_pages_of_an_answer_are_one_answer() -> None:
    told = CloudWatch({"Invocations": {0: 1, 1: 2}, "Errors": {0: 0, 1: 5}})
    told.pages = 2
    counts = counts_of(told)
    assert (counts.invocations, counts.errors, dict(counts.unread)) == (3, 5, {})


def test_an_unreadable_metric_is_refused() -> None:
    with pytest.raises(RefusedError, match="allow cloudwatch:GetMetricData"):
        counts_of(CloudWatch({}, Errors="Forbidden"))


def test_errors_are_unknown_until_they_arrived_for_every_minute_with_an_invocation() -> None:
    late = CloudWatch({"Invocations": {0: 1, 1: 1}, "Errors": {0: 0}})
    assert counts_of(late).errors is None
    assert counts_of(CloudWatch({"Invocations": {0: 1}, "Errors": {0: 0}})).errors == 0
    assert counts_of(CloudWatch({"Invocations": {0: 1, 1: 1}, "Errors": {0: 2}})).errors == 2
    assert judged(a_mapping(), of_function(errors=None)).name == "unproven"


def test_the_window_begins_at_the_next_full_minute() -> None:
    assert full_minute_after(SINCE - timedelta(seconds=1)) == SINCE
    assert full_minute_after(SINCE) == SINCE + AFTER
    before = CloudWatch({"Invocations": {-1: 3, 0: 1}, "Errors": {-1: 3, 0: 0}})
    assert counts_of(before).errors == 0
