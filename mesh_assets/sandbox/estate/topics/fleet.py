"""Vehicles: what they are, where they are, what their sensors say."""

from mesh_assets.sandbox.estate.fields import choice, decimal, epoch_ms, own, ref, shared, text, whole, word
from mesh_assets.sandbox.estate.topic import DAY_MS, MEBIBYTE, Topic, configs
from mesh_assets.sandbox.estate.vocabulary import DRIVER, GEO_POINT, VEHICLE, full_name

TOPICS = (
    Topic(
        name="fleet_mgmt_description",
        population=VEHICLE,
        per_minute=1,
        config=configs(cleanup_policy="compact"),
        fields={
            "vehicle_id": own(VEHICLE),
            "driver_id": ref(DRIVER),
            "driver_name": full_name(),
            "license_plate": text("EX-####"),
            "model": word("Transit", "Sprinter", "Crafter", "eActros"),
            "capacity_kg": whole(600, 12_000),
        },
    ),
    Topic(
        name="fleet_mgmt_location",
        per_minute=60,
        config=configs(retention_ms=DAY_MS // 2, message_timestamp_type="LogAppendTime"),
        fields={
            "vehicle_id": ref(VEHICLE),
            "position": shared(GEO_POINT),
            "speed_kmh": decimal(0, 110, 1),
            "ts": epoch_ms(),
        },
    ),
    Topic(
        name="fleet_mgmt_sensors",
        per_minute=100,
        config=configs(retention_ms=DAY_MS // 2, segment_bytes=4 * MEBIBYTE, compression_type="snappy"),
        fields={
            "vehicle_id": ref(VEHICLE),
            "engine_temperature": whole(60, 240),
            "average_rpm": whole(700, 5000),
            "fuel_percent": decimal(2, 100, 1),
            "unit": choice("celsius"),
            "ts": epoch_ms(),
        },
    ),
)
