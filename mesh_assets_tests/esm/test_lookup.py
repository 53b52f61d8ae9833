"""Listing and finding mappings in faked answers of Lambda."""

import time
from datetime import timedelta
from typing import Any

import pytest
from botocore.parsers import ResponseParserError

from mesh_assets.errors import RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.esm.errors import AmbiguousMappingError, EsmError, MappingNotFoundError, WaitTimeoutError
from mesh_assets.esm.lookup import (
    Progress,
    Wanted,
    WrongEndError,
    find_mapping,
    get_mapping,
    list_mappings,
    wait_until,
)
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets_tests.esm.fake_aws import CLUSTER_ARN, REGION, WHEN, FakeAws, function_arn, refusal

OWN: dict[str, Any] = {
    "SelfManagedEventSource": {
        "Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["b1.example:9092", "b2.example:9092"]}
    }
}


def test_every_page_is_listed(aws: FakeAws) -> None:
    made = [aws.add_mapping(topic=f"topic-{number}") for number in range(205)]

    assert [mapping.uuid for mapping in list_mappings(aws.account())] == made
    assert [asked.get("Marker") for asked in aws.asked("lambda.list_event_source_mappings")] == [
        None,
        "100",
        "200",
    ]


@pytest.mark.parametrize("other", [{"function": "ship"}, {"topic": "orders"}, {"source": "b1.example:9092"}])
def test_a_uuid_with_contradicting_names_finds_nothing(aws: FakeAws, other: dict[str, str]) -> None:
    """A UUID copied from the wrong line must not decide what is deleted."""
    uuid = aws.add_mapping("pay:live", "payments")

    with pytest.raises(
        MappingNotFoundError, match=f"a different function, source or topic: {uuid}  payments of"
    ):
        find_mapping(aws.account(), uuid=uuid, **other)
    assert (
        find_mapping(aws.account(), uuid=uuid, function="pay", topic="payments", source=CLUSTER_ARN).uuid
        == uuid
    )


@pytest.mark.parametrize("uuid", ["", "7d3c1b52", "../../2015-03-31/functions/orders-h1"])
def test_an_invalid_uuid_is_reported_before_any_request_to_aws(aws: FakeAws, uuid: str) -> None:
    with pytest.raises(MappingNotFoundError, match="is not the UUID of an event source mapping"):
        get_mapping(aws.account(), uuid)
    assert aws.calls == []


def test_a_list_that_repeats_a_page_is_an_error(aws: FakeAws) -> None:
    aws.answers["lambda.list_event_source_mappings"] = lambda **_: {
        "EventSourceMappings": [],
        "NextMarker": "again",
    }

    with pytest.raises(UnexpectedAnswerError, match="repeats a page"):
        list_mappings(aws.account())


def test_mappings_are_listed_by_function_cluster_topic_and_state(aws: FakeAws) -> None:
    first = aws.add_mapping("pay", "payments")
    second = aws.add_mapping(function_arn("pay:live"), "refunds", State="Disabled")
    third = aws.add_mapping("ship", "payments", **OWN)
    access = aws.account()

    def uuids(**filters: str) -> list[str]:
        return [mapping.uuid for mapping in list_mappings(access, **filters)]  # type: ignore[arg-type]

    assert uuids(function="pay") == [first, second]
    assert uuids(function="pay:live") == uuids(function=function_arn("pay:live")) == [second]
    assert uuids(source=CLUSTER_ARN) == [first, second]
    assert uuids(source="b2.example:9092, b1.example:9092") == [third]
    assert uuids(topic="payments") == [first, third]
    assert uuids(state="disabled") == [second]
    assert uuids(function=function_arn("pay").replace("123456789012", "999999999999")) == []


def test_a_state_that_no_mapping_can_be_in_is_refused_and_not_an_empty_list(aws: FakeAws) -> None:
    aws.add_mapping()
    with pytest.raises(EsmError, match="state 'enable'; expected one of Creating, Enabling, Enabled, "):
        list_mappings(aws.account(), state="enable")


def test_other_kinds_of_source_are_left_out(aws: FakeAws) -> None:
    uuid = aws.add_mapping()
    del aws.mappings[uuid]["Topics"]

    assert list_mappings(aws.account()) == ()
    assert [mapping.uuid for mapping in list_mappings(aws.account(), kafka_only=False)] == [uuid]


def test_a_mapping_is_read_once_and_whole(aws: FakeAws) -> None:
    uuid = aws.add_mapping(
        function_arn("pay:live"),
        **OWN,
        SelfManagedKafkaEventSourceConfig={"ConsumerGroupId": "payers"},
        SourceAccessConfigurations=[{"Type": "IAM_AUTH"}],
        ProvisionedPollerConfig={"MinimumPollers": 1, "MaximumPollers": 4},
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:sqs:eu-central-1:123456789012:dead"}},
        FilterCriteria={"Filters": [{"Pattern": "{}"}]},
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )

    mapping = get_mapping(aws.account(), uuid)

    assert (mapping.function_name, mapping.topic, mapping.source) == (
        "pay:live",
        "orders",
        "b1.example:9092,b2.example:9092",
    )
    assert (mapping.consumer_group_id, mapping.min_pollers, mapping.max_pollers) == ("payers", 1, 4)
    assert (mapping.source_access[0].type, mapping.source_access[0].uri) == ("IAM_AUTH", None)
    assert mapping.on_failure_destination == "arn:aws:sqs:eu-central-1:123456789012:dead"
    assert mapping.filter_patterns == ("{}",)
    assert mapping.report_batch_item_failures
    assert mapping.last_modified == WHEN
    assert not {"State", "LastModified", "LastProcessingResult"} & set(mapping.configuration)


def test_without_a_group_the_uuid_is_the_group(aws: FakeAws) -> None:
    uuid = aws.add_mapping()

    assert get_mapping(aws.account(), uuid).consumer_group_id == uuid


def test_an_answer_without_uuid_is_an_error(aws: FakeAws) -> None:
    aws.answers["lambda.get_event_source_mapping"] = lambda UUID: {"FunctionArn": function_arn("pay")}  # noqa: ARG005, N803

    with pytest.raises(UnexpectedAnswerError, match="without UUID"):
        get_mapping(aws.account(), "4f6a7c5e-0000-4000-8000-000000000000")


def test_several_matches_are_candidates_and_none_is_chosen(aws: FakeAws) -> None:
    made = [aws.add_mapping("pay", "payments"), aws.add_mapping("pay:live", "payments")]

    with pytest.raises(AmbiguousMappingError, match="choose one by its UUID") as caught:
        find_mapping(aws.account(), function="pay", source=CLUSTER_ARN, topic="payments")

    assert list(caught.value.candidates) == made
    assert all(uuid in str(caught.value) for uuid in made)


def test_a_miss_says_what_was_searched(aws: FakeAws) -> None:
    with pytest.raises(
        MappingNotFoundError, match=f"no event source mapping in {REGION} has function pay, topic payments"
    ):
        find_mapping(aws.account(), function="pay", topic="payments")
    with pytest.raises(MappingNotFoundError, match="no event source mapping 4f6a"):
        find_mapping(aws.account(), uuid="4f6a7c5e-0000-4000-8000-000000000000")
    with pytest.raises(MappingNotFoundError, match="give its UUID, or function, source and topic"):
        find_mapping(aws.account())


def test_a_throttled_call_is_repeated(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    uuid = aws.add_mapping()
    aws.failing["lambda.get_event_source_mapping"] = [
        refusal("TooManyRequestsException", "Rate exceeded", 429)
    ] * 3

    assert get_mapping(aws.account(), uuid).uuid == uuid
    assert len(pauses) == 3
    assert 0.25 <= pauses[0] <= 0.5
    assert pauses[2] >= 1.0


def test_endless_throttling_is_reported(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, now[0] + 2 * seconds))
    aws.failing["lambda.get_event_source_mapping"] = [refusal("TooManyRequestsException")] * 100

    with pytest.raises(
        UnreachableError, match=r"lambda:GetEventSourceMapping on event source mapping .* busy"
    ):
        get_mapping(aws.account(), "4f6a7c5e-0000-4000-8000-000000000000")


def test_access_denied_names_the_action_and_the_resource(aws: FakeAws) -> None:
    aws.failing["lambda.list_event_source_mappings"] = [
        refusal("AccessDeniedException", "User: arn… is not authorized", 403)
    ]

    with pytest.raises(
        RefusedError,
        match="lambda:ListEventSourceMappings on the event source mappings of eu-central-1: access denied",
    ):
        list_mappings(aws.account())


def test_an_answer_that_is_not_from_aws_is_reported(aws: FakeAws) -> None:
    aws.failing["lambda.list_event_source_mappings"] = [ResponseParserError("<html>hello</html>")]

    with pytest.raises(
        UnexpectedAnswerError, match=r"lambda:ListEventSourceMappings .* the answer does not come from AWS"
    ) as caught:
        list_mappings(aws.account())
    assert "html" not in str(caught.value)


# Waiting for a state, with progress and a deadline, on a clock of its own.

UUID = "7d3c1b52-5f0e-4a53-9c62-6b8f5b8b9a10"


class Clock:
    """Advances only when someone sleeps; then the mapping takes its next state: `None` unknown, `State@9` changed nine seconds
    after `WHEN`."""

    def __init__(self, aws: FakeAws, states: list[str | None]) -> None:
        self.now = 0.0
        self._aws = aws
        self._states = states
        aws.add_mapping(UUID=UUID)
        self._kept = aws.mappings[UUID]
        self._next()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self._next()

    def _next(self) -> None:
        state = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        if state is None:
            self._aws.mappings.pop(UUID, None)
        else:
            self._aws.mappings[UUID] = self._kept
            state, _, changed = state.partition("@")
            self._kept["State"] = state
            if changed:
                self._kept["LastModified"] = WHEN + timedelta(seconds=int(changed))


def wait(
    aws: FakeAws,
    states: list[str | None],
    wanted: Wanted,
    told: list[Progress] | None = None,
    *,
    after: EventSourceMapping | None = None,
) -> EventSourceMapping | None:
    clock = Clock(aws, states)
    progress = None if told is None else told.append
    return wait_until(
        aws.account(),
        UUID,
        wanted,
        after=after,
        deadline_seconds=60,
        progress=progress,
        sleep=clock.sleep,
        clock=clock,
    )


def answered(state: str, *, seconds_later: int) -> EventSourceMapping:
    """Lambda's answer to a change, that long after the moment that `FakeAws` gives its mappings."""
    aws = FakeAws()
    when = WHEN + timedelta(seconds=seconds_later)
    return get_mapping(aws.account(), aws.add_mapping(UUID=UUID, State=state, LastModified=when))


def test_each_change_of_state_is_reported_once(aws: FakeAws) -> None:
    told: list[Progress] = []

    mapping = wait(aws, ["Creating", "Creating", "Enabling", "Enabled"], "Enabled", told)

    assert mapping is not None
    assert [(p.state, p.seconds) for p in told] == [("Creating", 0.0), ("Enabling", 1.5), ("Enabled", 3.5)]


def test_deleting_waits_until_the_mapping_is_gone(aws: FakeAws) -> None:
    assert wait(aws, ["Deleting", "Deleting", None], "deleted") is None


def test_vanishing_is_an_error_where_it_is_not_expected(aws: FakeAws) -> None:
    with pytest.raises(MappingNotFoundError):
        wait(aws, ["Creating", None], "Enabled")


def test_a_mapping_that_ends_disabled_is_reported_at_once(aws: FakeAws) -> None:
    with pytest.raises(WrongEndError, match="is Disabled instead of Enabled"):
        wait(aws, ["Creating", "Disabled"], "Enabled")


def test_after_the_deadline_the_error_gives_state_reason_and_last_result(aws: FakeAws) -> None:
    with pytest.raises(
        WaitTimeoutError, match=r"is Creating after \d+ s, not Enabled \(USER_INITIATED; last result: OK\)"
    ):
        wait(aws, ["Creating"], "Enabled")


def test_a_new_mapping_may_be_unknown_for_a_while(aws: FakeAws) -> None:
    told: list[Progress] = []

    mapping = wait(
        aws, [None, None, "Creating", "Enabled"], "Enabled", told, after=answered("Creating", seconds_later=0)
    )

    assert mapping is not None
    assert [progress.state for progress in told] == ["Creating", "Enabled"]


def test_a_mapping_that_stays_unknown_does_not_exist(aws: FakeAws) -> None:
    told: list[Progress] = []

    with pytest.raises(MappingNotFoundError):
        wait(aws, [None], "Enabled", told, after=answered("Creating", seconds_later=0))
    assert [progress.state for progress in told] == ["Creating"]


def test_a_mapping_that_was_seen_before_has_vanished(aws: FakeAws) -> None:
    with pytest.raises(MappingNotFoundError):
        wait(aws, ["Creating", None, "Enabled"], "Enabled", after=answered("Creating", seconds_later=0))


@pytest.mark.parametrize(
    ("wanted", "answer", "states", "told_states"),
    [
        ("Enabled", "Enabling", ["Disabled", "Disabled", "Enabling@5", "Enabled@6"], ["Enabling", "Enabled"]),
        ("Enabled", "Updating", ["Enabled", "Updating@5", "Enabled@6"], ["Updating", "Enabled"]),
        ("Disabled", "Disabling", ["Enabled", "Disabling@5", "Disabled@6"], ["Disabling", "Disabled"]),
        ("Disabled", "Updating", ["Disabled", "Disabled@6"], ["Updating", "Disabled"]),
    ],
)
def test_the_state_from_before_the_change_does_not_count(
    aws: FakeAws, wanted: Wanted, answer: str, states: list[str | None], told_states: list[str]
) -> None:
    told: list[Progress] = []

    mapping = wait(aws, states, wanted, told, after=answered(answer, seconds_later=5))

    assert mapping is not None
    assert mapping.last_modified == WHEN + timedelta(seconds=6)
    assert [progress.state for progress in told] == told_states


def test_a_deleted_mapping_is_gone_at_the_first_read_that_says_so(aws: FakeAws) -> None:
    assert (
        wait(aws, ["Enabled", "Deleting@5", None], "deleted", after=answered("Deleting", seconds_later=5))
        is None
    )
