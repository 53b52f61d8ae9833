"""Whether what runs SQL on the cluster's topics can be asked what it runs: Confluent Cloud's Flink, and ksqlDB. Lineage asks
both; no discovery needs them."""

from mesh_assets.access_checks.access_check import (
    AccessCheck,
    answered,
    failed,
    http_endpoint,
    http_identity,
    stand_in_notes,
)
from mesh_assets.errors import EstateError, PlatformError
from mesh_assets.estate.connections import FlinkConnection, KsqlDbConnection
from mesh_assets.estate.model import Cluster
from mesh_assets.platforms import ksqldb
from mesh_assets.platforms.confluent_cloud import flink
from mesh_assets.platforms.http import Transport


def check_flink(
    cluster: Cluster, connection: FlinkConnection, *, transport: Transport | None = None
) -> AccessCheck:
    """Lists the statements of the compute pool."""
    endpoint = http_endpoint(connection, name=flink.NAME)
    identity = http_identity(connection, name=flink.NAME)
    try:
        with flink.FlinkClient(connection, transport=transport) as client:
            identity = client.identity
            statements = client.statements()
            stand_in = client.stand_in
    except (EstateError, PlatformError) as error:
        return failed(cluster.name, "flink", endpoint, identity, str(error))
    return answered(
        cluster.name,
        "flink",
        endpoint,
        identity,
        facts={"statements": len(statements)},
        rights="reads",
        notes=stand_in_notes(stand_in),
    )


def check_ksqldb(
    cluster: Cluster, connection: KsqlDbConnection, *, transport: Transport | None = None
) -> AccessCheck:
    """Lists the queries; `place` compares the Kafka cluster that they run on with this one."""
    endpoint = http_endpoint(connection, name=ksqldb.NAME)
    identity = http_identity(connection, name=ksqldb.NAME)
    try:
        with ksqldb.KsqlDbClient(connection, transport=transport) as client:
            identity = client.identity
            info = client.info()
            queries = client.queries(info)
            stand_in = client.stand_in
    except (EstateError, PlatformError) as error:
        return failed(cluster.name, "ksqldb", endpoint, identity, str(error))
    facts: dict[str, int | str] = {
        "queries": len(queries),
        "version": info.version,
        "kafka_cluster_id": info.kafka_cluster_id,
    }
    return answered(
        cluster.name,
        "ksqldb",
        endpoint,
        identity,
        facts=facts,
        rights="reads",
        notes=stand_in_notes(stand_in),
    )
