"""What tests start ends on request."""

import signal
import subprocess
from collections.abc import Iterator

import dagster as dg
import pytest

from mesh_assets_tests.processes import heed_interrupts


@dg.op
def _nothing() -> None:
    pass


@pytest.fixture
def in_the_background() -> Iterator[None]:
    """Like a command that a shell without job control starts with `&`."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _signal_that_ends_a_child_that_is_asked_to() -> int | None:
    dg.GraphDefinition(name="nothing", node_defs=[_nothing]).execute_in_process(
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    )
    child = subprocess.Popen(["sleep", "60"])
    try:
        child.terminate()
        return -child.wait(1)
    except subprocess.TimeoutExpired:
        return None
    finally:
        child.kill()
        child.wait()


@pytest.mark.usefixtures("in_the_background")
def test_a_background_sessions_child_still_ends_on_request_after_a_dagster_job() -> None:
    heed_interrupts()
    assert _signal_that_ends_a_child_that_is_asked_to() == signal.SIGTERM


@pytest.mark.usefixtures("in_the_background")
def test_the_child_would_not_end_without_that() -> None:
    """Otherwise it would be unnecessary: Dagster has changed."""
    assert _signal_that_ends_a_child_that_is_asked_to() is None
