"""Waiting for a state, with progress and a deadline, on a clock of its own."""

import pytest

from mesh_assets.esm.errors import MappingNotFoundError, WaitTimeoutError
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.waiting import Progress, Wanted, WrongEndError, wait_until
from mesh_assets_tests.esm.fake_aws import FakeAws

UUID = "7d3c1b52-5f0e-4a53-9c62-6b8f5b8b9a10"


class Clock:
    """Goes on only when somebody sleeps; then the mapping takes its next state."""

    def __init__(self, aws: FakeAws, states: list[str | None]) -> None:
        self.now = 0.0
        self._aws = aws
        self._states = states
        aws.add_mapping(UUID=UUID)
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
            self._aws.mappings[UUID]["State"] = state


def wait(
    aws: FakeAws, states: list[str | None], wanted: Wanted, told: list[Progress] | None = None
) -> EventSourceMapping | None:
    clock = Clock(aws, states)
    progress = None if told is None else told.append
    return wait_until(
        aws.access(), UUID, wanted, deadline_seconds=60, progress=progress, sleep=clock.sleep, clock=clock
    )


def test_it_tells_each_change_of_state_once(aws: FakeAws) -> None:
    told: list[Progress] = []

    mapping = wait(aws, ["Creating", "Creating", "Enabling", "Enabled"], "Enabled", told)

    assert mapping is not None
    assert [(p.state, p.seconds) for p in told] == [("Creating", 0.0), ("Enabling", 1.5), ("Enabled", 3.5)]


def test_gone_is_what_deleting_waits_for(aws: FakeAws) -> None:
    assert wait(aws, ["Deleting", "Deleting", None], "deleted") is None


def test_vanishing_is_an_error_where_it_is_not_wanted(aws: FakeAws) -> None:
    with pytest.raises(MappingNotFoundError):
        wait(aws, ["Creating", None], "Enabled")


def test_a_mapping_that_ends_disabled_is_told_at_once(aws: FakeAws) -> None:
    with pytest.raises(WrongEndError, match="is Disabled instead of Enabled"):
        wait(aws, ["Creating", "Disabled"], "Enabled")


def test_after_the_deadline_it_says_state_reason_and_last_result(aws: FakeAws) -> None:
    with pytest.raises(
        WaitTimeoutError, match=r"is Creating after \d+ s, not Enabled \(USER_INITIATED; last result: OK\)"
    ):
        wait(aws, ["Creating"], "Enabled")
