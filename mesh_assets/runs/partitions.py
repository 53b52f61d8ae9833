"""A partition for each cluster of the estate currently in force.

docs/decisions/partitions-follow-the-estate.md says why they are not Dagster's dynamic partitions.
"""

from collections.abc import Sequence, Set
from datetime import datetime
from typing import Any

import dagster as dg

from mesh_assets.fleet.in_force import EstateInForce, estate_in_force


class ClusterPartitions(dg.StaticPartitionsDefinition):
    """The names of the clusters, read again whenever Dagster asks: a code server and its sensors, schedules
    and jobs follow the estate file without a reload. What another process copied (the list of partitions in
    the UI) is as of the last time the code location was loaded.

    Raises EstateError when there is no estate in force.
    """

    def __init__(self, estate: EstateInForce | None = None) -> None:
        self._estate = estate or estate_in_force()
        super().__init__(list(self._estate.now().estate.clusters))

    def get_partition_keys(
        self,
        current_time: datetime | None = None,  # noqa: ARG002 - Dagster names them
        dynamic_partitions_store: Any = None,  # noqa: ARG002
    ) -> Sequence[str]:
        return list(self._estate.lately().estate.clusters)

    def filter_valid_partition_keys(self, partition_keys: set[str]) -> Set[str]:
        return partition_keys & set(self.get_partition_keys())

    # Always equal, whatever the file says by now: Dagster uses partitions definitions as keys of mappings.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClusterPartitions) and self._estate is other._estate

    def __hash__(self) -> int:
        return hash(self._estate.path)
