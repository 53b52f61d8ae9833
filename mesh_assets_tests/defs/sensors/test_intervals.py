import pytest

from mesh_assets.defs.sensors.intervals import interval_seconds, pause_unit_seconds
from mesh_assets.errors import MeshError


def test_one_variable_shortens_all_intervals_and_the_pauses_after_failures() -> None:
    assert (interval_seconds(300, environment={}), pause_unit_seconds(environment={})) == (300, 60)
    shortened = {"MESH_SENSOR_INTERVAL_SECONDS": "5"}
    assert (interval_seconds(300, environment=shortened), pause_unit_seconds(environment=shortened)) == (5, 1)


@pytest.mark.parametrize("text", ["0", "-5", "5s", "0.5"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(MeshError, match="expected a whole number of seconds"):
        interval_seconds(300, environment={"MESH_SENSOR_INTERVAL_SECONDS": text})
