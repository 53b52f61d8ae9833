from mesh_assets.platforms.confluent_cloud.limits import patient


def test_a_discovery_waits_a_minute_and_a_sensor_less_than_its_look_may_take() -> None:
    assert (patient(15).budget_seconds, patient(8).budget_seconds, patient(90).budget_seconds) == (60, 20, 90)
