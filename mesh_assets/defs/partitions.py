"""One partition a cluster, by its name in the estate; read when the definitions load."""

import dagster as dg

from mesh_assets.estate.model import Estate


def cluster_partitions(estate: Estate) -> dg.StaticPartitionsDefinition:
    return dg.StaticPartitionsDefinition(list(estate.clusters))
