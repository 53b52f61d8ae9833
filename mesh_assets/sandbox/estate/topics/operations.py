"""Operations: vehicles and their sensors, devices and their logs."""

from mesh_assets.sandbox.estate.topic import (
    DAY_MS,
    MEBIBYTE,
    Topic,
    choice,
    configs,
    decimal,
    epoch_ms,
    instant,
    maybe,
    own,
    ref,
    shared,
    text,
    whole,
    word,
)
from mesh_assets.sandbox.estate.vocabulary import (
    DEVICE,
    DRIVER,
    GEO_POINT,
    USER,
    VEHICLE,
    full_name,
    ip_address,
)

TOPICS = (
    # Vehicles, where they are, what their sensors report.
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
    # Devices and what they log.
    Topic(
        name="device_information",
        population=DEVICE,
        per_minute=1,
        config=configs(cleanup_policy="compact"),
        fields={
            "device_id": own(DEVICE),
            "device_ip": ip_address(),
            "device_name": text("host-###"),
            "owner": full_name(),
            "os": word("linux", "windows", "macos"),
        },
    ),
    Topic(
        name="siem_logs",
        per_minute=120,
        config=configs(retention_ms=7 * DAY_MS, compression_type="zstd", segment_ms=DAY_MS // 4),
        fields={
            "device_id": ref(DEVICE),
            "user_id": ref(USER),
            "source_ip": ip_address(),
            "severity": choice("low", "medium", "high", "critical"),
            "rule": word("brute force", "port scan", "impossible travel", "malware beacon"),
            "session_ms": whole(0, 60_000),
            "logged_at": instant(),
            "tactic": maybe(word("initial-access", "lateral-movement", "exfiltration"), since=2),
        },
    ),
    Topic(
        name="syslog_logs",
        per_minute=80,
        config=configs(retention_ms=2 * DAY_MS, retention_bytes=128 * MEBIBYTE, max_message_bytes=64 * 1024),
        fields={
            "device_id": ref(DEVICE),
            "remote_address": ip_address(),
            "facility": choice("auth", "cron", "daemon", "kern"),
            "level": whole(0, 7),
            "message": word("session opened", "connection closed", "out of memory", "link is up"),
            "ts": epoch_ms(),
        },
    ),
)
