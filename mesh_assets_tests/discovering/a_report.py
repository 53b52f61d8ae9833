"""The report of a discovery."""

from mesh_assets.inventory.changes import Trigger
from mesh_assets.inventory.document import Summary
from mesh_assets.inventory.sections import SECTION_NAMES
from mesh_assets.snapshot.report import DiscoveryReport, EventReport
from mesh_assets_tests.documents import FRESH, MOMENT

REPORT = DiscoveryReport(
    cluster="data-mesh-cluster",
    cluster_id="lkc-nd1ng3",
    environment="agentic-data-mesh",
    run_id="run-1",
    sequence=4,
    trigger=Trigger(type="schema_updated", resource="users-value"),
    discovery_timestamp=MOMENT,
    seconds=1.84,
    phases={"collect": 1.0},
    kafka_requests=9,
    http_requests=81,
    level_requests=74,
    summary=Summary(
        total_topics=37,
        total_partitions=222,
        total_messages=18204,
        total_connectors=37,
        active_connectors=37,
        total_schemas=37,
        total_consumer_groups=4,
        total_lag_records=1204,
        total_brokers=3,
        fenced_brokers=1,
        total_acls=1_200,
        total_client_quotas=1,
        total_scram_users=0,
    ),
    schemas_by_type={"AVRO": 33, "JSON": 2, "PROTOBUF": 2},
    inactive_connectors=(),
    groups_behind=1,
    controller=100,
    sections=dict.fromkeys(SECTION_NAMES, FRESH),
    total_changes=1,
    first_changes=("users-value: Schema version 1 → 2",),
    event=EventReport(
        topic="discovery-events",
        partition=0,
        offset=3,
        bytes=412_000,
        compressed_bytes=38_000,
        approximate_tokens=103_000,
        claim_check=False,
    ),
    inventory_location=".mesh/inventories/lkc-nd1ng3/inventory-2026-11-23T16-40-02Z.json",
    notes=(),
)
