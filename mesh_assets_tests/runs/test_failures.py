"""What Dagster keeps of a failure, and shows in its UI, holds no secret that the exception quotes."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._serdes import serialize_value

from mesh_assets.defs.inventory import inventory_assets
from mesh_assets.defs.resources import EstateResource, StoreResource, section_io_manager
from mesh_assets.errors import MeshError, UnreachableError
from mesh_assets.runs.failures import masking_failures
from mesh_assets.runs.requests import discovery_sensor

SECRET = "s3cr3t-Value_42"


def failing(error: Exception) -> Any:
    def fail(*_: Any, **__: Any) -> Any:
        try:
            raise ValueError(f"redis://:{SECRET}@cache")
        except ValueError as cause:
            raise error from cause

    return fail


def events_of(result: dg.ExecuteInProcessResult) -> str:
    return "\n".join(serialize_value(event) for event in result.all_events)


@pytest.mark.parametrize(
    "error",
    [OSError(f"GET https://app:{SECRET}@db/x: refused"), UnreachableError(f"no answer, password={SECRET}")],
    ids=["unexpected", "of ours"],
)
def test_the_events_of_a_failed_step_are_masked_and_say_what_failed(
    error: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "estate.yaml").write_text('clusters: {a: {kafka: {bootstrap_servers: "127.0.0.1:1"}}}')
    monkeypatch.setattr("mesh_assets.discovering.discovery.collect_sections", failing(error))
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [inventory_assets(dg.StaticPartitionsDefinition(["a"]))],
            partition_key="a",
            instance=instance,
            raise_on_error=False,
            resources={
                "estate": EstateResource(path=str(tmp_path / "estate.yaml")),
                "store": StoreResource(location=str(tmp_path / "store")),
                "sections": section_io_manager,
            },
        )
        kept = events_of(result) + "\n".join(
            serialize_value(record.event_log_entry)
            for record in instance.get_records_for_run(result.run_id).records
        )

    assert not result.success
    assert SECRET not in kept
    assert "********" in kept
    assert "redis://********@cache" in kept, "its cause"
    assert ("unexpected OSError at " in kept) == isinstance(error, OSError)


@pytest.mark.parametrize("explicit", [True, False])
def test_a_failure_made_for_dagster_is_masked_together_with_its_cause(explicit: bool) -> None:
    @dg.op
    @masking_failures
    def waits() -> None:
        try:
            failing(UnreachableError(f"no answer, password={SECRET}"))()
        except MeshError as error:
            failure = dg.Failure(description=f"waiting failed: {error}", allow_retries=False)
            if explicit:
                raise failure from error
            raise failure  # noqa: B904 - the case

    @dg.job
    def waiting() -> None:
        waits()

    result = waiting.execute_in_process(raise_on_error=False)

    kept = events_of(result)
    assert not result.success
    assert SECRET not in kept
    assert "waiting failed: no answer, password=********" in kept
    assert "redis://********@cache" in kept, "its cause"


def test_a_sensors_tick_fails_masked() -> None:
    fail = failing(KeyError(f"secret {SECRET}"))

    @discovery_sensor(name="failing", interval_seconds=30, description="Fails.")
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        result: dg.SensorResult = fail(context)
        return result

    with dg.build_sensor_context() as context, pytest.raises(Exception, match=r"Error|error") as caught:
        sensor(context)

    shown: BaseException | None = caught.value
    texts = []
    while shown is not None:
        texts.append(str(shown))
        shown = shown.__cause__ or shown.__context__
    assert SECRET not in " ".join(texts)
    assert "unexpected KeyError" in " ".join(texts)


def test_control_flow_exceptions_and_successes_pass_unchanged() -> None:
    failure = dg.Failure(description="not processed", metadata={"a": 1}, allow_retries=False)

    @masking_failures
    def steers() -> None:
        raise failure

    @masking_failures
    def yields(number: int) -> Iterator[int]:
        """Counts."""
        yield from range(number)

    @masking_failures
    def yields_and_fails() -> Iterator[int]:
        yield 1
        raise MeshError(f"password={SECRET}")

    with pytest.raises(dg.Failure) as caught:
        steers()
    assert caught.value is failure
    assert list(yields(2)) == [0, 1]
    assert yields.__doc__ == "Counts."
    with pytest.raises(MeshError, match=r"^password=\*{8}$"):
        list(yields_and_fails())
